"""Hearing what is sent to the database, through SQLAlchemy or past it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import psycopg

Heard: TypeAlias = Callable[[psycopg.Cursor[Any], Any, Any, Callable[[], Any]], Any]
"""Gets the cursor, a statement, its parameters, and what sends it; returns what that returns."""


@contextmanager
def hearing(heard: Heard) -> Iterator[None]:
    """Each statement that a cursor of this process executes meanwhile goes by here."""
    execute = psycopg.Cursor.execute

    def tell(cursor: psycopg.Cursor[Any], query: Any, params: Any = None, **how: Any) -> Any:
        return heard(cursor, query, params, lambda: execute(cursor, query, params, **how))

    psycopg.Cursor.execute = tell  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]
