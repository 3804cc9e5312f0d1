"""What keeps a draft from being published, told beside its fields; what differs, in one line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from respondeo.domain.completeness import problems
from respondeo.domain.differences import Change, Differences, differences
from respondeo.domain.draft import Draft
from respondeo.services.authoring import Editing
from respondeo.web.authoring.fields import dashed, field_id
from respondeo.web.authoring.wording import LABELS, changed_details

MOST_SHOWN = 200  # characters of a detail in a list of differences


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to do: the id of its field, where that is in words, what to do.

    missing: nothing is written there yet, so that it can wait until the author is done.
    """

    id: str
    where: str
    message: str
    missing: bool
    question: UUID | None


def notes_of(draft: Draft) -> tuple[Note, ...]:
    """Everything that keeps the draft from being published, in the order of the editor."""
    return tuple(
        Note(
            id=field_id(draft, problem.path),
            where=_where(problem.path),
            message=problem.message,
            missing=_is_blank(draft, problem.path),
            question=_question(draft, problem.path),
        )
        for problem in problems(draft)
    )


def _where(path: str) -> str:
    first, *rest = path.split(".")
    if first == "questions":
        return f"Question {int(rest[0]) + 1}" if rest else "Questions"
    return LABELS.get(dashed(first).replace("-", "_"), "Details")


def _question(draft: Draft, path: str) -> UUID | None:
    match path.split("."):
        case ["questions", place, *_]:
            return draft.questions[int(place)].uid
        case _:
            return None


def _is_blank(draft: Draft, path: str) -> bool:
    match path.split("."):
        case ["questions"] | ["questions", _, "answers"]:
            return True
        case ["questions", question, "answers", answer, *_]:
            return not draft.questions[int(question)].answers[int(answer)].text.strip()
        case ["questions", question, name]:
            return _says_nothing(getattr(draft.questions[int(question)], _attribute(name), ""))
        case [name]:
            return _says_nothing(getattr(draft, _attribute(name), ""))
        case _:
            return False


def _attribute(name: str) -> str:
    return dashed(name).replace("-", "_")


def _says_nothing(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


@dataclass(frozen=True, slots=True)
class Line:
    """One difference: what it is about, what is published, what the draft says; where it is."""

    about: str
    before: str | None
    after: str | None
    href: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What publishing would change: one sentence, and each of it."""

    sentence: str
    lines: tuple[Line, ...]


WORDS = {Change.REWORDED: "changed", Change.ADDED: "new", Change.REMOVED: "removed"}


def changes_of(editing: Editing) -> Changes | None:
    """What differs from the published version; None where there is none or nothing does."""
    if editing.published is None:
        return None
    found = differences(editing.published, editing.draft)
    if not found:
        return None
    return Changes(_sentence(found), (*_detail_lines(found), *_question_lines(found)))


def _sentence(found: Differences) -> str:
    """ "2 questions changed, 1 new; title changed"."""
    counts = Counter(one.change for one in found.questions)
    parts: list[str] = []
    for change, word in WORDS.items():
        if number := counts[change]:
            noun = "" if parts else (" question" if number == 1 else " questions")
            parts.append(f"{number}{noun} {word}")
    if found.reordered:
        parts.append("another order")
    changed = [LABELS[one.field].lower() for one in found.details]
    if len(changed) > 2:
        parts.append(f"{len(changed)} details")
    elif changed:
        parts.append(" and ".join(changed))
    told = ", ".join(parts)
    return told[:1].upper() + told[1:]


def _detail_lines(found: Differences) -> list[Line]:
    return [
        Line(one.label, one.before[:MOST_SHOWN], one.value[:MOST_SHOWN], f"#{dashed(one.field)}")
        for one in changed_details(found)
    ]


def _question_lines(found: Differences) -> list[Line]:
    return [
        Line(
            f"Question {one.place + 1} {WORDS[one.change]}",
            one.before.text[:120] if one.before else None,
            one.after.text[:120] if one.after else None,
            f"#q-{one.after.uid}" if one.after else None,
        )
        for one in found.questions
    ]
