"""Statements that are asked all the time: compiled once, then run on the driver's own cursor.

SQLAlchemy says what is asked, as everywhere; what it adds to each execution (its session, its
result, its transaction) costs several times what the driver needs. docs/performance.md has figures.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

Driver: TypeAlias = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Reader:
    """Where each statement stands alone, and sees only what is committed.

    driver: the connection to read on now. session: the session of the same request, which goes on
    with another connection; this one is given back.
    """

    driver: Callable[[], Driver]
    session: Callable[[], Session]


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
        compiled = statement.compile(dialect=_DIALECT)
        self._text = str(compiled)
        self._given = {name: value for name, value in compiled.params.items() if value is not None}
        names = [str(column.key) for column in statement.exported_columns]
        self._row: Any = namedtuple("_Row", names)  # type: ignore[misc]

    def all(self, source: Source, **values: Any) -> list[Any]:
        """The rows, as named tuples. Raises sqlalchemy.exc.DBAPIError."""
        connection = source.driver() if isinstance(source, Reader) else driver_of(source)
        return self.on(connection, **values)

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
