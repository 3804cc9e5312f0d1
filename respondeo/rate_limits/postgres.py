"""Rate limits counted in PostgreSQL: one upsert on an unlogged table, committed at once.

A count that waits for others waits for long enough to be exact, on connections of its own. A pooler
may give those from the same few as all others: see `rate_limits.make_room_to_count`.
"""

from __future__ import annotations

import hashlib
import math
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

import psycopg
import sqlalchemy as sa
from limits.storage import Storage
from sqlalchemy.dialects.postgresql import insert

from respondeo import database_trouble
from respondeo.db import forget_after_fork
from respondeo.models import RateLimit
from respondeo.pool import leave_dead_connections
from respondeo.rate_limits import failures

SCHEME = "respondeo+postgresql"
# Counting takes a millisecond, and all who count one key stand in one line for its row. So a
# process sends few statements at once, and its other threads queue here. Either may take as long
# as a request may wait for a connection.
PATIENCE_MS = 5_000
CONNECTIONS = 2
GIVEN_UP_S = 1
FORGOTTEN_AT_ONCE = 20

_engines: dict[str, sa.Engine] = {}


def share_engine(engine: sa.Engine, *, pooled: bool = False) -> str:
    """The storage URI for counters in this engine's database.

    pooled: a transaction pooler stands in between, so that a session must not be changed.
    """
    address = engine.url.render_as_string(hide_password=False)
    uri = f"{SCHEME}://{hashlib.sha256(address.encode()).hexdigest()}"
    if uri not in _engines:
        _engines[uri] = _counting(engine, pooled=pooled)
    return uri


def _counting(engine: sa.Engine, *, pooled: bool) -> sa.Engine:
    """Connections to the same database that commit at once and wait for PATIENCE_MS at most."""
    connect_args: dict[str, Any] = {"connect_timeout": 2, "application_name": "respondeo limits"}
    if pooled:
        connect_args["prepare_threshold"] = None
    counters = sa.create_engine(
        engine.url,
        isolation_level="AUTOCOMMIT",
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=PATIENCE_MS / 1000,
        connect_args=connect_args,
    )
    forget_after_fork(counters)
    leave_dead_connections(counters)  # one that was closed while it lay idle is no store away
    _give_up_together(counters)
    if not pooled:
        _limit_waiting(counters)
    return counters


def _give_up_together(counters: sa.Engine) -> None:
    """Where one has just waited in vain, those who queue behind it do not, one after the other: the
    request still has to wait for the connection that it asks by."""
    gone = -math.inf

    def is_given_up() -> bool:
        return time.monotonic() - gone < GIVEN_UP_S

    @sa.event.listens_for(counters, "handle_error")
    def give_up(context: sa.ExceptionContext) -> None:
        nonlocal gone
        error = context.sqlalchemy_exception
        if is_given_up() or not isinstance(error, sa.exc.DBAPIError):
            return
        if database_trouble.explain(error) is database_trouble.AWAY:
            gone = time.monotonic()

    @sa.event.listens_for(counters, "do_connect")
    def refuse(*_: Any) -> None:
        if is_given_up():
            raise psycopg.OperationalError("It was away a moment ago.")


def _limit_waiting(counters: sa.Engine) -> None:

    @sa.event.listens_for(counters, "connect")
    def be_patient_but_not_for_ever(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        connection.execute(f"SET statement_timeout = {PATIENCE_MS}")


class PostgresStorage(Storage):
    """Fixed windows, one row a counter."""

    STORAGE_SCHEME = [SCHEME]

    def __init__(self, uri: str, wrap_exceptions: bool = False, **_: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self.engine = _engines[uri]

    @property
    def base_exceptions(self) -> type[Exception]:
        return sa.exc.SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount` more in the window of `expiry` seconds; returns the count."""
        return self.count(key, expiry, amount)[0]

    def count(self, key: str, expiry: int, amount: int = 1) -> tuple[int, float]:
        """The same, in one statement; returns also when the window ends, in Unix seconds."""
        with failures.told(self.base_exceptions), self.engine.connect() as connection:
            values = {
                "key": key,
                "amount": amount,
                "window": timedelta(seconds=expiry),
                "patience": str(PATIENCE_MS),
            }
            hits, expires_at = connection.execute(_COUNTED, values).one()
            if hits == amount:  # a new window: a good moment to forget some old ones
                with suppress(sa.exc.SQLAlchemyError):
                    self._forget_some(connection)
        return hits, expires_at.timestamp()

    def get(self, key: str) -> int:
        """The count in the running window, 0 where there is none."""
        running = RateLimit.expires_at > sa.func.clock_timestamp()
        with self.engine.connect() as connection:
            return (
                connection.scalar(sa.select(RateLimit.hits).where(RateLimit.key == key, running))
                or 0
            )

    def get_expiry(self, key: str) -> float:
        """When the window ends, in Unix seconds."""
        with self.engine.connect() as connection:
            ends = connection.scalar(sa.select(RateLimit.expires_at).where(RateLimit.key == key))
            ends = ends or connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return math.ceil(ends.timestamp())

    def check(self) -> bool:
        """Whether the database answers."""
        try:
            with self.engine.connect() as connection:
                connection.execute(sa.select(1))
        except sa.exc.SQLAlchemyError:
            return False
        return True

    def reset(self) -> int:
        """Forget all counts; returns how many."""
        with self.engine.connect() as connection:
            return connection.execute(sa.delete(RateLimit)).rowcount

    def clear(self, key: str) -> None:
        """Forget one count."""
        with self.engine.connect() as connection:
            connection.execute(sa.delete(RateLimit).where(RateLimit.key == key))

    def _forget_some(self, connection: sa.Connection) -> None:
        old = (
            sa.select(RateLimit.key)
            .where(RateLimit.expires_at < sa.func.clock_timestamp())
            .limit(FORGOTTEN_AT_ONCE)
            .with_for_update(skip_locked=True)
            .cte("old")
        )
        connection.execute(sa.delete(RateLimit).where(RateLimit.key.in_(sa.select(old.c.key))))


def _counted() -> sa.Executable:
    """The statement that counts.

    It says itself how long it may wait for the row, for its own transaction alone: a transaction
    pooler's session must not be changed, and another round trip would hold the row for longer.
    """
    now = sa.func.clock_timestamp()
    amount = sa.bindparam("amount", type_=sa.Integer())
    ended = RateLimit.expires_at <= now
    ends = now + sa.bindparam("window", type_=sa.Interval())
    wait = sa.bindparam("patience", type_=sa.Text())
    patience = sa.select(sa.func.set_config("lock_timeout", wait, True)).cte("waiting")
    first = sa.select(sa.bindparam("key", type_=sa.Text()), amount, ends).select_from(patience)
    return (
        insert(RateLimit)
        .from_select(["key", "hits", "expires_at"], first)
        .on_conflict_do_update(
            index_elements=[RateLimit.key],
            set_={
                "hits": sa.case((ended, amount), else_=RateLimit.hits + amount),
                "expires_at": sa.case((ended, ends), else_=RateLimit.expires_at),
            },
        )
        .returning(RateLimit.hits, RateLimit.expires_at)
    )


_COUNTED = _counted()  # once: what it says is always the same
