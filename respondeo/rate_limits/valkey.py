"""Rate limits counted in Valkey or Redis: one script, one round trip, and nobody waits for long."""

from __future__ import annotations

import hashlib
import math
from typing import Any, cast

from limits.storage import Storage
from redis import BlockingConnectionPool, Redis, RedisError

from respondeo.rate_limits import failures

SCHEME = "respondeo+valkey"
PREFIX = "respondeo/"
# A count takes the server microseconds. Who waits for longer than this takes it for away and passes
# uncounted, so it is long enough for a machine with far too much to do.
ANSWER_S = 1
QUEUE_S = 2  # for a connection of this process; only where there are more threads than were said

# A window's end is kept beside its count, so that all who are told it are told the same.
COUNT = """
local hits = redis.call('HINCRBY', KEYS[1], 'hits', ARGV[1])
local ends = redis.call('HGET', KEYS[1], 'ends')
if not ends then
  local now = redis.call('TIME')
  ends = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000) + ARGV[2])
  redis.call('HSET', KEYS[1], 'ends', ends)
  redis.call('PEXPIREAT', KEYS[1], ends)
end
return {hits, ends}
"""

_servers: dict[str, Redis] = {}


def share_server(address: str, *, threads: int) -> str:
    """The storage URI for counters at this address (`valkey_url.checked`). Connects to nothing.

    threads: how many count at once; none of them queues behind one that waits in vain.
    """
    uri = f"{SCHEME}://{hashlib.sha256(address.encode()).hexdigest()}"
    if uri not in _servers:
        _servers[uri] = _client(address, threads)
    return uri


def _client(address: str, threads: int) -> Redis:
    """Given no retries, a pool makes connections that try once."""
    pool = BlockingConnectionPool.from_url(
        address,
        max_connections=threads,
        timeout=QUEUE_S,
        socket_timeout=ANSWER_S,
        socket_connect_timeout=ANSWER_S,
        protocol=2,
        driver_info=None,
    )
    return Redis(connection_pool=pool)


class ValkeyStorage(Storage):
    """Fixed windows, one hash a counter, which the server forgets when its window ends."""

    STORAGE_SCHEME = [SCHEME]

    def __init__(self, uri: str, wrap_exceptions: bool = False, **_: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self.server = _servers[uri]
        self._count = self.server.register_script(COUNT)

    @property
    def base_exceptions(self) -> type[Exception]:
        return RedisError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount` more in the window of `expiry` seconds; returns the count."""
        return self.count(key, expiry, amount)[0]

    def count(self, key: str, expiry: int, amount: int = 1) -> tuple[int, float]:
        """The same, in one round trip; returns also when the window ends, in Unix seconds."""
        with failures.told(self.base_exceptions):
            hits, ends = self._count(keys=[PREFIX + key], args=[amount, expiry * 1000])
        return int(hits), int(ends) / 1000

    def get(self, key: str) -> int:
        """The count in the running window, 0 where there is none."""
        return int(cast("bytes | None", self.server.hget(PREFIX + key, "hits")) or 0)

    def get_expiry(self, key: str) -> float:
        """When the window ends, in Unix seconds."""
        ends = cast("bytes | None", self.server.hget(PREFIX + key, "ends"))
        if ends is None:
            return self.server.time()[0]
        return math.ceil(int(ends) / 1000)

    def check(self) -> bool:
        """Whether the server answers."""
        try:
            return bool(self.server.ping())
        except RedisError:
            return False

    def reset(self) -> int:
        """Forget all counts; returns how many."""
        keys = list(self.server.scan_iter(f"{PREFIX}*"))
        return int(self.server.delete(*keys)) if keys else 0

    def clear(self, key: str) -> None:
        """Forget one count."""
        self.server.delete(PREFIX + key)
