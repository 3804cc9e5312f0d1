"""What differs between a quiz as it is published and its draft."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from respondeo.domain.document import Details, Document
from respondeo.domain.draft import Draft, DraftQuestion, draft_of, tidied


@dataclass(frozen=True, slots=True)
class DetailChange:
    """A detail that differs: its field, what is published, what the draft says."""

    field: str
    before: Any
    after: Any


class Change(StrEnum):
    """What happened to a question since it was published."""

    ADDED = "added"
    REWORDED = "reworded"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class QuestionChange:
    """A question that differs; `place` from 0, in the draft, or of a removed one as published."""

    change: Change
    place: int
    before: DraftQuestion | None
    after: DraftQuestion | None


@dataclass(frozen=True, slots=True)
class Differences:
    """Everything that publishing the draft would change for players."""

    details: tuple[DetailChange, ...]
    questions: tuple[QuestionChange, ...]
    reordered: bool

    def __bool__(self) -> bool:
        return bool(self.details or self.questions or self.reordered)


def differences(published: Document, draft: Draft) -> Differences:
    """What differs; blanks around texts and blank answers are no difference."""
    old, new = draft_of(published), tidied(draft)
    before = {question.uid: (place, question) for place, question in enumerate(old.questions)}
    after = {question.uid: (place, question) for place, question in enumerate(new.questions)}
    changes = [
        QuestionChange(Change.REWORDED, place, before[uid][1], question)
        if uid in before
        else QuestionChange(Change.ADDED, place, None, question)
        for uid, (place, question) in after.items()
        if uid not in before or before[uid][1] != question
    ]
    changes += [
        QuestionChange(Change.REMOVED, place, question, None)
        for uid, (place, question) in before.items()
        if uid not in after
    ]
    return Differences(
        details=tuple(
            DetailChange(name, getattr(old, name), getattr(new, name))
            for name in Details.model_fields
            if getattr(old, name) != getattr(new, name)
        ),
        questions=tuple(changes),
        reordered=[uid for uid in before if uid in after]
        != [uid for uid in after if uid in before],
    )
