"""An attempt as its player sees it on the play page.

Nothing here changes an attempt. What is revealed: product description, "What is revealed".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from respondeo.domain import timing
from respondeo.domain.document import Feedback
from respondeo.prepared import Source
from respondeo.services import content, steps
from respondeo.services.content import Key, PlayedQuestion
from respondeo.services.running import Running
from respondeo.services.steps import Answer, Attempt


@dataclass(frozen=True, slots=True)
class AnswerFeedback:
    """What a player learns of an answer; `right_ids` and `explanation` only where disclosed.

    is_last: the attempt is over. moved_on: the attempt went on after this question.
    """

    question_id: UUID
    chosen_id: UUID
    is_correct: bool
    disclosed: bool
    right_ids: frozenset[UUID]
    explanation: str | None
    is_last: bool
    moved_on: bool


@dataclass(frozen=True, slots=True)
class Play:
    """Where an attempt stands: `question`, `feedback`, `time-up` (the grace runs) or `over`.

    language: what the quiz is written in. score: None where no score may be shown yet. All times
    in ms; `pause_left_ms`: how long the clock still stands; `retry_after_ms`: when to ask again,
    at `time-up`.
    """

    quiz_id: UUID
    quiz_title: str
    language: str
    attempt_id: UUID
    status: str
    position: int
    total: int
    pips: tuple[str, ...]
    answered_count: int
    score: int | None
    limit_ms: int | None
    spent_ms: int
    remaining_ms: int | None
    clock_running: bool
    pause_left_ms: int
    retry_after_ms: int
    question: PlayedQuestion | None = None
    feedback: AnswerFeedback | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """What an attempt is about; `keys` only where they may be told."""

    title: str
    language: str
    questions: Mapping[UUID, PlayedQuestion]
    keys: Mapping[UUID, Key]


def play(source: Source, stands: Running, *, answered: UUID | None = None) -> Play:
    """Where the player's attempt stands.

    answered: a question whose feedback is asked for; used where there is any to show.
    """
    attempt, rows = stands.attempt, stands.answers
    row = row_to_show(attempt, rows, answered)
    tells = row is not None and row.answered_at is not None and attempt.discloses
    version = content.version_details(source, attempt.quiz_version_id)
    material = Material(
        version.title,
        version.language,
        content.questions_for_players(source, version.id),
        content.answer_keys(source, version.id) if tells else {},
    )
    return standing(attempt, rows, material, row, stands.now)


def row_to_show(attempt: Attempt, rows: Sequence[Answer], answered: UUID | None) -> Answer | None:
    """The question to show: the one asked for, else the current one, else the last feedback."""
    if attempt.feedback == Feedback.EACH and answered is not None:
        for row in rows:
            if row.question_id == answered and row.answered_at is not None:
                return row
    if attempt.shown_at is not None:
        return steps.current(rows)
    return _last_answered(rows) if attempt.feedback_at is not None else None


def _last_answered(rows: Sequence[Answer]) -> Answer | None:
    return next((row for row in reversed(rows) if row.answered_at is not None), None)


def standing(
    attempt: Attempt,
    rows: Sequence[Answer],
    material: Material,
    row: Answer | None,
    now: datetime,
) -> Play:
    """What the player sees of an attempt that is settled; `row`: the question to show."""
    if attempt.deadline_at is not None and timing.limit_reached(attempt.deadline_at, now):
        return _play(attempt, rows, material, "time-up", now)
    if row is None:
        return _play(attempt, rows, material, "over", now)
    status = "question" if row.answered_at is None else "feedback"
    return _play(attempt, rows, material, status, now, row)


def _play(
    attempt: Attempt,
    rows: Sequence[Answer],
    material: Material,
    status: str,
    now: datetime,
    row: Answer | None = None,
) -> Play:
    clock = None if attempt.completed_at else steps.clock_of(attempt)
    spent = clock.spent(now) if clock else attempt.total_time_ms or 0
    tells = attempt.feedback == Feedback.EACH or attempt.completed_at is not None
    return Play(
        quiz_id=attempt.quiz_id,
        quiz_title=material.title,
        language=material.language,
        attempt_id=attempt.id,
        status=status,
        position=(row or rows[-1]).display_order + 1,
        total=len(rows),
        pips=tuple(_pip(r, current=r is row, tells=tells) for r in rows),
        answered_count=sum(r.answered_at is not None for r in rows),
        score=attempt.correct_count if tells else None,
        limit_ms=attempt.time_limit_ms,
        spent_ms=spent,
        remaining_ms=None if attempt.time_limit_ms is None else attempt.time_limit_ms - spent,
        clock_running=clock is not None and clock.pause_left(now) == 0,
        pause_left_ms=clock.pause_left(now) if clock else 0,
        retry_after_ms=timing.grace_left(attempt.deadline_at, now) + 50
        if attempt.deadline_at
        else 0,
        question=material.questions[row.question_id].in_order(row.answer_order) if row else None,
        feedback=_feedback(attempt, rows, material, row) if row and row.answered_at else None,
    )


def _pip(row: Answer, *, current: bool, tells: bool) -> str:
    if row.answered_at is None:
        return "current" if current else "todo"
    if not tells:
        return "answered"
    return "right" if row.is_correct else "wrong"


def _feedback(
    attempt: Attempt, rows: Sequence[Answer], material: Material, row: Answer
) -> AnswerFeedback:
    assert row.answer_id is not None
    key = material.keys.get(row.question_id, Key(frozenset(), None))
    ended = attempt.completed_at is not None
    return AnswerFeedback(
        question_id=row.question_id,
        chosen_id=row.answer_id,
        is_correct=bool(row.is_correct),
        disclosed=attempt.discloses,
        right_ids=key.right_ids,
        explanation=key.explanation,
        is_last=ended,
        moved_on=row is not _last_answered(rows) or (not ended and attempt.feedback_at is None),
    )
