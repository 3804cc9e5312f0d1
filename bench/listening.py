"""Hearing what is sent to the database, through SQLAlchemy or past it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa


@contextmanager
def lending(engine: sa.Engine, cursors: type[psycopg.Cursor[Any]]) -> Iterator[None]:
    """All connections that are taken from the pool meanwhile make their cursors of this class."""

    def lend(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.cursor_factory = cursors

    def take_back(connection: Any, _record: Any) -> None:
        if connection is not None:
            connection.cursor_factory = psycopg.Cursor

    sa.event.listen(engine, "checkout", lend)
    sa.event.listen(engine, "checkin", take_back)
    try:
        yield
    finally:
        sa.event.remove(engine, "checkout", lend)
        sa.event.remove(engine, "checkin", take_back)
