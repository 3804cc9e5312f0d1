"""What the steps of a play do to an attempt and its answers.

Nothing here knows the database: an attempt that is kept is stepped by `services.taking`, one that
is kept nowhere by `services.previewing`, and the rules are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from random import Random
from typing import Protocol, TypeVar
from uuid import UUID

from respondeo.domain import timing
from respondeo.domain.document import Feedback
from respondeo.domain.errors import NotThisAnswer
from respondeo.domain.grading import GRADERS
from respondeo.services.content import Key, PlayedQuestion


def laid_out(
    questions: Iterable[PlayedQuestion], rng: Random, *, questions_too: bool, answers_too: bool
) -> Iterator[tuple[UUID, list[int]]]:
    """The ids of the questions in the order of one attempt, each with that of its answers.

    questions_too, answers_too: whether they are shuffled.
    """
    ordered = list(questions)
    if questions_too:
        rng.shuffle(ordered)
    for question in ordered:
        positions = list(range(len(question.answers)))
        if answers_too:
            rng.shuffle(positions)
        yield question.id, positions


class HasClock(Protocol):
    """An attempt, or what was read of one."""

    @property
    def time_limit_ms(self) -> int | None: ...

    @property
    def spent_ms(self) -> int: ...

    @property
    def shown_at(self) -> datetime | None: ...

    @property
    def feedback_at(self) -> datetime | None: ...


class Attempt(HasClock, Protocol):
    """An attempt that is stepped: kept or not, of the ORM or plain."""

    id: UUID
    quiz_id: UUID
    quiz_version_id: UUID
    discloses: bool
    time_limit_ms: int | None
    feedback: str
    spent_ms: int
    shown_at: datetime | None
    feedback_at: datetime | None
    deadline_at: datetime | None
    completed_at: datetime | None
    timed_out: bool
    correct_count: int
    total_time_ms: int | None


class Answer(Protocol):
    """One of its questions."""

    question_id: UUID
    display_order: int
    answer_order: list[int]
    shown_at: datetime | None
    answer_id: UUID | None
    is_correct: bool | None
    answered_at: datetime | None
    time_ms: int | None


T = TypeVar("T", bound=Answer)


def clock_of(attempt: HasClock) -> timing.Clock:
    """Where an open attempt's time stands."""
    return timing.Clock(
        attempt.time_limit_ms, attempt.spent_ms, attempt.shown_at, attempt.feedback_at
    )


def current(rows: Sequence[T]) -> T | None:
    """The first question without an answer."""
    return next((row for row in rows if row.answered_at is None), None)


def take_answer(
    attempt: Attempt,
    rows: Sequence[Answer],
    question: PlayedQuestion,
    key: Key,
    answer_id: UUID,
    now: datetime,
) -> bool:
    """Take the answer to the question whose clock runs; whether the attempt is over by it.

    Raises NotThisAnswer.
    """
    if all(option.id != answer_id for option in question.answers):
        raise NotThisAnswer
    row = current(rows)
    assert row is not None
    clock = clock_of(attempt)
    row.answer_id = answer_id
    row.is_correct = GRADERS[question.kind].is_correct(answer_id, key.right_ids)
    row.answered_at = now
    row.time_ms = clock.question_ms(now)
    attempt.correct_count += row.is_correct
    return _after_answer(attempt, clock.answered(now), rows, now)


def _after_answer(
    attempt: Attempt, clock: timing.Clock, rows: Sequence[Answer], now: datetime
) -> bool:
    assert attempt.deadline_at is not None
    attempt.spent_ms = clock.spent_ms
    following = current(rows)
    if following is None or timing.limit_reached(attempt.deadline_at, now):
        return True
    if attempt.feedback == Feedback.EACH:
        _set_clock(attempt, clock, now)
    else:
        _set_clock(attempt, clock.next_shown(now), now)
        following.shown_at = now
    return False


def _set_clock(attempt: Attempt, clock: timing.Clock, now: datetime) -> None:
    attempt.shown_at = clock.shown_at
    attempt.feedback_at = clock.feedback_at
    attempt.deadline_at = clock.deadline(now)


def leave_feedback(
    attempt: Attempt, rows: Sequence[Answer], after: UUID | None, now: datetime
) -> None:
    """Start the next question's clock and show it, unless the time is up.

    after: the question whose feedback was left; any other than the last changes nothing.
    """
    assert attempt.deadline_at is not None
    following = current(rows)
    assert following is not None
    stale = after is not None and rows[following.display_order - 1].question_id != after
    if not stale and not timing.limit_reached(attempt.deadline_at, now):
        _set_clock(attempt, clock_of(attempt).next_shown(now), now)
        following.shown_at = now


def end(attempt: Attempt, now: datetime) -> None:
    """End an open attempt: at its deadline, or now if that is earlier."""
    assert attempt.deadline_at is not None
    ended = timing.outcome(attempt.time_limit_ms, attempt.spent_ms, attempt.deadline_at, now)
    attempt.timed_out = ended.timed_out
    attempt.completed_at = ended.completed_at
    attempt.total_time_ms = ended.total_ms
    attempt.shown_at = attempt.feedback_at = attempt.deadline_at = None
