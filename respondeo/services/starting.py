"""Starting an attempt, and what a quiz offers to whoever looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random, SystemRandom
from typing import Any, Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from respondeo.db import database_time, new_id
from respondeo.domain import access, timing
from respondeo.domain.access import Offer, Viewer
from respondeo.domain.document import Feedback, Reveal
from respondeo.domain.errors import NoAttemptsLeft, NotAllowed, NotFound, SignInRequired
from respondeo.models import AttemptAnswer, Quiz, QuizAttempt, QuizVersion
from respondeo.services import content, steps
from respondeo.services.running import KEPT
from respondeo.services.steps import HasClock, clock_of
from respondeo.services.taking import (
    last_attempt,
    lock_and_settle,
    players_attempts,
    settle,
)

REMOVED_AT_ONCE = 10

_ANSWERS = AttemptAnswer.metadata.tables[AttemptAnswer.__tablename__]


@dataclass(frozen=True, slots=True)
class Start:
    """The one button of a quiz's page. `number`: the attempt that it would start or resume.

    attempts_left: None where there is no maximum. Of an open attempt: `remaining_ms` (None
    without a limit), and whether its clock stands.
    """

    state: Offer
    number: int
    attempts_left: int | None = None
    remaining_ms: int | None = None
    clock_stands: bool = False

    @property
    def may_play(self) -> bool:
        """Whether the button leads into a play."""
        return self.state in {Offer.START, Offer.RESUME}


def start_of(session: Session, viewer: Viewer, quiz_id: UUID) -> Start:
    """What the quiz offers to this viewer now."""
    last = last_attempt(session, viewer, quiz_id)
    now = settle(session, last) if last else database_time(session)
    quiz = session.get_one(Quiz, quiz_id)
    public = access.is_public(quiz.published_at, now)
    return start_after(viewer, last, _max_attempts(session, quiz), now, public=public)


class Last(HasClock, Protocol):
    """A player's newest attempt, or what was read of it."""

    @property
    def number(self) -> int: ...

    @property
    def completed_at(self) -> datetime | None: ...


def start_after(
    viewer: Viewer, last: Last | None, most: int | None, now: datetime, *, public: bool
) -> Start:
    """What a quiz offers to a viewer whose newest attempt is `last`, settled at `now`.

    most: attempts that one may have, None for any number.
    """
    number = last.number + 1 if last else 1
    left = None if most is None or viewer.is_guest else max(0, most - number + 1)
    if last is not None and last.completed_at is None:
        clock = clock_of(last)
        stands = clock.pause_left(now) > 0
        return Start(Offer.RESUME, last.number, left, clock.remaining(now), stands)
    state = access.offer(viewer, public=public, number=number, max_attempts=most)
    return Start(state, number, left)


def _max_attempts(session: Session, quiz: Quiz) -> int | None:
    if quiz.current_version_id is None:
        return None
    return content.version_details(session, quiz.current_version_id).max_attempts


def start_attempt(
    session: Session,
    viewer: Viewer,
    quiz_id: UUID,
    *,
    number: int | None = None,
    rng: Random | None = None,
) -> QuizAttempt:
    """The attempt of `start_or_resume`, new or not. Raises as that does."""
    return start_or_resume(session, viewer, quiz_id, number=number, rng=rng)[0]


def start_or_resume(
    session: Session,
    viewer: Viewer,
    quiz_id: UUID,
    *,
    number: int | None = None,
    rng: Random | None = None,
) -> tuple[QuizAttempt, bool]:
    """Start the player's next attempt, or return the one that is there already; whether it is new.

    number: the attempt that the player meant to start; one that exists is returned as it stands,
        so that a form sent twice starts once. None starts the next unless one is open.

    Raises NotFound, NotAllowed, SignInRequired, NoAttemptsLeft.
    """
    quiz = session.get(Quiz, quiz_id, with_for_update={"read": True}, populate_existing=True)
    if quiz is None:
        raise NotFound
    last = last_attempt(session, viewer, quiz_id)
    if last is not None and last.completed_at is None:
        lock_and_settle(session, last)
        if last.completed_at is None:
            return last, False
    if last is not None and number is not None and number <= last.number:
        return _attempt_numbered(session, viewer, quiz_id, number) or last, False
    now = database_time(session)
    next_number = 1 if last is None else last.number + 1
    version = version_to_start(session, viewer, quiz, next_number, now)
    _remove_old_guest_attempts(session, viewer, quiz_id)
    attempt_id = _insert_attempt(session, viewer, quiz, version, next_number, now)
    if attempt_id is None:  # another tab or program was faster
        theirs = _attempt_numbered(session, viewer, quiz_id, next_number)
        if theirs is not None and (number is not None or theirs.completed_at is None):
            return theirs, False
        return start_or_resume(session, viewer, quiz_id, number=number, rng=rng)
    _lay_out_questions(session, attempt_id, version, now, rng or SystemRandom())
    return session.get_one(QuizAttempt, attempt_id), True


def version_to_start(
    session: Session, viewer: Viewer, quiz: Quiz, number: int, now: datetime
) -> QuizVersion:
    """The version that attempt `number` would play, if the viewer may start it."""
    if not access.may_see(viewer, quiz.author_id, quiz.published_at, now):
        raise NotFound
    most = _max_attempts(session, quiz)
    public = access.is_public(quiz.published_at, now)
    state = access.offer(viewer, public=public, number=number, max_attempts=most)
    if state == Offer.SIGN_IN:
        raise SignInRequired("Please sign in to play.")
    if state == Offer.NOT_ALLOWED:
        raise NotAllowed("You may look at this quiz, but not play it.")
    if state == Offer.USED_UP and most is not None:
        raise NoAttemptsLeft(most)
    if state == Offer.CLOSED or quiz.current_version_id is None:
        raise NotAllowed("This quiz is not published yet, so nobody can start it.")
    return content.version_details(session, quiz.current_version_id)


def _attempt_numbered(
    session: Session, viewer: Viewer, quiz_id: UUID, number: int
) -> QuizAttempt | None:
    attempts = players_attempts(viewer, quiz_id).where(QuizAttempt.number == number)
    return session.scalar(attempts.limit(1))


def _disclosed_before(session: Session, viewer: Viewer, quiz_id: UUID) -> bool:
    disclosing = players_attempts(viewer, quiz_id).where(QuizAttempt.discloses)
    return session.execute(sa.select(disclosing.exists())).scalar_one()


def started_under(
    viewer: Viewer, version: QuizVersion, number: int, now: datetime
) -> dict[str, Any]:
    """What is fixed when attempt `number` at a version starts, but for whether it ranks."""
    always = version.reveal == Reveal.ALWAYS
    guest_without_feedback = viewer.is_guest and not always
    return {
        "id": new_id(),
        "quiz_id": version.quiz_id,
        "quiz_version_id": version.id,
        "user_id": viewer.user_id,
        "guest_token": viewer.guest_token if viewer.is_guest else None,
        "number": number,
        "time_limit_ms": version.time_limit_ms,
        "feedback": Feedback.END if guest_without_feedback else version.feedback,
        "discloses": access.attempt_discloses(
            viewer, always=always, number=number, max_attempts=version.max_attempts
        ),
        "started_at": now,
        "total_questions": version.question_count,
    }


def _insert_attempt(
    session: Session,
    viewer: Viewer,
    quiz: Quiz,
    version: QuizVersion,
    number: int,
    now: datetime,
) -> UUID | None:
    """The id of the new attempt, or None where a parallel request has just made one."""
    clock = timing.Clock(version.time_limit_ms, 0, shown_at=now, feedback_at=None)
    before = _disclosed_before(session, viewer, quiz.id)
    return session.scalar(
        insert(QuizAttempt)
        .values(
            **started_under(viewer, version, number, now),
            ranked=access.attempt_ranks(viewer, quiz.author_id, disclosed_before=before),
            shown_at=now,
            deadline_at=clock.deadline(now),
        )
        .on_conflict_do_nothing()
        .returning(QuizAttempt.id)
    )


def _lay_out_questions(
    session: Session, attempt_id: UUID, version: QuizVersion, now: datetime, rng: Random
) -> None:
    """Fix the order of the questions and of their answers; show the first."""
    order = steps.laid_out(
        content.questions_for_players(session, version.id).values(),
        rng,
        questions_too=version.randomize_questions,
        answers_too=version.randomize_answers,
    )
    rows = [
        {
            "attempt_id": attempt_id,
            "question_id": question_id,
            "display_order": place,
            "answer_order": positions,
            "shown_at": now if place == 0 else None,
        }
        for place, (question_id, positions) in enumerate(order)
    ]
    # Into the table, not by way of the class: in one go, also where a value is null.
    session.execute(sa.insert(_ANSWERS), rows)


def _remove_old_guest_attempts(session: Session, viewer: Viewer, quiz_id: UUID) -> None:
    """All that the numbers of this guest's attempts would meet, then the oldest of everybody's.

    In this order: whoever holds rows of others waits for nobody's, so nobody waits in a circle.
    """
    old = sa.select(QuizAttempt.id).where(~KEPT)
    if viewer.guest_token is not None:
        own = QuizAttempt.guest_token == viewer.guest_token
        _remove(session, old.where(QuizAttempt.quiz_id == quiz_id, own))
    oldest = old.order_by(QuizAttempt.started_at).limit(REMOVED_AT_ONCE)
    _remove(session, oldest.with_for_update(skip_locked=True))


def _remove(session: Session, attempts: sa.Select[UUID]) -> None:
    # A common table expression is read once; as a subquery it might be read, and locked, again.
    chosen = attempts.cte("chosen")
    session.execute(
        sa.delete(QuizAttempt)
        .where(QuizAttempt.id.in_(sa.select(chosen.c.id)))
        .execution_options(synchronize_session=False)
    )
