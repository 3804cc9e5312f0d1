"""What a process keeps so as not to do it again: only what can never be stale.

A key names one state of what was made for good: a version's id, a board's revision. What may change
is read at each request, and leads to another key. A hint may be stale where it decides only what is
asked first, never what is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from cachetools import LRUCache

T = TypeVar("T")


def _one(_value: object) -> int:
    return 1


class Kept(Generic[T]):
    """The values used last, up to `most` of them together; one too large for that is not kept.

    size: what a value takes of `most`; without it, how many values.
    """

    def __init__(self, most: int, size: Callable[[T], int] = _one) -> None:
        self._values: LRUCache[Hashable, T] = LRUCache(most, getsizeof=size)
        self._lock = Lock()

    def get(self, key: Hashable) -> T | None:
        """The value of this key, None where it is not kept."""
        with self._lock:
            try:
                return self._values[key]
            except KeyError:
                return None

    def put(self, key: Hashable, value: T) -> T:
        """Keep the value, and return it."""
        with self._lock:
            self._keep(key, value)
        return value

    def made(self, key: Hashable | None, make: Callable[[], T]) -> T:
        """The value of this key, made where it is not kept. None names nothing.

        Of two that are made at once all get the one that was there first.
        """
        if key is None:
            return make()
        found = self.get(key)
        if found is not None:
            return found
        value = make()
        with self._lock:
            if key in self._values:
                return self._values[key]
            self._keep(key, value)
        return value

    def _keep(self, key: Hashable, value: T) -> None:
        if self._values.getsizeof(value) <= self._values.maxsize:
            self._values[key] = value
