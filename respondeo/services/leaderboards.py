"""Reading the boards: pages, a player's own row, ranks, and the tags that say "nothing new"."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.ranking import ranked
from respondeo.models import PlayerStanding, QuizAttempt, QuizBoard, QuizStanding, User

PAGE_SIZE = 30
COUNTED_PLAYERS = 10_000
"""The global board counts no further: the top must not get slower with every player."""


@dataclass(frozen=True, slots=True)
class Row:
    """One player's place. Where `total` is None, the row sums over quizzes."""

    user_id: UUID
    name: str
    image: str | None
    score: int
    time_ms: int
    rank: int = 0
    total: int | None = None
    quiz_id: UUID | None = None
    attempt_id: UUID | None = None
    timed_out: bool = False
    completed_at: datetime | None = None
    quizzes_played: int | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """One page of a board. `own` is the viewer's row where it stands on another page.

    more_players: there are more than `players` says.
    """

    rows: tuple[Row, ...]
    own: Row | None
    players: int
    page: int
    pages: int
    tag: str
    more_players: bool = False


def quiz_board_tag(session: Session, quiz_id: UUID, page: int, user_id: UUID | None) -> str:
    """Changes whenever what this page of the quiz's board shows to this person would."""
    counted = session.execute(
        sa.select(QuizBoard.revision, QuizBoard.players).where(QuizBoard.quiz_id == quiz_id)
    ).one()
    page, _, _ = _window(page, counted.players, PAGE_SIZE)
    return _digest(quiz_id, counted.revision, page, user_id)


def quiz_board(
    session: Session, quiz_id: UUID, *, user_id: UUID | None, page: int = 1, size: int = PAGE_SIZE
) -> Board:
    """One page of a quiz's board, and the person's own row."""
    counted = session.execute(
        sa.select(QuizBoard.revision, QuizBoard.players).where(QuizBoard.quiz_id == quiz_id)
    ).one()
    page, pages, before = _window(page, counted.players, size)
    found = session.execute(
        _quiz_rows(quiz_id)
        .order_by(
            QuizStanding.correct_count.desc(),
            QuizStanding.total_time_ms,
            QuizStanding.completed_at,
            QuizStanding.user_id,
        )
        .limit(size)
        .offset(before)
    ).mappings()
    rows = [Row(**row) for row in found]
    first = quiz_rank(session, quiz_id, rows[0].score, rows[0].time_ms) if before and rows else 1
    placed = _placed(rows, first, before)
    own = None if _holds(placed, user_id) else standing(session, quiz_id, user_id)
    tag = _digest(quiz_id, counted.revision, page, user_id)
    return Board(placed, own, counted.players, page, pages, tag)


def standing(session: Session, quiz_id: UUID, user_id: UUID | None) -> Row | None:
    """A player's own row on a quiz's board."""
    if user_id is None:
        return None
    found = session.execute(_quiz_rows(quiz_id).where(QuizStanding.user_id == user_id))
    row = found.mappings().one_or_none()
    if row is None:
        return None
    own = Row(**row)
    return replace(own, rank=quiz_rank(session, quiz_id, own.score, own.time_ms))


def quiz_rank(session: Session, quiz_id: UUID, score: int, time_ms: int) -> int:
    """The rank of a score and a time (ms): one more than the rows that are better."""
    better = sa.select(sa.func.count()).where(
        QuizStanding.quiz_id == quiz_id,
        sa.or_(
            QuizStanding.correct_count > score,
            sa.and_(QuizStanding.correct_count == score, QuizStanding.total_time_ms < time_ms),
        ),
    )
    return session.execute(better).scalar_one() + 1


def equals(session: Session, quiz_id: UUID, score: int, time_ms: int) -> int:
    """How many rows of the quiz's board have just this score and time (ms)."""
    same = sa.select(sa.func.count()).where(
        QuizStanding.quiz_id == quiz_id,
        QuizStanding.correct_count == score,
        QuizStanding.total_time_ms == time_ms,
    )
    return session.execute(same).scalar_one()


def overall_board(
    session: Session, *, user_id: UUID | None, page: int = 1, size: int = PAGE_SIZE
) -> Board:
    """One page of the global board; its tag is a digest of what it shows."""
    players, more = _counted_players(session)
    page, pages, before = _window(page, players, size)
    found = session.execute(
        _overall_rows()
        .order_by(
            PlayerStanding.total_correct.desc(),
            PlayerStanding.total_time_ms,
            PlayerStanding.user_id,
        )
        .limit(size)
        .offset(before)
    ).mappings()
    rows = [Row(**row) for row in found]
    first = _overall_rank(session, rows[0]) if before and rows else 1
    placed = _placed(rows, first, before)
    own = None if _holds(placed, user_id) else _overall_standing(session, user_id)
    shown = [asdict(row) for row in (*placed, *([own] if own else []))]
    tag = _digest(shown, players, more, page, user_id)
    return Board(placed, own, players, page, pages, tag, more)


def _overall_standing(session: Session, user_id: UUID | None) -> Row | None:
    if user_id is None:
        return None
    found = session.execute(_overall_rows().where(PlayerStanding.user_id == user_id))
    row = found.mappings().one_or_none()
    if row is None:
        return None
    own = Row(**row)
    return replace(own, rank=_overall_rank(session, own))


def _overall_rank(session: Session, row: Row) -> int:
    better = sa.select(sa.func.count()).where(
        sa.or_(
            PlayerStanding.total_correct > row.score,
            sa.and_(
                PlayerStanding.total_correct == row.score,
                PlayerStanding.total_time_ms < row.time_ms,
            ),
        )
    )
    return session.execute(better).scalar_one() + 1


def _counted_players(session: Session) -> tuple[int, bool]:
    some = sa.select(PlayerStanding.user_id).limit(COUNTED_PLAYERS + 1).subquery()
    counted = session.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
    return min(counted, COUNTED_PLAYERS), counted > COUNTED_PLAYERS


def _quiz_rows(quiz_id: UUID) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            QuizStanding.user_id,
            sa.func.coalesce(User.display_name, User.name).label("name"),
            User.image,
            QuizStanding.correct_count.label("score"),
            QuizStanding.total_time_ms.label("time_ms"),
            QuizAttempt.total_questions.label("total"),
            QuizStanding.quiz_id,
            QuizStanding.attempt_id,
            QuizAttempt.timed_out,
            QuizStanding.completed_at,
        )
        .join(User, User.id == QuizStanding.user_id)
        .join(QuizAttempt, QuizAttempt.id == QuizStanding.attempt_id)
        .where(QuizStanding.quiz_id == quiz_id)
    )


def _overall_rows() -> sa.Select[*tuple[Any, ...]]:
    return sa.select(
        PlayerStanding.user_id,
        sa.func.coalesce(User.display_name, User.name).label("name"),
        User.image,
        PlayerStanding.total_correct.label("score"),
        PlayerStanding.total_time_ms.label("time_ms"),
        PlayerStanding.quizzes_played,
    ).join(User, User.id == PlayerStanding.user_id)


def _window(page: int, players: int, size: int) -> tuple[int, int, int]:
    """The page that exists nearest to the one asked for, how many there are, rows before it."""
    pages = max(1, -(-players // size))
    page = min(max(1, page), pages)
    return page, pages, (page - 1) * size


def _placed(rows: Iterable[Row], first_rank: int, before: int) -> tuple[Row, ...]:
    numbered = ranked(rows, first_rank=first_rank, before=before)
    return tuple(replace(row, rank=rank) for rank, row in numbered)


def _holds(rows: Iterable[Row], user_id: UUID | None) -> bool:
    return user_id is None or any(row.user_id == user_id for row in rows)


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
