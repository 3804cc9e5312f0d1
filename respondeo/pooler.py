"""Whether a pooler stands between us and the server, and in which mode.

A server tells its process when one connects (libpq's backend pid) and when one asks
(`pg_backend_pid()`); a pooler invents the first. Where two open clients are served by one process,
a client does not keep its own: the pooler is in transaction mode (or statement mode, a worse one).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import psycopg

from respondeo.connection_string import Row

ROUNDS = 5  # others use the pooler too: their server process may be the free one, once or twice

Connection = psycopg.Connection[Row]


class Pooler(StrEnum):
    """What stands in between."""

    NONE = "none"
    SESSION = "session"
    TRANSACTION = "transaction"


def between(connection: Connection, connect: Callable[[], Connection]) -> Pooler:
    """What `connection` goes through; `connect` opens a second one. Raises psycopg.Error."""
    if serving(connection) == connection.info.backend_pid:
        return Pooler.NONE
    with connect() as second:
        shared = any(serving(second) == serving(connection) for _ in range(ROUNDS))
    return Pooler.TRANSACTION if shared else Pooler.SESSION


def serving(connection: Connection) -> int:
    """The server process that answers this connection now."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])
