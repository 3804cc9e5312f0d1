"""Rate limits counted in PostgreSQL, so that they hold across workers and hosts.

A storage for the `limits` library (its `Storage` interface): one upsert on an unlogged table, on
connections of its own that commit at once, for 200 ms at most. Where the store is away,
Flask-Limiter counts in this process's memory, and requests with an API key pass uncounted.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, cast
from uuid import UUID

import sqlalchemy as sa
import structlog
from flask import current_app
from limits.storage import Storage
from sqlalchemy.dialects.postgresql import insert

from respondeo.db import forget_after_fork
from respondeo.models import RateLimit

SCHEME = "respondeo+postgresql"
PATIENCE_MS = 200
# Counting one key is one row, and who waits for its lock waits in the database, where patience is
# short. So a process sends few statements at once, and its other threads queue here for longer:
# with many requests at once on a key, none is taken for uncountable because it stood in a queue.
CONNECTIONS = 2
QUEUE_S = 2
FORGOTTEN_AT_ONCE = 20
KEY_WINDOW_S = 60

_engines: dict[str, sa.Engine] = {}


class Counter(Protocol):
    """What an application counts in: a storage of `limits` that tells also when a window ends."""

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        """What is raised where the store is away."""

    def count(self, key: str, expiry: int, amount: int = 1) -> tuple[int, float]:
        """Count `amount` more; returns the count and when the window ends, in Unix seconds."""


@dataclass(frozen=True)
class Counted:
    """One request of an API key, counted. `resets_at` is in Unix seconds, rounded up."""

    limit: int
    remaining: int
    resets_at: int
    passes: bool


def count_key(key_id: UUID, requests_per_minute: int) -> Counted | None:
    """Count one request of an API key. None where the store is away: the request then passes."""
    counter = cast("Counter", current_app.extensions["key_limits"])
    try:
        hits, ends = counter.count(f"api-key/{key_id}", KEY_WINDOW_S)
    except counter.base_exceptions as error:
        # Its class and no more: what it says may quote the address and its password.
        structlog.get_logger().warning("rate limit store away", error=type(error).__name__)
        return None
    return Counted(
        limit=requests_per_minute,
        remaining=max(0, requests_per_minute - hits),
        resets_at=math.ceil(ends),
        passes=hits <= requests_per_minute,
    )


def network_of(address: str | None) -> str:
    """Who counts as one: an IPv4 address, or the /64 that one IPv6 household has."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:  # a server on a Unix socket knows no address
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


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
    """Connections to the same database that commit at once and wait for nothing."""
    connect_args: dict[str, Any] = {"connect_timeout": 2, "application_name": "respondeo limits"}
    if pooled:
        connect_args["prepare_threshold"] = None
    counters = sa.create_engine(
        engine.url,
        isolation_level="AUTOCOMMIT",
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=max(QUEUE_S, PATIENCE_MS / 1000),
        connect_args=connect_args,
    )
    forget_after_fork(counters)
    if not pooled:
        _limit_waiting(counters)
    return counters


def _limit_waiting(counters: sa.Engine) -> None:

    @sa.event.listens_for(counters, "connect")
    def be_quick(connection: Any, _record: Any) -> None:
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
        """The same, in one round trip; returns also when the window ends, in Unix seconds."""
        now = sa.func.clock_timestamp()
        ended = RateLimit.expires_at <= now
        ends = now + timedelta(seconds=expiry)
        counted = (
            insert(RateLimit)
            .values(key=key, hits=amount, expires_at=ends)
            .on_conflict_do_update(
                index_elements=[RateLimit.key],
                set_={
                    "hits": sa.case((ended, amount), else_=RateLimit.hits + amount),
                    "expires_at": sa.case((ended, ends), else_=RateLimit.expires_at),
                },
            )
            .returning(RateLimit.hits, RateLimit.expires_at)
        )
        with self.engine.connect() as connection:
            hits, expires_at = connection.execute(counted).one()
            if hits == amount:  # a new window: a good moment to forget some old ones
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
