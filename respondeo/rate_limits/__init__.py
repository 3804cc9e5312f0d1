"""Rate limits that hold across workers and hosts: counting the requests of keys, naming who counts.

Counts are in PostgreSQL (`postgres`), or in Valkey where its address is set (`valkey`). Both are
storages for the `limits` library, so Flask-Limiter counts sign-ins and guests in the same place;
where that is away, it counts in this process's memory. See docs/decisions/rate-limits.md.
"""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from typing import Protocol, cast
from uuid import UUID

import structlog
from flask import current_app
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from respondeo import database_trouble
from respondeo.db import abandon

KEY_WINDOW_S = 60


class Counter(Protocol):
    """What an application counts in: a storage of `limits` that tells also when a window ends."""

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        """What is raised where nothing could be counted."""

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
    """Count one request of an API key. None where the store is away: the request then passes.

    It ends the session's transaction first. A store that is only busy lets nobody pass uncounted:
    raises DBAPIError or the pool's TimeoutError, as any statement that waits for too long, and the
    answer is 503.
    """
    make_room_to_count()
    counter = cast("Counter", current_app.extensions["key_limits"])
    try:
        hits, ends = counter.count(f"api-key/{key_id}", KEY_WINDOW_S)
    except counter.base_exceptions as error:
        if _is_busy(error):
            raise
        # Its class and no more: what it says may quote the address and its password.
        structlog.get_logger().warning("rate limit store away", error=type(error).__name__)
        return None
    return Counted(
        limit=requests_per_minute,
        remaining=max(0, requests_per_minute - hits),
        resets_at=math.ceil(ends),
        passes=hits <= requests_per_minute,
    )


def make_room_to_count() -> None:
    """Give back the connection that told who asks: counting takes another one.

    Behind a pooler both come from one pool. Requests that kept the first would all wait for the
    second, and none of them would get it.
    """
    abandon()


def _is_busy(error: Exception) -> bool:
    if not isinstance(error, DBAPIError | PoolTimeout):
        return False
    return database_trouble.explain(error) is database_trouble.BUSY


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
