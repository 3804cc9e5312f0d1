"""A completed attempt: score, place, and as much of the review as the viewer may see.

What is revealed: product description, "What is revealed".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa

from respondeo.domain.access import Viewer, is_public, may_see, refusal
from respondeo.domain.errors import NotAllowed, NotFound, SignInRequired
from respondeo.models import Quiz, QuizAttempt, QuizBoard, QuizStanding, User
from respondeo.prepared import Prepared, Reader, Source, session_of
from respondeo.services import content, leaderboards, running, standings, starting, steps, taking
from respondeo.services.content import Key, PlayedQuestion
from respondeo.services.running import Answer, Attempt


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


@dataclass(frozen=True, slots=True)
class Shown:
    """An attempt that somebody may see, with what belongs to it.

    name, public_name: its player's, None for a guest. players, stands: how many the quiz's board
    has, and whether this attempt is on it.
    """

    attempt: Attempt
    author_id: UUID | None
    published_at: datetime | None
    current_version_id: UUID | None
    name: str | None
    public_name: str | None
    players: int
    stands: bool


_SHOWN = Prepared(
    sa.select(
        Quiz.author_id,
        Quiz.published_at,
        Quiz.current_version_id,
        User.name,
        User.public_name.label("public_name"),
        QuizBoard.players,
        sa.exists().where(QuizStanding.attempt_id == QuizAttempt.id).label("stands"),
        sa.func.clock_timestamp().label("now"),
        *running.ATTEMPT,
    )
    .join(Quiz, Quiz.id == QuizAttempt.quiz_id)
    .join(QuizBoard, QuizBoard.quiz_id == Quiz.id)
    .outerjoin(User, User.id == QuizAttempt.user_id)
    .where(
        QuizAttempt.id == sa.bindparam("attempt_id"),
        Quiz.id == sa.bindparam("quiz_id"),
        running.KEPT,
    )
)


def attempt_to_show(source: Source, viewer: Viewer, quiz_id: UUID, attempt_id: UUID) -> Shown:
    """An attempt this viewer may see: their own, or anybody's completed one at a quiz they may see.

    The quiz's overdue attempts are completed. Raises NotFound, NotAllowed, SignInRequired.
    """
    which = {"quiz_id": quiz_id, "attempt_id": attempt_id}
    row = _SHOWN.one_or_none(source, **which)
    if row is None or not is_own(viewer, row):
        if viewer.is_guest and not viewer.may("quiz:view"):
            raise SignInRequired
        if not viewer.may("quiz:view"):
            raise NotAllowed(refusal("quiz:view"))
    if row is not None and _completes_overdue(source, quiz_id):
        row = _SHOWN.one_or_none(source, **which)
    if row is None:
        raise NotFound
    if not is_own(viewer, row) and (
        row.completed_at is None or not may_see(viewer, row.author_id, row.published_at, row.now)
    ):
        raise NotFound
    *belongings, _ = row[:8]
    return Shown(Attempt(*row[8:]), *belongings)


_OVERDUE = Prepared(
    sa.select(taking.any_overdue(QuizAttempt.quiz_id == sa.bindparam("quiz_id")).label("overdue"))
)


def _completes_overdue(source: Source, quiz_id: UUID) -> bool:
    """Complete the quiz's overdue attempts; whether there were any."""
    if isinstance(source, Reader) and not _OVERDUE.one(source, quiz_id=quiz_id).overdue:
        return False
    return taking.complete_overdue(session_of(source), quiz_id) > 0


class Played(Protocol):
    """What says who played an attempt."""

    @property
    def user_id(self) -> UUID | None: ...

    @property
    def guest_token(self) -> bytes | None: ...


def is_own(viewer: Viewer, attempt: Played) -> bool:
    """Whether the viewer is the one who played it."""
    if attempt.user_id is not None:
        return attempt.user_id == viewer.user_id
    return viewer.is_guest and attempt.guest_token == viewer.guest_token


def result(source: Source, viewer: Viewer, shown: Shown) -> Result:
    """A completed attempt, with as much of its review as the viewer may see."""
    attempt = shown.attempt
    assert attempt.completed_at is not None
    assert attempt.total_time_ms is not None
    own = is_own(viewer, attempt)
    rows = running.answers_of(source, attempt.id)
    knows = viewer.may_edit(shown.author_id)
    disclosed = is_disclosed(source, viewer, attempt, shown.author_id, own=own)
    sees_review = knows or (own and (not viewer.is_guest or disclosed))
    start = _start(source, viewer, shown) if own else None
    version = content.version_details(source, attempt.quiz_version_id)
    return Result(
        attempt_id=attempt.id,
        quiz_id=attempt.quiz_id,
        quiz_title=version.title,
        player_name=shown.name if knows else shown.public_name,
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
        place=_place(source, viewer, shown),
        best=_best(source, attempt),
        attempts_left=start.attempts_left if start else None,
        next_number=start.number if start and start.may_play else None,
        disclosed=disclosed,
        language=version.language,
        review=_review(source, attempt, rows, disclosed=disclosed) if sees_review else None,
    )


def _start(source: Source, viewer: Viewer, shown: Shown) -> starting.Start:
    """What the quiz offers to its player now."""
    state = starting.state_of(source, viewer, shown.attempt.quiz_id)
    most = starting.max_attempts(source, shown.current_version_id)
    public = is_public(shown.published_at, state.now)
    return starting.start_after(viewer, state.last, most, state.now, public=public)


_DISCLOSED = Prepared(
    sa.select(
        sa.exists()
        .where(
            QuizAttempt.quiz_id == sa.bindparam("quiz_id"),
            running.BY_PERSON,
            QuizAttempt.discloses,
            QuizAttempt.completed_at.is_not(None),
        )
        .label("disclosed")
    )
)


def is_disclosed(
    source: Source, viewer: Viewer, attempt: steps.Attempt, author_id: UUID | None, *, own: bool
) -> bool:
    """Whether a completed attempt's review shows this viewer the right answers."""
    if not own:
        return viewer.may_edit(author_id)
    if viewer.is_guest:
        return attempt.discloses
    found = _DISCLOSED.one(source, quiz_id=attempt.quiz_id, user_id=viewer.user_id)
    return bool(found.disclosed)


def _place(source: Source, viewer: Viewer, shown: Shown) -> Place:
    """The place of the attempt, for those who may see boards."""
    if not viewer.may("leaderboard:view"):
        return Place()
    attempt = shown.attempt
    if not shown.stands or attempt.total_time_ms is None:
        return Place(players=shown.players)
    rank, equal, players = leaderboards.place(
        source, attempt.quiz_id, attempt.correct_count, attempt.total_time_ms
    )
    worse = players - rank + 1 - equal
    return Place(rank, players, 100 * worse // (players - 1) if players > 1 else None)


_BEST = Prepared(
    sa.select(
        QuizAttempt.id.label("attempt_id"),
        QuizAttempt.correct_count.label("correct"),
        QuizAttempt.total_questions.label("total"),
    )
    .where(
        QuizAttempt.quiz_id == sa.bindparam("quiz_id"),
        running.BY_PERSON,
        QuizAttempt.completed_at.is_not(None),
    )
    .order_by(*standings.BEST_FIRST)
    .limit(1)
)


def _best(source: Source, attempt: Attempt) -> Best | None:
    """The same person's best completed attempt at the quiz."""
    if attempt.user_id is None:
        return None
    found = _BEST.one_or_none(source, quiz_id=attempt.quiz_id, user_id=attempt.user_id)
    return Best(*found) if found else None


def _review(
    source: Source, attempt: Attempt, rows: Sequence[Answer], *, disclosed: bool
) -> tuple[ReviewedQuestion, ...]:
    questions = content.questions_for_players(source, attempt.quiz_version_id)
    keys = content.answer_keys(source, attempt.quiz_version_id) if disclosed else {}
    return reviewed(rows, questions, keys)


def reviewed(
    rows: Sequence[steps.Answer],
    questions: Mapping[UUID, PlayedQuestion],
    keys: Mapping[UUID, Key],
) -> tuple[ReviewedQuestion, ...]:
    """The review of an attempt; `keys` only where they may be told."""
    return tuple(_reviewed(row, questions[row.question_id], keys) for row in rows)


def _reviewed(
    row: steps.Answer, question: PlayedQuestion, keys: Mapping[UUID, Key]
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
