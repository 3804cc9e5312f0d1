"""Reading the boards: pages, a player's own row, ranks, and the tags that say "nothing new".

A quiz's board is kept by its counter, which is read each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from respondeo.domain.ranking import ranked
from respondeo.kept import Kept
from respondeo.models import PlayerStanding, QuizAttempt, QuizBoard, QuizStanding, User
from respondeo.prepared import Asked, Prepared, Reader, Source

PAGE_SIZE = 30
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
    return (_OWN_ROW.asked_by("user_id", quiz_id=quiz_id),) if _small.get(quiz_id) else ()


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
        return _placed(_FIRST_PAGE.all(source, quiz_id=quiz_id))[:size]
    players = _LATE_PLAYERS.all(source, quiz_id=quiz_id, size=size, before=before)
    rows = _PLAYERS_ROWS.all(source, quiz_id=quiz_id, players=[row.user_id for row in players])
    if not rows:
        return ()
    if not before:
        return _placed(rows)
    first = rows[0]
    equal = _EQUALS_BEFORE.one(
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
    found = _OWN_ROW.one_or_none(source, quiz_id=quiz_id, user_id=user_id)
    return Row(**found._asdict()) if found else None


def place(source: Source, quiz_id: UUID, score: int, time_ms: int) -> tuple[int, int, int]:
    """The rank of a score and a time (ms), how many rows have just these, how many there are."""
    found = _PLACE.one(source, quiz_id=quiz_id, score=score, time_ms=time_ms)
    return found.rank, found.equal, found.players


def _rank(
    right: InstrumentedAttribute[int],
    time: InstrumentedAttribute[int],
    score: sa.ColumnElement[int],
    time_ms: sa.ColumnElement[int],
    *board: sa.ColumnElement[bool],
) -> sa.ColumnElement[int]:
    """Counts more right, then as many right in less time: two ranges of the board's index."""

    def counted(*which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.select(sa.func.count()).where(*board, *which).scalar_subquery()

    return counted(right > score) + counted(right == score, time < time_ms) + 1


def _with_rank(
    rows: sa.Select[*tuple[Any, ...]],
    right: InstrumentedAttribute[int],
    time: InstrumentedAttribute[int],
    *board: InstrumentedAttribute[UUID],
) -> sa.Select[*tuple[Any, ...]]:
    """The rows with their ranks. board: the columns that say which board it is.

    All that is counted by comes from the row: with a parameter, PostgreSQL may find it better to
    plan the statement anew each time, which takes as long again.
    """
    own = rows.subquery("own")
    which = (column == own.c[column.key] for column in board)
    return sa.select(_rank(right, time, own.c.score, own.c.time_ms, *which).label("rank"), *own.c)


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
    rows = _OVERALL_PAGE.all(source, size=size, before=before)
    if not rows or not before:
        return _placed(rows)
    first = rows[0]
    equal = _OVERALL_EQUALS_BEFORE.one(
        source, score=first.score, time_ms=first.time_ms, user_id=first.user_id
    )
    return _placed(rows, before, equal.counted)


def overall_standing(source: Source, user_id: UUID | None) -> Row | None:
    """A player's own row on the global board."""
    if user_id is None:
        return None
    found = _OVERALL_OWN_ROW.one_or_none(source, user_id=user_id)
    return Row(**found._asdict()) if found else None


def overall_standing_to_be_asked() -> Asked:
    """The reader's own row on the global board."""
    return _OVERALL_OWN_ROW.asked_by("user_id")


def _counted_players(session: Session) -> tuple[int, bool]:
    some = sa.select(PlayerStanding.user_id).limit(COUNTED_PLAYERS + 1).subquery()
    counted = session.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
    return min(counted, COUNTED_PLAYERS), counted > COUNTED_PLAYERS


def _quiz_rows(cut: sa.Select[QuizStanding]) -> sa.Select[*tuple[Any, ...]]:
    """What a quiz's board shows of these standings."""
    cut_standing = aliased(QuizStanding, cut.subquery())
    return (
        sa.select(
            cut_standing.user_id,
            User.public_name.label("name"),
            User.public_image.label("image"),
            cut_standing.correct_count.label("score"),
            cut_standing.total_time_ms.label("time_ms"),
            QuizAttempt.total_questions.label("total"),
            cut_standing.quiz_id,
            cut_standing.attempt_id,
            QuizAttempt.timed_out,
            cut_standing.completed_at,
        )
        .join(User, User.id == cut_standing.user_id)
        .join(QuizAttempt, QuizAttempt.id == cut_standing.attempt_id)
        .order_by(*_quiz_order(cut_standing))
    )


def _quiz_order(standing: type[QuizStanding]) -> Sequence[sa.ColumnElement[Any]]:
    """Ranks go by score and time; the rest makes the order among equals the same each time."""
    return (
        standing.correct_count.desc(),
        standing.total_time_ms.asc(),
        standing.completed_at.asc(),
        standing.user_id.asc(),
    )


def _overall_rows(cut: sa.Select[PlayerStanding]) -> sa.Select[*tuple[Any, ...]]:
    """What the global board shows of these standings."""
    cut_standing = aliased(PlayerStanding, cut.subquery())
    return (
        sa.select(
            cut_standing.user_id,
            User.public_name.label("name"),
            User.public_image.label("image"),
            cut_standing.total_correct.label("score"),
            cut_standing.total_time_ms.label("time_ms"),
            cut_standing.quizzes_played,
        )
        .join(User, User.id == cut_standing.user_id)
        .order_by(*overall_order(cut_standing))
    )


def overall_order(standing: type[PlayerStanding]) -> Sequence[sa.ColumnElement[Any]]:
    """More right answers first, then less time; the rest makes the order the same each time."""
    return (standing.total_correct.desc(), standing.total_time_ms.asc(), standing.user_id.asc())


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


_OF_QUIZ = QuizStanding.quiz_id == sa.bindparam("quiz_id")
_OF_PLAYER = QuizStanding.user_id == sa.bindparam("user_id")
_SIZE, _BEFORE = (sa.bindparam(name, type_=sa.Integer()) for name in ("size", "before"))

_BY_RESULT = (QuizStanding.correct_count, QuizStanding.total_time_ms)
_OWN_ROW = Prepared(
    _with_rank(
        _quiz_rows(sa.select(QuizStanding).where(_OF_QUIZ, _OF_PLAYER)),
        *_BY_RESULT,
        QuizStanding.quiz_id,
    )
)
# Of a limit that is a parameter PostgreSQL makes a plan each time, which takes longer than to read.
_FIRST_PAGE = Prepared(
    _quiz_rows(
        sa.select(QuizStanding)
        .where(_OF_QUIZ)
        .order_by(*_quiz_order(QuizStanding))
        .limit(sa.literal_column(str(PAGE_SIZE)))
    )
)
# Any other page is cut in the index alone.
_LATE_PLAYERS = Prepared(
    sa.select(QuizStanding.user_id)
    .where(_OF_QUIZ)
    .order_by(*_quiz_order(QuizStanding))
    .limit(_SIZE)
    .offset(_BEFORE)
)
_PLAYERS_ROWS = Prepared(
    _quiz_rows(
        sa.select(QuizStanding).where(
            _OF_QUIZ,
            QuizStanding.user_id == sa.any_(sa.bindparam("players", type_=ARRAY(sa.Uuid()))),
        )
    )
)
_EQUAL = sa.select(sa.func.count().label("counted")).where(
    _OF_QUIZ,
    QuizStanding.correct_count == sa.bindparam("score"),
    QuizStanding.total_time_ms == sa.bindparam("time_ms"),
)
_EQUALS_BEFORE = Prepared(
    _EQUAL.where(
        sa.tuple_(QuizStanding.completed_at, QuizStanding.user_id)
        < sa.tuple_(
            sa.bindparam("completed_at", type_=QuizStanding.completed_at.type),
            sa.bindparam("user_id", type_=QuizStanding.user_id.type),
        ),
    )
)
_PLACE = Prepared(
    sa.select(
        _rank(
            *_BY_RESULT,
            sa.bindparam("score", type_=sa.Integer()),
            sa.bindparam("time_ms", type_=sa.BigInteger()),
            _OF_QUIZ,
        ).label("rank"),
        _EQUAL.scalar_subquery().label("equal"),
        QuizBoard.players,
    ).where(QuizBoard.quiz_id == sa.bindparam("quiz_id"))
)

_OVERALL_OWN_ROW = Prepared(
    _with_rank(
        _overall_rows(
            sa.select(PlayerStanding).where(PlayerStanding.user_id == sa.bindparam("user_id"))
        ),
        PlayerStanding.total_correct,
        PlayerStanding.total_time_ms,
    )
)
_OVERALL_PAGE = Prepared(
    _overall_rows(
        sa.select(PlayerStanding)
        .order_by(*overall_order(PlayerStanding))
        .limit(_SIZE)
        .offset(_BEFORE)
    )
)
_OVERALL_EQUALS_BEFORE = Prepared(
    sa.select(sa.func.count().label("counted")).where(
        PlayerStanding.total_correct == sa.bindparam("score"),
        PlayerStanding.total_time_ms == sa.bindparam("time_ms"),
        PlayerStanding.user_id < sa.bindparam("user_id"),
    )
)
