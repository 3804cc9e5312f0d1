"""An attempt as its player sees it on the play page.

Nothing here changes an attempt, but for the one rule that whatever reads an overdue one
completes it. What is revealed: product description, "What is revealed".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from respondeo.domain import timing
from respondeo.domain.document import Feedback
from respondeo.models import AttemptAnswer, QuizAttempt
from respondeo.services import content, taking
from respondeo.services.content import Key, PlayedQuestion


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


def play(session: Session, attempt: QuizAttempt, *, answered: UUID | None = None) -> Play:
    """Where the player's attempt stands.

    answered: a question whose feedback is asked for; used where there is any to show.
    """
    now = taking.settle(session, attempt)
    rows = taking.answers_of(session, attempt)
    row = _row_to_show(attempt, rows, answered)
    if attempt.deadline_at is not None and timing.limit_reached(attempt.deadline_at, now):
        return _play(session, attempt, rows, "time-up", now)
    if row is None:
        return _play(session, attempt, rows, "over", now)
    status = "question" if row.answered_at is None else "feedback"
    return _play(session, attempt, rows, status, now, row)


def _row_to_show(
    attempt: QuizAttempt, rows: Sequence[AttemptAnswer], answered: UUID | None
) -> AttemptAnswer | None:
    """The question to show: the one asked for, else the current one, else the last feedback."""
    if attempt.feedback == Feedback.EACH and answered is not None:
        for row in rows:
            if row.question_id == answered and row.answered_at is not None:
                return row
    if attempt.shown_at is not None:
        return next((row for row in rows if row.answered_at is None), None)
    return _last_answered(rows) if attempt.feedback_at is not None else None


def _last_answered(rows: Sequence[AttemptAnswer]) -> AttemptAnswer | None:
    return next((row for row in reversed(rows) if row.answered_at is not None), None)


def _play(
    session: Session,
    attempt: QuizAttempt,
    rows: Sequence[AttemptAnswer],
    status: str,
    now: datetime,
    row: AttemptAnswer | None = None,
) -> Play:
    clock = None if attempt.completed_at else taking.clock_of(attempt)
    spent = clock.spent(now) if clock else attempt.total_time_ms or 0
    tells = attempt.feedback == Feedback.EACH or attempt.completed_at is not None
    version = content.version_details(session, attempt.quiz_version_id)
    questions = content.questions_for_players(session, attempt.quiz_version_id)
    return Play(
        quiz_id=attempt.quiz_id,
        quiz_title=version.title,
        language=version.language,
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
        question=questions[row.question_id].in_order(row.answer_order) if row else None,
        feedback=_feedback(session, attempt, rows, row) if row and row.answered_at else None,
    )


def _pip(row: AttemptAnswer, *, current: bool, tells: bool) -> str:
    if row.answered_at is None:
        return "current" if current else "todo"
    if not tells:
        return "answered"
    return "right" if row.is_correct else "wrong"


def _feedback(
    session: Session,
    attempt: QuizAttempt,
    rows: Sequence[AttemptAnswer],
    row: AttemptAnswer,
) -> AnswerFeedback:
    assert row.answer_id is not None
    nothing = Key(frozenset(), None)
    keys = content.answer_keys(session, attempt.quiz_version_id) if attempt.discloses else {}
    key = keys.get(row.question_id, nothing)
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
