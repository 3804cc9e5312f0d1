"""Statements that are asked all the time: compiled once, then run on the driver's own cursor.

SQLAlchemy says what is asked, as everywhere; what it adds to each execution (its session, its
result, its transaction) costs several times what the driver needs. docs/performance.md has figures.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias, cast

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.orm.util import identity_key
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

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


_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]


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
        make = self._row._make
        try:
            found = connection.execute(self._text, self._given | values).fetchall()
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
        asked = source.ahead.asked
        pair = _paired(self, asked.statement)
        row, following = pair.on(source.driver(), values, asked.values)
        source.ahead.found = [] if following is None else [following]
        return row

    def named(self, row: Sequence[Any]) -> Any:
        """These values with the names of the columns."""
        return self._row._make(row)

    def asked(self, **values: Any) -> Asked:
        """This statement with these values, to be asked ahead; it has one row at most."""
        return Asked(self, values)


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement that has one row at most, and its values."""

    statement: Prepared
    values: Mapping[str, Any]


@dataclass(slots=True)
class Ahead:
    """What a request asks when it knows who asks: it is read in the same round trip.

    It says what was so then, and says it once: who asks again reads again.
    """

    asked: Asked
    found: list[Any] | None = None

    def take(self, statement: Prepared, values: Mapping[str, Any]) -> list[Any] | None:
        """What was read, None where that was not it."""
        if statement is not self.asked.statement or values != self.asked.values:
            return None
        found, self.found = self.found, None
        return found


class _Pair:
    """Two statements as one, each of which has one row at most."""

    def __init__(self, first: Prepared, second: Prepared) -> None:
        self._parts = (first, second)
        nothing = sa.select(sa.literal_column("1")).subquery("nothing")
        columns: list[sa.ColumnElement[Any]] = []
        joined: sa.FromClause = nothing
        for place, part in enumerate(self._parts):
            assert isinstance(part.statement, sa.Select)
            is_there = sa.literal_column("true", sa.Boolean()).label("is_there")
            found = part.statement.add_columns(is_there).subquery(f"part_{place}")
            joined = joined.outerjoin(found, sa.true())
            columns += [column.label(f"of_{place}_{column.key}") for column in found.c]
        self._both = Prepared(sa.select(*columns).select_from(joined))
        self._cut = len(self._parts[0].statement.exported_columns) + 1

    def on(
        self, connection: Driver, first: Mapping[str, Any], second: Mapping[str, Any]
    ) -> tuple[Any, Any]:
        """The row of each, None where it has none."""
        (row,) = self._both.on(connection, **first, **second)
        halves = (row[: self._cut], row[self._cut :])
        mine, following = (
            part.named(half[:-1]) if half[-1] else None
            for part, half in zip(self._parts, halves, strict=True)
        )
        return mine, following


@cache
def _paired(first: Prepared, second: Prepared) -> _Pair:
    """There are few of them: who may ask, by what they are asked."""
    return _Pair(first, second)


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
