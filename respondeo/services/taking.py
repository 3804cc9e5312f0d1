"""Taking a quiz: start, answer, continue, complete.

Every change locks the attempt first and asks the database for the time afterwards, so that what
happens to one attempt happens one after another on one clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from random import Random, SystemRandom
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from respondeo.db import database_time, new_id
from respondeo.domain import access, timing
from respondeo.domain.access import Viewer
from respondeo.domain.document import Feedback, Reveal
from respondeo.domain.errors import (
    AttemptOver,
    Invalid,
    NoAttemptsLeft,
    NotAllowed,
    NotFound,
    NotThisQuestion,
    Problem,
    SignInRequired,
)
from respondeo.domain.grading import GRADERS
from respondeo.models import AttemptAnswer, Quiz, QuizAttempt, QuizVersion
from respondeo.services import content, standings

GUEST_ATTEMPTS_KEPT = sa.text("interval '1 day'")
REMOVED_AT_ONCE = 100
OVERALL_AT_ONCE = 100


# -- starting ----------------------------------------------------------------------------------


def start_attempt(
    session: Session,
    viewer: Viewer,
    quiz_id: UUID,
    *,
    number: int | None = None,
    rng: Random | None = None,
) -> QuizAttempt:
    """Start the player's next attempt, or return the one that is there already.

    number: the attempt that the player meant to start; one that exists is returned as it stands,
        so that a form sent twice starts once. None starts the next.

    Raises NotFound, NotAllowed, SignInRequired, NoAttemptsLeft.
    """
    quiz = session.get(Quiz, quiz_id, with_for_update={"read": True}, populate_existing=True)
    if quiz is None:
        raise NotFound
    now = database_time(session)
    last = _last_attempt(session, viewer, quiz_id)
    if last is not None and last.completed_at is None:
        now = lock_and_settle(session, last)
        if last.completed_at is None:
            return last
    version = _version_to_start(session, viewer, quiz, now)
    next_number = 1 if last is None else last.number + 1
    if last is not None and number is not None and number < next_number:
        return _attempt_numbered(session, viewer, quiz_id, number) or last
    if not viewer.is_guest and version.max_attempts and next_number > version.max_attempts:
        raise NoAttemptsLeft(version.max_attempts)
    if viewer.is_guest:
        _remove_old_guest_attempts(session, now)
    attempt_id = _insert_attempt(session, viewer, quiz, version, next_number, now)
    if attempt_id is None:  # another tab was faster: theirs is the attempt
        return _attempt_numbered(session, viewer, quiz_id, next_number) or start_attempt(
            session, viewer, quiz_id, number=number, rng=rng
        )
    _lay_out_questions(session, attempt_id, version, now, rng or SystemRandom())
    return session.get_one(QuizAttempt, attempt_id)


def _version_to_start(session: Session, viewer: Viewer, quiz: Quiz, now: datetime) -> QuizVersion:
    if not access.may_see(viewer, quiz.author_id, quiz.published_at, now):
        raise NotFound
    if not viewer.may("quiz:play"):
        if viewer.is_guest:
            raise SignInRequired("Please sign in to play.")
        raise NotAllowed("You may look at this quiz, but not play it.")
    if quiz.current_version_id is None or not access.is_public(quiz.published_at, now):
        raise NotAllowed("This quiz is not published yet, so nobody can start it.")
    return content.version_details(session, quiz.current_version_id)


def players_attempts(viewer: Viewer, quiz_id: UUID) -> sa.Select[QuizAttempt]:
    """All of this player's attempts at the quiz."""
    if viewer.user_id is not None:
        mine = QuizAttempt.user_id == viewer.user_id
    elif viewer.guest_token is not None:
        mine = QuizAttempt.guest_token == viewer.guest_token
    else:
        mine = sa.false()
    return sa.select(QuizAttempt).where(QuizAttempt.quiz_id == quiz_id, mine)


def _last_attempt(session: Session, viewer: Viewer, quiz_id: UUID) -> QuizAttempt | None:
    """The newest attempt: if any is open, it is this one."""
    attempts = players_attempts(viewer, quiz_id)
    return session.scalar(attempts.order_by(QuizAttempt.number.desc()).limit(1))


def _attempt_numbered(
    session: Session, viewer: Viewer, quiz_id: UUID, number: int
) -> QuizAttempt | None:
    attempts = players_attempts(viewer, quiz_id).where(QuizAttempt.number == number)
    return session.scalar(attempts.limit(1))


def _disclosed_before(session: Session, viewer: Viewer, quiz_id: UUID) -> bool:
    disclosing = players_attempts(viewer, quiz_id).where(QuizAttempt.discloses)
    return session.execute(sa.select(disclosing.exists())).scalar_one()


def _insert_attempt(
    session: Session,
    viewer: Viewer,
    quiz: Quiz,
    version: QuizVersion,
    number: int,
    now: datetime,
) -> UUID | None:
    """The id of the new attempt, or None where a parallel request has just made one."""
    always = version.reveal == Reveal.ALWAYS
    last_allowed = version.max_attempts is None or number >= version.max_attempts
    guest_without_feedback = viewer.is_guest and not always
    clock = timing.Clock(version.time_limit_ms, 0, shown_at=now, feedback_at=None)
    disclosed_before = _disclosed_before(session, viewer, quiz.id)
    return session.scalar(
        insert(QuizAttempt)
        .values(
            id=new_id(),
            quiz_id=quiz.id,
            quiz_version_id=version.id,
            user_id=viewer.user_id,
            guest_token=viewer.guest_token if viewer.is_guest else None,
            number=number,
            time_limit_ms=version.time_limit_ms,
            feedback=Feedback.END if guest_without_feedback else version.feedback,
            ranked=access.attempt_ranks(viewer, quiz.author_id, disclosed_before=disclosed_before),
            discloses=always or (last_allowed and not viewer.is_guest),
            started_at=now,
            shown_at=now,
            deadline_at=clock.deadline(now),
            total_questions=version.question_count,
        )
        .on_conflict_do_nothing()
        .returning(QuizAttempt.id)
    )


def _lay_out_questions(
    session: Session, attempt_id: UUID, version: QuizVersion, now: datetime, rng: Random
) -> None:
    """Fix the order of the questions and of their answers; show the first."""
    questions = list(content.questions_for_players(session, version.id).values())
    if version.randomize_questions:
        rng.shuffle(questions)
    rows = []
    for place, question in enumerate(questions):
        positions = list(range(len(question.answers)))
        if version.randomize_answers:
            rng.shuffle(positions)
        rows.append(
            {
                "attempt_id": attempt_id,
                "question_id": question.id,
                "display_order": place,
                "answer_order": positions,
                "shown_at": now if place == 0 else None,
            }
        )
    session.execute(sa.insert(AttemptAnswer), rows)


def _remove_old_guest_attempts(session: Session, now: datetime) -> None:
    old = (
        sa.select(QuizAttempt.id)
        .where(
            QuizAttempt.user_id.is_(None),
            QuizAttempt.started_at < sa.literal(now) - GUEST_ATTEMPTS_KEPT,
        )
        .limit(REMOVED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    session.execute(
        sa.delete(QuizAttempt)
        .where(QuizAttempt.id.in_(old))
        .execution_options(synchronize_session=False)
    )


# -- playing -----------------------------------------------------------------------------------


def own_attempt(session: Session, viewer: Viewer, quiz_id: UUID, attempt_id: UUID) -> QuizAttempt:
    """The player's own attempt; somebody else's does not exist for them. Raises NotFound."""
    attempts = players_attempts(viewer, quiz_id).where(QuizAttempt.id == attempt_id)
    attempt = session.scalar(attempts)
    if attempt is None:
        raise NotFound
    return attempt


def answers_of(session: Session, attempt: QuizAttempt) -> Sequence[AttemptAnswer]:
    """The questions of an attempt in the order shown, with what was answered."""
    return session.scalars(
        sa.select(AttemptAnswer)
        .where(AttemptAnswer.attempt_id == attempt.id)
        .order_by(AttemptAnswer.display_order)
        .execution_options(populate_existing=True)
    ).all()


def clock_of(attempt: QuizAttempt) -> timing.Clock:
    """Where an open attempt's time stands."""
    return timing.Clock(
        attempt.time_limit_ms, attempt.spent_ms, attempt.shown_at, attempt.feedback_at
    )


def commit_answer(
    session: Session,
    viewer: Viewer,
    quiz_id: UUID,
    attempt_id: UUID,
    question_id: UUID,
    answer_id: UUID,
) -> AttemptAnswer:
    """Store the answer to the current question; an answered question keeps what it has.

    Raises NotFound, NotThisQuestion, Invalid (no such answer), AttemptOver.
    """
    attempt = own_attempt(session, viewer, quiz_id, attempt_id)
    now = lock_and_settle(session, attempt)
    rows = answers_of(session, attempt)
    row = next((row for row in rows if row.question_id == question_id), None)
    if row is None:
        raise NotThisQuestion
    if row.answered_at is not None:
        return row
    if attempt.completed_at is not None:
        raise AttemptOver(attempt.id)
    if attempt.shown_at is None or row is not _current(rows):
        raise NotThisQuestion
    question = content.questions_for_players(session, attempt.quiz_version_id)[question_id]
    if all(option.id != answer_id for option in question.answers):
        raise Invalid(Problem("answer", "Choose one of the answers."))
    key = content.answer_keys(session, attempt.quiz_version_id)[question_id]
    clock = clock_of(attempt)
    row.answer_id = answer_id
    row.is_correct = GRADERS[question.kind].is_correct(answer_id, key.right_ids)
    row.answered_at = now
    row.time_ms = clock.question_ms(now)
    attempt.correct_count += row.is_correct
    _after_answer(session, attempt, clock.answered(now), rows, now)
    return row


def _current(rows: Sequence[AttemptAnswer]) -> AttemptAnswer | None:
    return next((row for row in rows if row.answered_at is None), None)


def _after_answer(
    session: Session,
    attempt: QuizAttempt,
    clock: timing.Clock,
    rows: Sequence[AttemptAnswer],
    now: datetime,
) -> None:
    assert attempt.deadline_at is not None
    attempt.spent_ms = clock.spent_ms
    following = _current(rows)
    if following is None or timing.limit_reached(attempt.deadline_at, now):
        _complete(session, [attempt], now)
    elif attempt.feedback == Feedback.EACH:
        _set_clock(attempt, clock, now)
    else:
        _set_clock(attempt, clock.next_shown(now), now)
        following.shown_at = now


def _set_clock(attempt: QuizAttempt, clock: timing.Clock, now: datetime) -> None:
    attempt.shown_at = clock.shown_at
    attempt.feedback_at = clock.feedback_at
    attempt.deadline_at = clock.deadline(now)


def show_next(
    session: Session, viewer: Viewer, quiz_id: UUID, attempt_id: UUID, after: UUID | None = None
) -> QuizAttempt:
    """Leave the feedback: start the next question's clock and show it.

    after: the question whose feedback the player left; any other than the last changes nothing.
    Harmless when the attempt is not at feedback. Raises NotFound.
    """
    attempt = own_attempt(session, viewer, quiz_id, attempt_id)
    now = lock_and_settle(session, attempt)
    if attempt.feedback_at is None or attempt.deadline_at is None:
        return attempt
    rows = answers_of(session, attempt)
    following = _current(rows)
    assert following is not None
    stale = after is not None and rows[following.display_order - 1].question_id != after
    if not stale and not timing.limit_reached(attempt.deadline_at, now):
        _set_clock(attempt, clock_of(attempt).next_shown(now), now)
        following.shown_at = now
    return attempt


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


def complete_overdue(
    session: Session, quiz_id: UUID | None = None, *, user_id: UUID | None = None
) -> int:
    """Complete a quiz's or a player's overdue attempts, or the oldest hundred of all.

    Returns how many. To be called once in a transaction: only within one call do attempts,
    players and boards get locked in the order that all keep.
    """
    now = database_time(session)
    latest = now - timing.GRACE
    overdue = (
        sa.select(QuizAttempt)
        .where(QuizAttempt.completed_at.is_(None), QuizAttempt.deadline_at < latest)
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
    """End attempts: the outcome depends on their deadline, not on who looks or when."""
    for attempt in attempts:
        assert attempt.deadline_at is not None
        attempt.timed_out = timing.limit_reached(attempt.deadline_at, now)
        attempt.completed_at = min(now, attempt.deadline_at)
        out_of_time = attempt.timed_out and attempt.time_limit_ms is not None
        attempt.total_time_ms = attempt.time_limit_ms if out_of_time else attempt.spent_ms
        attempt.shown_at = attempt.feedback_at = attempt.deadline_at = None
    if attempts:
        standings.record_results(session, attempts)
