"""Attempts as programs are told of them: where they stand, and what may be revealed.

What is revealed: product description, "What is revealed". The rules are those of the pages'
`playing` and `results`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain import timing
from respondeo.domain.access import Viewer
from respondeo.domain.document import Feedback
from respondeo.domain.errors import NotFound
from respondeo.models import Quiz, QuizAttempt, User
from respondeo.prepared import Source
from respondeo.services import catalogue, content, results, running, steps, taking
from respondeo.services.content import Option


@dataclass(frozen=True, slots=True)
class ToldAttempt:
    """An attempt; times in ms. correct_count: None where no score may be told yet."""

    id: UUID
    quiz_id: UUID
    user_id: UUID | None
    status: str
    correct_count: int | None
    total_questions: int
    total_time_ms: int | None
    remaining_ms: int | None
    timed_out: bool
    started_at: datetime
    completed_at: datetime | None
    ranked: bool


@dataclass(frozen=True, slots=True)
class ToldQuestion:
    """The question whose clock runs; `position` from 1."""

    id: UUID
    text: str
    image_url: str | None
    image_alt: str | None
    position: int
    total: int
    answers: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class ToldAnswer:
    """An answer that was given; None: may not be told."""

    question_id: UUID
    answer_id: UUID
    is_correct: bool | None
    correct_answer_ids: tuple[UUID, ...] | None
    explanation: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an attempt stands, and the answers given so far."""

    attempt: ToldAttempt
    question: ToldQuestion | None
    answers: tuple[ToldAnswer, ...]


@dataclass(frozen=True, slots=True)
class ListedAttempt:
    """An attempt in a list, with its player: for editors under the real name."""

    told: ToldAttempt
    name: str | None
    public_name: str | None
    image: str | None


class Attempt(steps.Attempt, Protocol):
    """An attempt of the ORM or plain."""

    user_id: UUID | None
    total_questions: int
    started_at: datetime
    ranked: bool


def told(attempt: Attempt, now: datetime) -> ToldAttempt:
    """The attempt as it stands at `now`."""
    clock = None if attempt.completed_at else steps.clock_of(attempt)
    status = "over"
    if clock:
        status = "question" if attempt.shown_at is not None else "feedback"
    scored = attempt.completed_at is not None or attempt.feedback == Feedback.EACH
    return ToldAttempt(
        id=attempt.id,
        quiz_id=attempt.quiz_id,
        user_id=attempt.user_id,
        status=status,
        correct_count=attempt.correct_count if scored else None,
        total_questions=attempt.total_questions,
        total_time_ms=attempt.total_time_ms,
        remaining_ms=clock.remaining(now) if clock else None,
        timed_out=attempt.timed_out,
        started_at=attempt.started_at,
        completed_at=attempt.completed_at,
        ranked=attempt.ranked,
    )


def standing(
    source: Source,
    attempt: Attempt,
    rows: Sequence[steps.Answer],
    now: datetime,
    *,
    disclosed: bool | None = None,
) -> Standing:
    """Where the player's own attempt stands; it was settled at `now`.

    disclosed: as in its review, where it is over.
    """
    if disclosed is None:
        disclosed = attempt.discloses and _tells(attempt)
    verdicts = disclosed or _tells(attempt)
    return Standing(
        attempt=told(attempt, now),
        question=_current(source, attempt, rows, now),
        answers=_answers(source, attempt, rows, verdicts=verdicts, disclosed=disclosed),
    )


def _tells(attempt: Attempt) -> bool:
    return attempt.completed_at is not None or attempt.feedback == Feedback.EACH


def readable(session: Session, viewer: Viewer, attempt_id: UUID) -> Standing:
    """An attempt of one's own, or one at a quiz that one may edit: of that editors see everything.

    Raises NotFound.
    """
    found = session.execute(
        sa.select(QuizAttempt, Quiz)
        .join(Quiz, Quiz.id == QuizAttempt.quiz_id)
        .where(QuizAttempt.id == attempt_id, running.KEPT)
    ).one_or_none()
    if found is None:
        raise NotFound
    attempt, quiz = found
    own = results.is_own(viewer, attempt)
    if not own and not viewer.may_edit(quiz.author_id):
        raise NotFound
    now = taking.settle(session, attempt)
    disclosed = None
    if not own or attempt.completed_at is not None:
        disclosed = results.is_disclosed(session, viewer, attempt, quiz.author_id, own=own)
    rows = running.answers_of(session, attempt.id)
    return standing(session, attempt, rows, now, disclosed=disclosed)


def _current(
    source: Source, attempt: Attempt, rows: Sequence[steps.Answer], now: datetime
) -> ToldQuestion | None:
    """The question whose clock runs: none at a feedback, none once the time is up."""
    row = steps.current(rows) if attempt.shown_at is not None else None
    if row is None:
        return None
    if attempt.deadline_at is not None and timing.limit_reached(attempt.deadline_at, now):
        return None  # as on the page: the grace is for answers that are on their way
    questions = content.questions_for_players(source, attempt.quiz_version_id)
    question = questions[row.question_id].in_order(row.answer_order)
    return ToldQuestion(
        id=question.id,
        text=question.text,
        image_url=question.image_url,
        image_alt=question.image_alt,
        position=row.display_order + 1,
        total=len(rows),
        answers=question.answers,
    )


def _answers(
    source: Source,
    attempt: Attempt,
    rows: Sequence[steps.Answer],
    *,
    verdicts: bool,
    disclosed: bool,
) -> tuple[ToldAnswer, ...]:
    keys = content.answer_keys(source, attempt.quiz_version_id) if disclosed else {}
    given = []
    for row in rows:
        if row.answer_id is None:
            continue
        key = keys.get(row.question_id)
        given.append(
            ToldAnswer(
                question_id=row.question_id,
                answer_id=row.answer_id,
                is_correct=row.is_correct if verdicts else None,
                correct_answer_ids=tuple(sorted(key.right_ids)) if key else None,
                explanation=key.explanation if key else None,
            )
        )
    return tuple(given)


def attempts_at(
    session: Session,
    viewer: Viewer,
    quiz_id: UUID,
    user_id: UUID | None,
    *,
    offset: int,
    limit: int,
) -> tuple[list[ListedAttempt], int]:
    """One's own attempts at the quiz, everybody's for its editors; and how many in all.

    user_id: whose, None for all that one may see. Raises NotFound.
    """
    catalogue.demand_visible(session, viewer, quiz_id)
    taking.complete_overdue(session, quiz_id)
    edits = viewer.may_edit(session.get_one(Quiz, quiz_id).author_id)
    wanted = sa.and_(QuizAttempt.quiz_id == quiz_id, running.KEPT)
    if not edits:
        wanted = sa.and_(wanted, QuizAttempt.user_id == viewer.user_id)
    if user_id is not None:
        wanted = sa.and_(wanted, QuizAttempt.user_id == user_id)
    total = session.execute(
        sa.select(sa.func.count()).select_from(QuizAttempt).where(wanted)
    ).scalar_one()
    if offset >= total:
        return [], total
    now = database_time(session)
    rows = session.execute(
        sa.select(
            QuizAttempt,
            User.name if edits else User.public_name,
            User.public_name,
            User.public_image,
        )
        .outerjoin(User, User.id == QuizAttempt.user_id)
        .where(wanted)
        .order_by(QuizAttempt.started_at.desc(), QuizAttempt.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [ListedAttempt(told(row[0], now), *row[1:]) for row in rows], total
