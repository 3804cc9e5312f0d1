"""A completed attempt: score, place, and as much of the review as the viewer may see.

What is revealed: product description, "What is revealed".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain.access import Viewer, may_see, refusal
from respondeo.domain.errors import NotAllowed, NotFound, SignInRequired
from respondeo.models import AttemptAnswer, Quiz, QuizAttempt, QuizBoard, QuizStanding, User
from respondeo.services import content, leaderboards, running, standings, starting, taking
from respondeo.services.content import Key, PlayedQuestion


@dataclass(frozen=True, slots=True)
class ReviewedAnswer:
    """An answer in a review; `right` is None where right answers are not disclosed."""

    text: str
    chosen: bool
    right: bool | None


@dataclass(frozen=True, slots=True)
class ReviewedQuestion:
    """A question in a review: `right`, `wrong`, `unanswered`, or `not-reached` (without text)."""

    position: int
    state: str
    kind: str
    text: str | None
    image_url: str | None
    image_alt: str | None
    answers: tuple[ReviewedAnswer, ...]
    explanation: str | None
    time_ms: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an attempt stands on its quiz's board: nowhere where another one counts, or none.

    better_than: percentage of the board's players who did worse.
    """

    rank: int | None = None
    players: int = 0
    better_than: int | None = None

    @property
    def counts(self) -> bool:
        """Whether this attempt is the one on the board."""
        return self.rank is not None


@dataclass(frozen=True, slots=True)
class Best:
    """The same person's best attempt."""

    attempt_id: UUID
    correct: int
    total: int


@dataclass(frozen=True, slots=True)
class Result:
    """A completed attempt. `review` is None where the viewer may not have one. Times in ms.

    next_number: the attempt that may be started now, None where none may.
    """

    attempt_id: UUID
    quiz_id: UUID
    quiz_title: str
    player_name: str | None
    is_own: bool
    number: int
    correct: int
    total: int
    percent: int
    total_time_ms: int
    limit_ms: int | None
    timed_out: bool
    answered_count: int
    completed_at: datetime
    ranked: bool
    place: Place
    best: Best | None
    attempts_left: int | None
    next_number: int | None
    disclosed: bool
    language: str
    review: tuple[ReviewedQuestion, ...] | None

    @property
    def is_guest(self) -> bool:
        """Whether a guest played it."""
        return self.player_name is None


def attempt_to_show(
    session: Session, viewer: Viewer, quiz_id: UUID, attempt_id: UUID
) -> QuizAttempt:
    """An attempt this viewer may see: their own, or anybody's completed one at a quiz they may see.

    Raises NotFound, NotAllowed, SignInRequired.
    """
    found = session.execute(
        sa.select(QuizAttempt, Quiz.author_id, Quiz.published_at)
        .join(Quiz, Quiz.id == QuizAttempt.quiz_id)
        .where(QuizAttempt.id == attempt_id, Quiz.id == quiz_id, running.KEPT)
    ).one_or_none()
    if found is None or not is_own(viewer, found[0]):
        if viewer.is_guest and not viewer.may("quiz:view"):
            raise SignInRequired
        if not viewer.may("quiz:view"):
            raise NotAllowed(refusal("quiz:view"))
        if found is None:
            raise NotFound
    attempt, author_id, published_at = found
    taking.complete_overdue(session, quiz_id)
    if is_own(viewer, attempt):
        return attempt
    visible = may_see(viewer, author_id, published_at, database_time(session))
    if not visible or attempt.completed_at is None:
        raise NotFound
    return attempt


def is_own(viewer: Viewer, attempt: QuizAttempt) -> bool:
    """Whether the viewer is the one who played it."""
    if attempt.user_id is not None:
        return attempt.user_id == viewer.user_id
    return viewer.is_guest and attempt.guest_token == viewer.guest_token


def result(session: Session, viewer: Viewer, attempt: QuizAttempt) -> Result:
    """A completed attempt, with as much of its review as the viewer may see."""
    assert attempt.completed_at is not None
    assert attempt.total_time_ms is not None
    own = is_own(viewer, attempt)
    rows = taking.answers_of(session, attempt)
    quiz = session.get_one(Quiz, attempt.quiz_id)
    knows = viewer.may_edit(quiz.author_id)
    disclosed = is_disclosed(session, viewer, attempt, quiz, own=own)
    sees_review = knows or (own and (not viewer.is_guest or disclosed))
    start = starting.start_of(session, viewer, quiz.id) if own else None
    version = content.version_details(session, attempt.quiz_version_id)
    return Result(
        attempt_id=attempt.id,
        quiz_id=attempt.quiz_id,
        quiz_title=version.title,
        player_name=_player_name(session, attempt, real=knows),
        is_own=own,
        number=attempt.number,
        correct=attempt.correct_count,
        total=attempt.total_questions,
        percent=round(100 * attempt.correct_count / attempt.total_questions),
        total_time_ms=attempt.total_time_ms,
        limit_ms=attempt.time_limit_ms,
        timed_out=attempt.timed_out,
        answered_count=sum(row.answered_at is not None for row in rows),
        completed_at=attempt.completed_at,
        ranked=attempt.ranked,
        place=_place(session, viewer, attempt),
        best=_best(session, attempt),
        attempts_left=start.attempts_left if start else None,
        next_number=start.number if start and start.may_play else None,
        disclosed=disclosed,
        language=version.language,
        review=_review(session, attempt, rows, disclosed=disclosed) if sees_review else None,
    )


def is_disclosed(
    session: Session, viewer: Viewer, attempt: QuizAttempt, quiz: Quiz, *, own: bool
) -> bool:
    """Whether a completed attempt's review shows this viewer the right answers."""
    if not own:
        return viewer.may_edit(quiz.author_id)
    if viewer.is_guest:
        return attempt.discloses
    disclosing = taking.players_attempts(viewer, attempt.quiz_id).where(
        QuizAttempt.discloses, QuizAttempt.completed_at.is_not(None)
    )
    return session.execute(sa.select(disclosing.exists())).scalar_one()


def _player_name(session: Session, attempt: QuizAttempt, *, real: bool) -> str | None:
    """Who played it, as others see them or by the real name; None for a guest."""
    name = User.name if real else User.public_name
    return session.scalar(sa.select(name).where(User.id == attempt.user_id))


def _place(session: Session, viewer: Viewer, attempt: QuizAttempt) -> Place:
    """The place of the attempt, for those who may see boards."""
    if not viewer.may("leaderboard:view"):
        return Place()
    players = session.execute(
        sa.select(QuizBoard.players).where(QuizBoard.quiz_id == attempt.quiz_id)
    ).scalar_one()
    stands = session.scalar(
        sa.select(QuizStanding.attempt_id).where(QuizStanding.attempt_id == attempt.id)
    )
    if stands is None or attempt.total_time_ms is None:
        return Place(players=players)
    score = (attempt.correct_count, attempt.total_time_ms)
    rank = leaderboards.quiz_rank(session, attempt.quiz_id, *score)
    worse = players - rank + 1 - leaderboards.equals(session, attempt.quiz_id, *score)
    return Place(rank, players, 100 * worse // (players - 1) if players > 1 else None)


def _best(session: Session, attempt: QuizAttempt) -> Best | None:
    """The same person's best completed attempt at the quiz."""
    if attempt.user_id is None:
        return None
    found = session.scalar(
        sa.select(QuizAttempt)
        .where(
            QuizAttempt.quiz_id == attempt.quiz_id,
            QuizAttempt.user_id == attempt.user_id,
            QuizAttempt.completed_at.is_not(None),
        )
        .order_by(*standings.BEST_FIRST)
        .limit(1)
    )
    return Best(found.id, found.correct_count, found.total_questions) if found else None


def _review(
    session: Session, attempt: QuizAttempt, rows: Sequence[AttemptAnswer], *, disclosed: bool
) -> tuple[ReviewedQuestion, ...]:
    questions = content.questions_for_players(session, attempt.quiz_version_id)
    keys = content.answer_keys(session, attempt.quiz_version_id) if disclosed else {}
    return reviewed(rows, questions, keys)


def reviewed(
    rows: Sequence[AttemptAnswer],
    questions: Mapping[UUID, PlayedQuestion],
    keys: Mapping[UUID, Key],
) -> tuple[ReviewedQuestion, ...]:
    """The review of an attempt; `keys` only where they may be told."""
    return tuple(_reviewed(row, questions[row.question_id], keys) for row in rows)


def _reviewed(
    row: AttemptAnswer, question: PlayedQuestion, keys: Mapping[UUID, Key]
) -> ReviewedQuestion:
    key = keys.get(question.id)
    state = "unanswered" if row.shown_at else "not-reached"
    if row.answered_at is not None:
        state = "right" if row.is_correct else "wrong"
    hidden = state == "not-reached" and key is None
    return ReviewedQuestion(
        position=row.display_order + 1,
        state=state,
        kind=question.kind,
        text=None if hidden else question.text,
        image_url=None if hidden else question.image_url,
        image_alt=None if hidden else question.image_alt,
        answers=()
        if hidden
        else tuple(
            ReviewedAnswer(
                text=option.text,
                chosen=option.id == row.answer_id,
                right=option.id in key.right_ids if key else None,
            )
            for option in question.in_order(row.answer_order).answers
        ),
        explanation=key.explanation if key else None,
        time_ms=row.time_ms,
    )
