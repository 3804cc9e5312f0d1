"""Starting an attempt, and what a quiz offers to whoever looks at it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from random import Random, SystemRandom
from typing import Any, Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.db import database_time, new_id
from respondeo.domain import access, timing
from respondeo.domain.access import Offer, Viewer
from respondeo.domain.document import Feedback, Reveal
from respondeo.domain.errors import NoAttemptsLeft, NotAllowed, NotFound, SignInRequired
from respondeo.models import Quiz, QuizAttempt, QuizVersion
from respondeo.prepared import Prepared, Source
from respondeo.services import content, running, steps
from respondeo.services.running import KEPT, Attempt
from respondeo.services.steps import HasClock, clock_of
from respondeo.services.taking import last_attempt, locked, settle

REMOVED_AT_ONCE = 10


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
    most = max_attempts(session, quiz.current_version_id)
    return start_after(viewer, last, most, now, public=public)


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


def max_attempts(source: Source, version_id: UUID | None) -> int | None:
    """How many attempts at the version one may have; None for any number."""
    if version_id is None:
        return None
    return content.version_details(source, version_id).max_attempts


def start_attempt(
    session: Session,
    viewer: Viewer,
    quiz_id: UUID,
    *,
    number: int | None = None,
    rng: Random | None = None,
) -> Attempt:
    """The attempt of `start_or_resume`, new or not. Raises as that does."""
    return start_or_resume(session, viewer, quiz_id, number=number, rng=rng)[0]


def start_or_resume(
    session: Session,
    viewer: Viewer,
    quiz_id: UUID,
    *,
    number: int | None = None,
    rng: Random | None = None,
) -> tuple[Attempt, bool]:
    """Start the player's next attempt, or return the one that is there already; whether it is new.

    number: the attempt that the player meant to start; one that exists is returned as it stands,
        so that a form sent twice starts once. None starts the next unless one is open.

    Raises NotFound, NotAllowed, SignInRequired, NoAttemptsLeft.
    """
    quiz = locked_quiz(session, quiz_id)
    state = settled_state(session, viewer, quiz_id)
    last, now = state.last, state.now
    if last is not None and last.completed_at is None:
        return last, False
    if last is not None and number is not None and number <= last.number:
        return _attempt_numbered(session, viewer, quiz_id, number) or last, False
    next_number = 1 if last is None else last.number + 1
    version = version_to_start(session, viewer, quiz, next_number, now)
    if state.some_are_old:
        _remove_old_guest_attempts(session, viewer, quiz_id)
    ranked = access.attempt_ranks(viewer, quiz.author_id, disclosed_before=state.disclosed_before)
    attempt = _new_attempt(viewer, version, next_number, now, ranked=ranked)
    order = _order_of_questions(session, version, rng or SystemRandom())
    if running.add(session, attempt, order):
        return attempt, True
    # Another tab or program was faster.
    theirs = _attempt_numbered(session, viewer, quiz_id, next_number)
    if theirs is not None and (number is not None or theirs.completed_at is None):
        return theirs, False
    return start_or_resume(session, viewer, quiz_id, number=number, rng=rng)


class Startable(Protocol):
    """What a quiz says about who may start which version of it."""

    @property
    def author_id(self) -> UUID | None: ...

    @property
    def published_at(self) -> datetime | None: ...

    @property
    def current_version_id(self) -> UUID | None: ...


_LOCKED_QUIZ = Prepared(
    sa.select(Quiz.author_id, Quiz.published_at, Quiz.current_version_id)
    .where(Quiz.id == sa.bindparam("quiz_id"))
    .with_for_update(read=True)
)


def locked_quiz(session: Session, quiz_id: UUID) -> Startable:
    """The quiz, whose version stays the current one until the transaction ends. Raises NotFound."""
    quiz: Startable | None = _LOCKED_QUIZ.one_or_none(session, quiz_id=quiz_id)
    if quiz is None:
        raise NotFound
    return quiz


@dataclass(frozen=True, slots=True)
class State:
    """The player's newest attempt, and the database's time when it was read.

    disclosed_before: one of the player's attempts was to show right answers. some_are_old: there
    are guests' attempts to remove.
    """

    last: Attempt | None
    now: datetime
    disclosed_before: bool
    some_are_old: bool


def _state(whose: sa.ColumnElement[bool]) -> Prepared:
    clock = sa.select(sa.func.clock_timestamp().label("now")).subquery()
    mine = sa.and_(QuizAttempt.quiz_id == sa.bindparam("quiz_id"), whose)
    newest = sa.select(*running.ATTEMPT).where(mine).order_by(QuizAttempt.number.desc()).limit(1)
    last = newest.subquery()
    return Prepared(
        sa.select(
            clock.c.now,
            sa.exists().where(mine, QuizAttempt.discloses).label("disclosed_before"),
            sa.exists().where(~KEPT).label("some_are_old"),
            *last.c,
        )
        .select_from(clock)
        .outerjoin(last, sa.true())
    )


_PERSONS_STATE, _GUESTS_STATE = map(_state, (running.BY_PERSON, running.BY_GUEST))


def state_of(source: Source, viewer: Viewer, quiz_id: UUID) -> State:
    """What the player has at the quiz now."""
    statement, whose = running.by_player(viewer, _PERSONS_STATE, _GUESTS_STATE)
    now, disclosed_before, some_are_old, *columns = statement.one(source, quiz_id=quiz_id, **whose)
    last = Attempt(*columns) if columns[0] is not None else None
    return State(last, now, disclosed_before, some_are_old)


def settled_state(session: Session, viewer: Viewer, quiz_id: UUID) -> State:
    """The same; an open attempt is locked, and completed if it is overdue. Raises NotFound."""
    state = state_of(session, viewer, quiz_id)
    if state.last is None or state.last.completed_at is not None:
        return state
    stands = locked(session, viewer, quiz_id, state.last.id)
    return replace(state, last=stands.attempt, now=stands.now)


def version_to_start(
    session: Session, viewer: Viewer, quiz: Startable, number: int, now: datetime
) -> QuizVersion:
    """The version that attempt `number` would play, if the viewer may start it."""
    if not access.may_see(viewer, quiz.author_id, quiz.published_at, now):
        raise NotFound
    most = max_attempts(session, quiz.current_version_id)
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


def _numbered(whose: sa.ColumnElement[bool]) -> Prepared:
    return Prepared(
        sa.select(*running.ATTEMPT).where(
            QuizAttempt.quiz_id == sa.bindparam("quiz_id"),
            whose,
            QuizAttempt.number == sa.bindparam("number"),
        )
    )


_PERSONS_NUMBERED, _GUESTS_NUMBERED = map(_numbered, (running.BY_PERSON, running.BY_GUEST))


def _attempt_numbered(
    session: Session, viewer: Viewer, quiz_id: UUID, number: int
) -> Attempt | None:
    statement, whose = running.by_player(viewer, _PERSONS_NUMBERED, _GUESTS_NUMBERED)
    row = statement.one_or_none(session, quiz_id=quiz_id, number=number, **whose)
    return None if row is None else Attempt(*row)


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


def _new_attempt(
    viewer: Viewer, version: QuizVersion, number: int, now: datetime, *, ranked: bool
) -> Attempt:
    """An attempt at whose first question the clock runs since `now`."""
    clock = timing.Clock(version.time_limit_ms, 0, shown_at=now, feedback_at=None)
    return Attempt(
        **started_under(viewer, version, number, now),
        ranked=ranked,
        shown_at=now,
        feedback_at=None,
        spent_ms=0,
        deadline_at=clock.deadline(now),
        completed_at=None,
        timed_out=False,
        correct_count=0,
        total_time_ms=None,
    )


def _order_of_questions(
    session: Session, version: QuizVersion, rng: Random
) -> list[tuple[UUID, list[int]]]:
    """The questions in the order of a new attempt, each with that of its answers."""
    laid_out = steps.laid_out(
        content.questions_for_players(session, version.id).values(),
        rng,
        questions_too=version.randomize_questions,
        answers_too=version.randomize_answers,
    )
    return list(laid_out)


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
