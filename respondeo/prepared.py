"""Statements that are asked all the time: compiled once, then run on the driver's own cursor.

SQLAlchemy says what is asked, as everywhere; what it adds to each execution (its session, its
result, its transaction) costs several times what the driver needs. docs/performance.md has figures.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias, cast

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.orm.util import identity_key
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate
from sqlalchemy.sql.visitors import replacement_traverse

Driver: TypeAlias = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Reader:
    """Where each statement stands alone, and sees only what is committed.

    driver: the connection to read on now. session: the session of the same request, which goes on
    with another connection; this one is given back. ahead: what the request is going to ask.
    """

    driver: Callable[[], Driver]
    session: Callable[[], Session]
    ahead: Ahead | None = None


Source: TypeAlias = Session | Reader
"""Where one reads: in a session's transaction, or without one."""


def session_of(source: Source) -> Session:
    """A session to go on with, where one has to write or to ask what is seldom asked."""
    return source.session() if isinstance(source, Reader) else source


# Parameters as PostgreSQL itself writes them: the driver has nothing to look for in the text.
_DIALECT = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


class Prepared:
    """A SELECT, or a statement that returns rows, whose parameters are named by `sa.bindparam`.

    Lists are passed as arrays: `column == sa.any_(sa.bindparam(...))`, never IN.
    """

    def __init__(
        self,
        statement: sa.Select[*tuple[Any, ...]] | ReturningInsert[Any] | ReturningUpdate[Any],
    ) -> None:
        self.statement = statement
        compiled = statement.compile(dialect=_DIALECT)
        self._text = str(compiled)
        self._given = {name: value for name, value in compiled.params.items() if value is not None}
        self._order = tuple(compiled.positiontup or ())
        names = [str(column.key) for column in statement.exported_columns]
        self._row: Any = namedtuple("_Row", names)  # type: ignore[misc]

    def all(self, source: Source, **values: Any) -> list[Any]:
        """The rows, as named tuples. Raises sqlalchemy.exc.DBAPIError."""
        if not isinstance(source, Reader):
            return self.on(driver_of(source), **values)
        if source.ahead and (known := source.ahead.take(self, values)) is not None:
            return known
        return self.on(source.driver(), **values)

    def on(self, connection: Driver, **values: Any) -> list[Any]:
        """The same, on this connection."""
        make, given = self._row._make, self._given | values
        try:
            cursor = psycopg.RawCursor(connection)
            found = cursor.execute(self._text, [given[name] for name in self._order]).fetchall()
        except psycopg.Error as error:
            raise told(error, invalidated=connection.broken) from error
        return [make(row) for row in found]

    def one_or_none(self, source: Source, **values: Any) -> Any:
        """The row, None where there is none."""
        found = self.all(source, **values)
        return found[0] if found else None

    def one(self, source: Source, **values: Any) -> Any:
        """The row of a statement that always has one."""
        return self.all(source, **values)[0]

    def one_with_ahead(self, source: Source, **values: Any) -> Any:
        """The row, None where there is none. What the request asks next comes along with it."""
        if not isinstance(source, Reader) or source.ahead is None:
            return self.one_or_none(source, **values)
        ahead = source.ahead
        together = _together(self, tuple((one.statement, one.by) for one in ahead.asked))
        row, following = together.on(source.driver(), values, ahead.asked)
        ahead.found = list(following)
        return row

    def named(self, row: Sequence[Any]) -> Any:
        """These values with the names of the columns."""
        return self._row._make(row)

    def asked(self, **values: Any) -> Asked:
        """This statement with these values, to be asked ahead; it has one row at most."""
        return Asked(self, values)

    def asked_by(self, asker: str, **values: Any) -> Asked:
        """This statement about who asks: the parameter `asker` is the `id` in the row of the
        statement that says who that is. It has few rows, and no column of arrays.
        """
        return Asked(self, values, asker)


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement and its values. by: the parameter that is the `id` of who asks."""

    statement: Prepared
    values: Mapping[str, Any]
    by: str | None = None


@dataclass(slots=True)
class Ahead:
    """What a request asks when it knows who asks: it is read in the same round trip.

    It says what was so then, and says it once: who asks again reads again. A name among the values
    means the same in all that is asked. found: the statements, their values, their rows.
    """

    asked: tuple[Asked, ...]
    found: list[tuple[Prepared, Mapping[str, Any], list[Any]]] = field(default_factory=list)

    def take(self, statement: Prepared, values: Mapping[str, Any]) -> list[Any] | None:
        """What was read, None where that was not it."""
        for place, (known, given, rows) in enumerate(self.found):
            if known is statement and given == values:
                del self.found[place]
                return rows
        return None


class _Together:
    """A statement that says who asks, and others, as one."""

    def __init__(self, first: Prepared, others: Sequence[tuple[Prepared, str | None]]) -> None:
        parts: list[sa.FromClause] = [_row_of(first).subquery("part_0")]
        for place, (statement, by) in enumerate(others, 1):
            name = f"part_{place}"
            parts.append(
                _arrays_of(statement, by).lateral(name) if by else _row_of(statement).subquery(name)
            )
        joined: sa.FromClause = sa.select(sa.literal_column("1")).subquery("nothing")
        columns: list[sa.ColumnElement[Any]] = []
        self._cuts: list[slice] = []
        for place, part in enumerate(parts):
            joined = joined.outerjoin(part, sa.true())
            self._cuts.append(slice(len(columns), len(columns) + len(part.c)))
            columns += [column.label(f"of_{place}_{column.key}") for column in part.c]
        self._all = Prepared(sa.select(*columns).select_from(joined))
        self._first = first

    def on(
        self, connection: Driver, values: Mapping[str, Any], asked: Sequence[Asked]
    ) -> tuple[Any, Iterator[tuple[Prepared, Mapping[str, Any], list[Any]]]]:
        """The row of the first, None where it has none, and what was found of the others."""
        for one in asked:
            assert all(values.get(name, value) == value for name, value in one.values.items())
            values = {**values, **one.values}
        (row,) = self._all.on(connection, **values)
        who, *others = (row[cut] for cut in self._cuts)
        asker = self._first.named(who[:-1]) if who[-1] else None
        return asker, _found(asker, asked, others)


def _row_of(statement: Prepared) -> sa.Select[*tuple[Any, ...]]:
    """The statement's row, and that it is there."""
    assert isinstance(statement.statement, sa.Select)
    is_there = sa.literal_column("true", sa.Boolean()).label("is_there")
    return statement.statement.add_columns(is_there)


def _arrays_of(statement: Prepared, by: str) -> sa.Select[*tuple[Any, ...]]:
    """The statement's columns as one row of arrays, about who is found in the first part."""
    asker = sa.literal_column("part_0.id", sa.Uuid())

    def of_asker(element: Any, **_more: Any) -> Any:
        return asker if isinstance(element, sa.BindParameter) and element.key == by else None

    rows = cast(
        "sa.Select[*tuple[Any, ...]]", replacement_traverse(statement.statement, {}, of_asker)
    ).subquery("rows")
    return sa.select(*(sa.func.array_agg(column).label(column.key) for column in rows.c))


def _found(
    asker: Any, asked: Sequence[Asked], parts: Sequence[Any]
) -> Iterator[tuple[Prepared, Mapping[str, Any], list[Any]]]:
    for one, part in zip(asked, parts, strict=True):
        if one.by is None:
            rows = [one.statement.named(part[:-1])] if part[-1] else []
            yield one.statement, one.values, rows
        elif asker is not None:
            rows = list(map(one.statement.named, zip(*part, strict=True))) if part[0] else []
            yield one.statement, {**one.values, one.by: asker.id}, rows


@cache
def _together(first: Prepared, others: tuple[tuple[Prepared, str | None], ...]) -> _Together:
    """There are few of them: who may ask, by what they are asked."""
    return _Together(first, others)


def new_value(column: InstrumentedAttribute[Any]) -> sa.BindParameter[Any]:
    """The parameter of what a statement writes into this column: `new_` and its name."""
    return sa.bindparam(f"new_{column.key}", type_=column.type)


def expire(session: Session, kind: type[Any], key: Any) -> None:
    """Whoever holds the row in this session reads it anew: a statement has written it."""
    held = session.identity_map.get(identity_key(kind, key))
    if held is not None:
        session.expire(held)


def driver_of(session: Session) -> Driver:
    """The driver's connection of the session's transaction, with what was changed sent to it."""
    session.flush()
    return cast("Driver", session.connection().connection.driver_connection)


def told(error: psycopg.Error, *, invalidated: bool) -> sa.exc.DBAPIError:
    """The driver's error as SQLAlchemy's, which is what everybody handles; without any value sent.

    invalidated: the connection is lost.
    """
    wrapped = sa.exc.DBAPIError.instance(
        None,
        None,
        error,
        psycopg.Error,
        hide_parameters=True,
        connection_invalidated=invalidated,
    )
    assert isinstance(wrapped, sa.exc.DBAPIError)
    return wrapped
