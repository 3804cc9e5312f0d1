"""What the editor's buttons do to a draft, after everything that was typed is in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID, uuid4

from respondeo.domain.document import MOST_ANSWERS
from respondeo.domain.draft import (
    Draft,
    DraftAnswer,
    DraftQuestion,
    duplicated,
    inserted,
    moved,
    removed,
    with_question,
)
from respondeo.domain.edits import Step

FIRST_ANSWERS = 4  # blank ones of a new question

Change = Callable[[DraftQuestion], DraftQuestion]


def step_of(verb: str, uid: UUID | None, answer: UUID | None) -> Step | None:
    """The change that a button makes; None where it only saves."""
    new = uuid4()
    if verb == "add":
        return lambda draft: inserted(draft, new_question(new), len(draft.questions))
    if uid is None:
        return None
    steps: dict[str, Step] = {
        "remove": lambda draft: removed(draft, uid),
        "duplicate": lambda draft: duplicated(draft, uid, new),
        "up": lambda draft: _moved_by(draft, uid, -1),
        "down": lambda draft: _moved_by(draft, uid, 1),
        "answer": lambda draft: _of(draft, uid, with_more_answers),
    }
    if answer is not None:
        steps["lift"] = lambda draft: _of(draft, uid, lambda one: lifted(one, answer))
        steps["drop"] = lambda draft: _of(draft, uid, lambda one: without(one, answer))
    return steps.get(verb)


def new_question(uid: UUID) -> DraftQuestion:
    """A question that nobody has written yet."""
    return DraftQuestion(uid=uid, answers=tuple(DraftAnswer() for _ in range(FIRST_ANSWERS)))


def _moved_by(draft: Draft, uid: UUID, places: int) -> Draft:
    place = draft.position(uid)
    return draft if place is None else moved(draft, uid, place + places)


def _of(draft: Draft, uid: UUID, change: Change) -> Draft:
    place = draft.position(uid)
    return draft if place is None else with_question(draft, change(draft.questions[place]))


def _with_answers(question: DraftQuestion, answers: Iterable[DraftAnswer]) -> DraftQuestion:
    return question.model_copy(update={"answers": tuple(answers)})


def with_more_answers(question: DraftQuestion) -> DraftQuestion:
    """The question with one more answer to write, where it may have more."""
    if len(question.answers) >= MOST_ANSWERS:
        return question
    return _with_answers(question, [*question.answers, DraftAnswer()])


def without(question: DraftQuestion, uid: UUID) -> DraftQuestion:
    """The question without this answer."""
    return _with_answers(question, [one for one in question.answers if one.uid != uid])


def lifted(question: DraftQuestion, uid: UUID) -> DraftQuestion:
    """The question with this answer one place further up."""
    answers = list(question.answers)
    place = next((at for at, one in enumerate(answers) if one.uid == uid), 0)
    if place:
        answers[place - 1], answers[place] = answers[place], answers[place - 1]
    return _with_answers(question, answers)
