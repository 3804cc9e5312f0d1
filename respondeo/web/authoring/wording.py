"""Details of a quiz in words, for pages that show a document or what differs in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from respondeo.domain.differences import Differences
from respondeo.domain.document import Details
from respondeo.domain.draft import Draft
from respondeo.web.filters import language_name, limit_text, number

LABELS = {
    "title": "Title",
    "description": "Description",
    "hero_image_url": "Cover picture",
    "language": "Language",
    "difficulty": "Difficulty",
    "max_attempts": "Attempts",
    "time_limit_seconds": "Time limit",
    "randomize_questions": "Shuffle questions",
    "randomize_answers": "Shuffle answers",
    "feedback": "Feedback",
    "reveal": "Right answers",
}
FEEDBACK = {"each": "After each question", "end": "At the end"}
REVEAL = {"safe": "Once nothing is left to spoil", "always": "Always shown"}


@dataclass(frozen=True, slots=True)
class Said:
    """One detail in words. `before`: as it is published, where that differs."""

    field: str
    label: str
    value: str
    before: str = ""


def details(draft: Draft) -> list[Said]:
    """All details of a draft."""
    return [
        Said(name, LABELS[name], in_words(name, getattr(draft, name)))
        for name in Details.model_fields
    ]


def changed_details(found: Differences) -> list[Said]:
    """The details that differ, before and after."""
    return [
        Said(
            one.field,
            LABELS[one.field],
            in_words(one.field, one.after),
            in_words(one.field, one.before),
        )
        for one in found.details
    ]


def in_words(field: str, value: Any) -> str:
    """What a detail says; what was typed stays as it is."""
    if field == "max_attempts":
        value = "Unlimited" if value is None else value
    elif field == "time_limit_seconds" and isinstance(value, int) and value >= 0:
        value = limit_text(value)
    elif field == "language":
        value = language_name(value)
    elif field == "difficulty":
        value = value.capitalize()
    elif field == "feedback":
        value = FEEDBACK[value]
    elif field == "reveal":
        value = REVEAL[value]
    elif isinstance(value, bool):
        value = "Yes" if value else "No"
    if isinstance(value, int):
        return number(value)
    return value or "None"
