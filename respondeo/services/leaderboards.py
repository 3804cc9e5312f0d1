"""Reading the boards: pages, a player's own row, ranks, and the tags that say "nothing new".

A quiz's board is kept by its counter, which is read each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.ranking import ranked
from respondeo.kept import Kept
from respondeo.models import PlayerStanding, QuizBoard
from respondeo.prepared import Asked, Reader, Source
from respondeo.services import board_rows

PAGE_SIZE = board_rows.PAGE_SIZE
COUNTED_PLAYERS = 10_000
"""The global board counts no further: the top must not get slower with every player."""


class Row(NamedTuple):
    """One player's place. Where `total` is None, the row sums over quizzes."""

    rank: int
    user_id: UUID
    name: str
    image: str | None
    score: int
    time_ms: int
    total: int | None = None
    quiz_id: UUID | None = None
    attempt_id: UUID | None = None
    timed_out: bool = False
    completed_at: datetime | None = None
    quizzes_played: int | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """One page of a board. `own` is the viewer's row where it stands on another page.

    me: the viewer where one of the rows is theirs. more_players: there are more than `players`
    says. name: of these rows, where they are kept.
    """

    rows: tuple[Row, ...]
    me: UUID | None
    own: Row | None
    players: int
    page: int
    pages: int
    tag: str
    more_players: bool = False
    name: Hashable | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What a quiz's board stands at: `revision` goes up whenever what it shows changes.

    row: the version of the row that says so, which no other has that a backup brings back.
    """

    revision: int
    players: int
    row: str


ROW = sa.literal_column("quiz_board.xmin::text", sa.Text())


def quiz_board_state(session: Session, quiz_id: UUID) -> State:
    """What the quiz's board stands at now."""
    state = sa.select(QuizBoard.revision, QuizBoard.players, ROW)
    return State(*session.execute(state.where(QuizBoard.quiz_id == quiz_id)).one())


def quiz_board_tag(session: Session, quiz_id: UUID, page: int, user_id: UUID | None) -> str:
    """Changes whenever what this page of the quiz's board shows to this person would."""
    return tag_at(quiz_board_state(session, quiz_id), quiz_id, page, user_id)


def tag_at(state: State, quiz_id: UUID, page: int, user_id: UUID | None) -> str:
    """The tag of a board that stands at `state`."""
    page, _, _ = _window(page, state.players, PAGE_SIZE)
    return digest(quiz_id, state.revision, page, user_id)


def quiz_board(
    session: Session, quiz_id: UUID, *, user_id: UUID | None, page: int = 1, size: int = PAGE_SIZE
) -> Board:
    """One page of a quiz's board, and the person's own row."""
    state = quiz_board_state(session, quiz_id)
    page, pages, before = _window(page, state.players, size)
    rows = _quiz_page(session, quiz_id, size, before)
    me = on_page(players_of(rows), user_id)
    own = None if me else standing(session, quiz_id, user_id)
    tag = digest(quiz_id, state.revision, page, user_id)
    return Board(rows, me, own, state.players, page, pages, tag)


class Page(NamedTuple):
    """The rows of a page, and whose they are."""

    rows: tuple[Row, ...]
    players: frozenset[UUID]

    @property
    def size(self) -> int:
        """What it takes where so many rows are kept."""
        return 2 * len(self.rows) + 1


_pages: Kept[Page] = Kept(20_000, size=lambda page: page.size)
_own: Kept[Row | str] = Kept(5_000)
_NOWHERE = "no row"
_small: Kept[bool] = Kept(5_000)
SMALL = 1_000
"""Up to so many players a rank costs less to count than to ask for: less than 0.1 ms."""


def own_row_to_be_asked(quiz_id: UUID) -> tuple[Asked, ...]:
    """The reader's own row, where the board was a small one when it was read last."""
    return (board_rows.OWN_ROW.asked_by("user_id", quiz_id=quiz_id),) if _small.get(quiz_id) else ()


def kept_board(
    reader: Reader,
    state: State,
    quiz_id: UUID,
    *,
    user_id: UUID | None,
    page: int = 1,
    size: int = PAGE_SIZE,
) -> Board:
    """The same, made only where this process does not know it at this state."""
    page, pages, before = _window(page, state.players, size)
    _small.put(quiz_id, state.players <= SMALL)
    rows, players = _kept_page(reader, state, quiz_id, size, before)
    me, own = on_page(players, user_id), None
    if user_id is not None and me is None:
        found = _own.made(
            (quiz_id, state, user_id),
            lambda: standing(reader, quiz_id, user_id) or _NOWHERE,
        )
        own = found if isinstance(found, Row) else None
    tag = digest(quiz_id, state.revision, page, user_id)
    return Board(
        rows, me, own, state.players, page, pages, tag, name=(quiz_id, state, before, size)
    )


def _kept_page(reader: Reader, state: State, quiz_id: UUID, size: int, before: int) -> Page:
    """A page at this state. What is smaller than the first is cut from it."""

    def made() -> Page:
        if before == 0 and size < PAGE_SIZE:
            rows = _kept_page(reader, state, quiz_id, PAGE_SIZE, before).rows[:size]
        else:
            rows = _quiz_page(reader, quiz_id, size, before)
        return Page(rows, players_of(rows))

    return _pages.made((quiz_id, state, before, size), made)


def _quiz_page(source: Source, quiz_id: UUID, size: int, before: int) -> tuple[Row, ...]:
    # The page is cut before names are looked up, or a late page would join all before it.
    if not before and size <= PAGE_SIZE:
        return _placed(board_rows.FIRST_PAGE.all(source, quiz_id=quiz_id))[:size]
    players = board_rows.LATE_PLAYERS.all(source, quiz_id=quiz_id, size=size, before=before)
    rows = board_rows.PLAYERS_ROWS.all(
        source, quiz_id=quiz_id, players=[row.user_id for row in players]
    )
    if not rows:
        return ()
    if not before:
        return _placed(rows)
    first = rows[0]
    equal = board_rows.EQUALS_BEFORE.one(
        source,
        quiz_id=quiz_id,
        score=first.score,
        time_ms=first.time_ms,
        completed_at=first.completed_at,
        user_id=first.user_id,
    )
    return _placed(rows, before, equal.counted)


def standing(source: Source, quiz_id: UUID, user_id: UUID | None) -> Row | None:
    """A player's own row on a quiz's board."""
    if user_id is None:
        return None
    found = board_rows.OWN_ROW.one_or_none(source, quiz_id=quiz_id, user_id=user_id)
    return Row(**found._asdict()) if found else None


def place(source: Source, quiz_id: UUID, score: int, time_ms: int) -> tuple[int, int, int]:
    """The rank of a score and a time (ms), how many rows have just these, how many there are."""
    found = board_rows.PLACE.one(source, quiz_id=quiz_id, score=score, time_ms=time_ms)
    return found.rank, found.equal, found.players


def overall_board(
    session: Session, *, user_id: UUID | None, page: int = 1, size: int = PAGE_SIZE
) -> Board:
    """One page of the global board; its tag is a digest of what it shows."""
    players, more = _counted_players(session)
    page, pages, before = _window(page, players, size)
    rows = overall_rows(session, size, before=before)
    me = on_page(players_of(rows), user_id)
    own = None if me else overall_standing(session, user_id)
    tag = digest(rows, own, players, more, page, user_id)
    return Board(rows, me, own, players, page, pages, tag, more)


def overall_rows(source: Source, size: int, *, before: int) -> tuple[Row, ...]:
    """The rows of the global board after the first `before`."""
    rows = board_rows.OVERALL_PAGE.all(source, size=size, before=before)
    if not rows or not before:
        return _placed(rows)
    first = rows[0]
    equal = board_rows.OVERALL_EQUALS_BEFORE.one(
        source, score=first.score, time_ms=first.time_ms, user_id=first.user_id
    )
    return _placed(rows, before, equal.counted)


def overall_standing(source: Source, user_id: UUID | None) -> Row | None:
    """A player's own row on the global board."""
    if user_id is None:
        return None
    found = board_rows.OVERALL_OWN_ROW.one_or_none(source, user_id=user_id)
    return Row(**found._asdict()) if found else None


def overall_standing_to_be_asked() -> Asked:
    """The reader's own row on the global board."""
    return board_rows.OVERALL_OWN_ROW.asked_by("user_id")


def _counted_players(session: Session) -> tuple[int, bool]:
    some = sa.select(PlayerStanding.user_id).limit(COUNTED_PLAYERS + 1).subquery()
    counted = session.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
    return min(counted, COUNTED_PLAYERS), counted > COUNTED_PLAYERS


def _window(page: int, players: int, size: int) -> tuple[int, int, int]:
    """The page that exists nearest to the one asked for, how many there are, rows before it."""
    pages = pages_of(players, size)
    page = min(max(1, page), pages)
    return page, pages, (page - 1) * size


def pages_of(players: int, size: int) -> int:
    """How many pages so many players fill."""
    return max(1, -(-players // size))


def _placed(found: Iterable[Any], before: int = 0, equals_before: int = 0) -> tuple[Row, ...]:
    """The rows that stand after `before` others; the first shares its rank with some of those."""
    numbered = ranked(found, first_rank=before + 1 - equals_before, before=before)
    return tuple(Row(rank, **row._asdict()) for rank, row in numbered)


def players_of(rows: Iterable[Row]) -> frozenset[UUID]:
    """Whose rows these are."""
    return frozenset(row.user_id for row in rows)


def on_page(players: frozenset[UUID], user_id: UUID | None) -> UUID | None:
    """The person, where one of these players is they."""
    return user_id if user_id in players else None


def digest(*parts: object) -> str:
    """A short name of all this."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
