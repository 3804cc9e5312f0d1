"""Taking a quiz: answer, continue, complete.

Every change locks the attempt first and asks the database for the time afterwards, so that what
happens to one attempt happens one after another on one clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain import timing
from respondeo.domain.access import Viewer
from respondeo.domain.errors import (
    AttemptOver,
    NotFound,
    NotThisQuestion,
)
from respondeo.models import QuizAttempt
from respondeo.prepared import Prepared, Source, session_of
from respondeo.services import content, running, standings, steps
from respondeo.services.running import KEPT, Answer, Running

OVERALL_AT_ONCE = 100


def players_attempts(viewer: Viewer, quiz_id: UUID) -> sa.Select[QuizAttempt]:
    """All of this player's attempts at the quiz."""
    if viewer.user_id is not None:
        mine = QuizAttempt.user_id == viewer.user_id
    elif viewer.guest_token is not None:
        mine = QuizAttempt.guest_token == viewer.guest_token
    else:
        mine = sa.false()
    return sa.select(QuizAttempt).where(QuizAttempt.quiz_id == quiz_id, mine, KEPT)


def last_attempt(session: Session, viewer: Viewer, quiz_id: UUID) -> QuizAttempt | None:
    """The player's newest attempt at the quiz: if any is open, it is this one."""
    attempts = players_attempts(viewer, quiz_id)
    return session.scalar(attempts.order_by(QuizAttempt.number.desc()).limit(1))


def own_attempt(session: Session, viewer: Viewer, quiz_id: UUID, attempt_id: UUID) -> QuizAttempt:
    """The player's own attempt; somebody else's does not exist for them. Raises NotFound."""
    attempts = players_attempts(viewer, quiz_id).where(QuizAttempt.id == attempt_id)
    attempt = session.scalar(attempts)
    if attempt is None:
        raise NotFound
    return attempt


_QUIZ_OF = Prepared(
    sa.select(QuizAttempt.quiz_id).where(
        QuizAttempt.id == sa.bindparam("attempt_id"), running.BY_PERSON
    )
)


def own_quiz_id(session: Session, viewer: Viewer, attempt_id: UUID) -> UUID:
    """The quiz of a signed-in player's own attempt. Raises NotFound where it is not theirs."""
    found = _QUIZ_OF.one_or_none(session, attempt_id=attempt_id, user_id=viewer.user_id)
    if found is None:
        raise NotFound
    quiz_id: UUID = found.quiz_id
    return quiz_id


def commit_answer(
    session: Session,
    viewer: Viewer,
    quiz_id: UUID,
    attempt_id: UUID,
    question_id: UUID,
    answer_id: UUID,
) -> tuple[Answer, Running]:
    """Store the answer to the current question; an answered question keeps what it has.

    Returns the answer, and the attempt as it stands by it. Raises NotFound, NotThisQuestion,
    NotThisAnswer, AttemptOver.
    """
    stands = locked(session, viewer, quiz_id, attempt_id)
    attempt, rows = stands.attempt, stands.answers
    row = next((row for row in rows if row.question_id == question_id), None)
    if row is None:
        raise NotThisQuestion
    if row.answered_at is not None:
        return row, stands
    if attempt.completed_at is not None:
        raise AttemptOver(attempt.id)
    if attempt.shown_at is None or row is not steps.current(rows):
        raise NotThisQuestion
    question = content.questions_for_players(session, attempt.quiz_version_id)[question_id]
    key = content.answer_keys(session, attempt.quiz_version_id)[question_id]
    if steps.take_answer(attempt, rows, question, key, answer_id, stands.now):
        _end(session, stands)
    else:
        running.save(session, stands)
    return row, stands


def show_next(
    session: Session, viewer: Viewer, quiz_id: UUID, attempt_id: UUID, after: UUID | None = None
) -> Running:
    """Leave the feedback: start the next question's clock and show it.

    after: the question whose feedback the player left; any other than the last changes nothing.
    Harmless when the attempt is not at feedback. Raises NotFound.
    """
    stands = locked(session, viewer, quiz_id, attempt_id)
    attempt = stands.attempt
    if attempt.feedback_at is not None and attempt.deadline_at is not None:
        steps.leave_feedback(attempt, stands.answers, after, stands.now)
        running.save(session, stands)
    return stands


def stands(
    source: Source, viewer: Viewer, quiz_id: UUID, attempt_id: UUID | None = None
) -> Running | None:
    """Where the player's attempt stands, the newest at the quiz if none is named; None if there is
    none. One that is overdue is completed."""
    if attempt_id is None:
        found = running.look_at_last(source, viewer, quiz_id)
    else:
        found = running.look(source, viewer, quiz_id, attempt_id)
    if found is not None and is_overdue(found.attempt, found.now):
        return locked(session_of(source), viewer, quiz_id, found.attempt.id)
    return found


def locked(session: Session, viewer: Viewer, quiz_id: UUID, attempt_id: UUID) -> Running:
    """The player's own attempt, locked, and completed if it is overdue. Raises NotFound."""
    found = running.lock(session, viewer, quiz_id, attempt_id)
    if found is None:
        raise NotFound
    if is_overdue(found.attempt, found.now):
        _end(session, found)
    return found


def _end(session: Session, stands: Running) -> None:
    """End a locked attempt, and bring the boards up to date."""
    steps.end(stands.attempt, stands.now)
    running.save(session, stands)
    standings.record_results(session, [stands.attempt])


# -- completing --------------------------------------------------------------------------------


def lock_and_settle(session: Session, attempt: QuizAttempt) -> datetime:
    """Lock the attempt, complete it if it is overdue; the database's time after the lock.

    Raises NotFound where the attempt has just been deleted.
    """
    lock = sa.select(QuizAttempt).where(QuizAttempt.id == attempt.id).with_for_update()
    if session.scalar(lock.execution_options(populate_existing=True)) is None:
        raise NotFound
    now = database_time(session)
    if attempt.deadline_at is not None and timing.overdue(attempt.deadline_at, now):
        _complete(session, [attempt], now)
    return now


def settle(session: Session, attempt: QuizAttempt) -> datetime:
    """Complete the attempt if it is overdue, without locking one that is not."""
    now = database_time(session)
    if attempt.deadline_at is not None and timing.overdue(attempt.deadline_at, now):
        return lock_and_settle(session, attempt)
    return now


class HasDeadline(Protocol):
    """An attempt, or what was read of one."""

    @property
    def deadline_at(self) -> datetime | None: ...


def is_overdue(attempt: HasDeadline, now: datetime) -> bool:
    """Whether it is open and nothing more of it can be saved: who reads it has to complete it."""
    return attempt.deadline_at is not None and timing.overdue(attempt.deadline_at, now)


def any_overdue(*which: sa.ColumnElement[bool]) -> sa.Exists:
    """Whether there are such attempts: a part of a statement, for what is read without them."""
    # The time is asked in a query of its own: an index can be searched by it.
    now = sa.select(sa.func.clock_timestamp()).scalar_subquery()
    return sa.exists().where(
        *which,
        QuizAttempt.completed_at.is_(None),
        QuizAttempt.deadline_at < now - timedelta(milliseconds=timing.GRACE_MS),
    )


def complete_overdue(
    session: Session, quiz_id: UUID | None = None, *, user_id: UUID | None = None
) -> int:
    """Complete a quiz's or a player's overdue attempts, or the oldest hundred of all.

    Returns how many. To be called once in a transaction: only within one call do attempts,
    players and boards get locked in the order that all keep.
    """
    now = database_time(session)
    overdue = (
        sa.select(QuizAttempt)
        .where(
            QuizAttempt.completed_at.is_(None), QuizAttempt.deadline_at < timing.overdue_before(now)
        )
        .order_by(QuizAttempt.deadline_at, QuizAttempt.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if quiz_id is not None:
        overdue = overdue.where(QuizAttempt.quiz_id == quiz_id)
    elif user_id is not None:
        overdue = overdue.where(QuizAttempt.user_id == user_id)
    else:
        overdue = overdue.limit(OVERALL_AT_ONCE)
    attempts = session.scalars(overdue).all()
    _complete(session, attempts, now)
    return len(attempts)


def _complete(session: Session, attempts: Sequence[QuizAttempt], now: datetime) -> None:
    """End attempts, and bring the boards up to date."""
    for attempt in attempts:
        steps.end(attempt, now)
    if attempts:
        standings.record_results(session, attempts)
