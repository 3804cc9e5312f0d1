"""Whether a pooler stands between us and the server, and in which mode.

A server tells its process when one connects (libpq's backend pid) and when one asks
(`pg_backend_pid()`); a pooler invents the first. Where two open clients are served by one process,
a client does not keep its own: the pooler is in transaction mode (or statement mode, a worse one).
A pooler that has no process to give lets its clients wait: nobody is waited for long.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from contextlib import closing
from enum import StrEnum
from functools import partial

import psycopg
from click import ClickException
from psycopg import errors as pg
from psycopg import pq

from respondeo.connection_string import ConnectionString, Row
from respondeo.db import CONNECT_TIMEOUT_S

PATIENCE_S = 5
ROUNDS = 5  # others use the pooler too: their server process may be the free one, once or twice

Connection = psycopg.Connection[Row]


class Pooler(StrEnum):
    """What stands in between."""

    NONE = "none"
    SESSION = "session"
    TRANSACTION = "transaction"


class PooledError(ClickException):
    """What is to be done needs a session of its own, and would not have one."""

    def __init__(self) -> None:
        super().__init__(
            "This cannot go through a pooler in transaction mode: no lock would hold. Set"
            " DATABASE_DIRECT_URL to the server itself. `flask db doctor` says more."
        )


def refuse(string: ConnectionString) -> None:
    """Raises PooledError where a string leads through a transaction pooler, or psycopg.Error."""
    if string.pooled:
        raise PooledError
    connect = partial(string.connect, connect_timeout=str(CONNECT_TIMEOUT_S))
    with closing(connect()) as connection:
        if between(connection, connect) is Pooler.TRANSACTION:
            raise PooledError


def between(connection: Connection, connect: Callable[[], Connection]) -> Pooler:
    """What `connection` goes through; `connect` opens a second one. Raises psycopg.Error."""
    own = serving(connection)
    if own == connection.info.backend_pid:
        return Pooler.NONE
    try:
        with closing(connect()) as second:
            shared = any(serving(second) == serving(connection) for _ in range(ROUNDS))
    except pg.ConnectionTimeout:
        # The second one is kept waiting: where each keeps its own process, the first still has it.
        shared = serving(connection) != own
    return Pooler.TRANSACTION if shared else Pooler.SESSION


def serving(connection: Connection) -> int:
    """The server process that answers this connection now. Raises psycopg.Error."""
    asked = connection.pgconn
    asked.send_query(b"SELECT pg_backend_pid()")
    asked.flush()
    end = time.monotonic() + PATIENCE_S
    answer = None
    while True:
        while asked.is_busy():
            _await(asked.socket, end - time.monotonic())
            asked.consume_input()
        result = asked.get_result()
        if result is None:
            break
        answer = result
    if answer is None or answer.status != pq.ExecStatus.TUPLES_OK:
        raise pg.OperationalError(asked.get_error_message())
    return int(answer.get_value(0, 0) or 0)


def _await(socket: int, seconds: float) -> None:
    readable = select.poll()
    readable.register(socket, select.POLLIN)
    if not readable.poll(max(0, seconds) * 1000):
        raise pg.ConnectionTimeout(
            f"nothing answered within {PATIENCE_S} s: a pooler in between may have no more"
            " connections"
        )
