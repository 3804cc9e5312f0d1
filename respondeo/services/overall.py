"""The first page of the global board, which everybody reads: asked in one statement.

No counter tells that it has changed: each completion of each quiz would have to write it. So the
database digests the standings that would be shown, and rows are fetched where the digest is a new
one. How players are shown is what the catalogue's revision stands for.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from respondeo.kept import Kept
from respondeo.models import Catalogue, PlayerStanding
from respondeo.prepared import Asked, Prepared, Reader, Source, session_of
from respondeo.services import board_rows, leaderboards, taking
from respondeo.services.leaderboards import Board, Page


def board(source: Source, *, user_id: UUID | None, page: int, size: int) -> Board:
    """One page of the global board, and the person's own row; overdue attempts are completed."""
    if isinstance(source, Reader) and page == 1:
        at = _state_of(source, size)
        if not at.overdue and at.revision is not None:
            return _first(source, at, user_id, size)
    session = session_of(source)
    taking.complete_overdue(session)
    return leaderboards.overall_board(session, user_id=user_id, page=page, size=size)


class _Shown(NamedTuple):
    """A page that is kept, and a short name of its rows."""

    page: Page
    digest: str


_pages: Kept[_Shown] = Kept(10_000, size=lambda shown: shown.page.size)


def _first(reader: Reader, at: Any, user_id: UUID | None, size: int) -> Board:
    name: Hashable | None = (at.digest, at.revision, size)
    shown = _pages.get(name)
    if shown is None:
        rows = leaderboards.overall_rows(reader, size, before=0)
        made = _Shown(Page(rows, leaderboards.players_of(rows)), leaderboards.digest(rows))
        # Rows that came after the state was read are shown, but not under its name.
        again = _state_of(reader, size)
        if name != (again.digest, again.revision, size):
            name = None
        shown = _pages.made(name, lambda: made)
    rows, players_shown = shown.page
    me = leaderboards.on_page(players_shown, user_id)
    own = None if me else leaderboards.overall_standing(reader, user_id)
    players = min(at.counted, leaderboards.COUNTED_PLAYERS)
    more = at.counted > players
    pages = leaderboards.pages_of(players, size)
    tag = leaderboards.digest(shown.digest, own, players, more, 1, user_id)
    return Board(rows, me, own, players, 1, pages, tag, more, name)


def _state() -> sa.Select[*tuple[Any, ...]]:
    counted = sa.select(PlayerStanding.user_id).limit(sa.bindparam("most")).subquery()
    cut = (
        sa.select(PlayerStanding)
        .order_by(*board_rows.overall_order(PlayerStanding))
        .limit(sa.bindparam("size"))
        .subquery()
    )
    standing = aliased(PlayerStanding, cut)
    shown = sa.cast(
        sa.func.row(
            standing.user_id,
            standing.total_correct,
            standing.total_time_ms,
            standing.quizzes_played,
        ),
        sa.Text(),
    )
    in_order = aggregate_order_by(sa.literal("\n"), *board_rows.overall_order(standing))
    digest = sa.select(sa.func.md5(sa.func.string_agg(shown, in_order)))
    return sa.select(
        taking.any_overdue().label("overdue"),
        sa.select(sa.func.count()).select_from(counted).scalar_subquery().label("counted"),
        digest.scalar_subquery().label("digest"),
        sa.select(Catalogue.revision).scalar_subquery().label("revision"),
    )


_STATE = Prepared(_state())


def to_be_asked(size: int) -> tuple[Asked, ...]:
    """What the first page of so many rows asks first, where nobody's own row is shown."""
    return (_STATE.asked(**_values(size)),)


def page_to_be_asked(size: int) -> tuple[Asked, ...]:
    """The same where their own row is shown to everybody who has one."""
    return *to_be_asked(size), leaderboards.overall_standing_to_be_asked()


def _state_of(reader: Reader, size: int) -> Any:
    return _STATE.one(reader, **_values(size))


def _values(size: int) -> dict[str, int]:
    return {"size": size, "most": leaderboards.COUNTED_PLAYERS + 1}
