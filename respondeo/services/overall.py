"""The first page of the global board, which everybody reads: asked in one statement.

No counter tells that it has changed: each completion of each quiz would have to write it. So the
database digests what would be shown, and rows are fetched where the digest is a new one.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from respondeo.domain.timing import GRACE_MS
from respondeo.kept import Kept
from respondeo.models import PlayerStanding, QuizAttempt, User
from respondeo.prepared import Prepared, Reader, Source, session_of
from respondeo.services import leaderboards, taking
from respondeo.services.leaderboards import Board, Row


def board(source: Source, *, user_id: UUID | None, page: int, size: int) -> Board:
    """One page of the global board, and the person's own row; overdue attempts are completed."""
    if isinstance(source, Reader) and page == 1:
        at = _state_of(source, size)
        if not at.overdue:
            return _first(source, at, user_id, size)
    session = session_of(source)
    taking.complete_overdue(session)
    return leaderboards.overall_board(session, user_id=user_id, page=page, size=size)


_pages: Kept[tuple[Row, ...]] = Kept(10_000, size=lambda rows: len(rows) + 1)


def _first(reader: Reader, at: Any, user_id: UUID | None, size: int) -> Board:
    name: Hashable | None = (at.digest, size)
    rows = _pages.get(name)
    if rows is None:
        rows = leaderboards.overall_rows(reader.session(), size, before=0)
        # The same digest may come back, with somebody's former name: rows of another are not kept.
        digested, at = at.digest, _state_of(reader, size)
        if at.digest == digested:
            _pages.put(name, rows)
        else:
            name = None
    own = None
    if user_id is not None and all(row.user_id != user_id for row in rows):
        found = _OWN.one_or_none(reader, user_id=user_id)
        own = Row(**found._asdict()) if found else None
    players = min(at.counted, leaderboards.COUNTED_PLAYERS)
    more = at.counted > players
    pages = leaderboards.pages_of(players, size)
    tag = leaderboards.digest(at.digest, own, players, more, 1, user_id)
    return Board(rows, own, players, 1, pages, tag, more, name)


def _state() -> sa.Select[*tuple[Any, ...]]:
    now = sa.select(sa.func.clock_timestamp()).scalar_subquery()
    overdue = sa.exists().where(
        QuizAttempt.completed_at.is_(None),
        QuizAttempt.deadline_at < now - timedelta(milliseconds=GRACE_MS),
    )
    counted = sa.select(PlayerStanding.user_id).limit(sa.bindparam("most")).subquery()
    cut = (
        sa.select(PlayerStanding)
        .order_by(*leaderboards.overall_order(PlayerStanding))
        .limit(sa.bindparam("size"))
        .subquery()
    )
    standing = aliased(PlayerStanding, cut)
    shown = sa.cast(
        sa.func.row(
            standing.user_id,
            User.public_name,
            User.public_image,
            standing.total_correct,
            standing.total_time_ms,
            standing.quizzes_played,
        ),
        sa.Text(),
    )
    in_order = aggregate_order_by(sa.literal("\n"), *leaderboards.overall_order(standing))
    digest = sa.select(sa.func.md5(sa.func.string_agg(shown, in_order))).join_from(
        standing, User, User.id == standing.user_id
    )
    return sa.select(
        overdue.label("overdue"),
        sa.select(sa.func.count()).select_from(counted).scalar_subquery().label("counted"),
        digest.scalar_subquery().label("digest"),
    )


_STATE = Prepared(_state())


def _state_of(reader: Reader, size: int) -> Any:
    return _STATE.one(reader, size=size, most=leaderboards.COUNTED_PLAYERS + 1)


def _own() -> sa.Select[*tuple[Any, ...]]:
    better = aliased(PlayerStanding)
    ahead = sa.select(sa.func.count()).where(
        better.total_correct >= PlayerStanding.total_correct,  # implied below: it bounds the index
        sa.or_(
            better.total_correct > PlayerStanding.total_correct,
            sa.and_(
                better.total_correct == PlayerStanding.total_correct,
                better.total_time_ms < PlayerStanding.total_time_ms,
            ),
        ),
    )
    return (
        sa.select(
            PlayerStanding.user_id,
            User.public_name.label("name"),
            User.public_image.label("image"),
            PlayerStanding.total_correct.label("score"),
            PlayerStanding.total_time_ms.label("time_ms"),
            PlayerStanding.quizzes_played,
            (ahead.correlate(PlayerStanding).scalar_subquery() + 1).label("rank"),
        )
        .join(User, User.id == PlayerStanding.user_id)
        .where(PlayerStanding.user_id == sa.bindparam("user_id"))
    )


_OWN = Prepared(_own())
