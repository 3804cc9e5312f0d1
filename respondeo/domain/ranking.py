"""The order of a board, and ties.

More right answers first, then less time; equal score and time share a rank (1, 2, 2, 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar


class Scored(Protocol):
    """Whatever has a place on a board."""

    @property
    def score(self) -> int: ...
    @property
    def time_ms(self) -> int: ...


S = TypeVar("S", bound=Scored)


def ranked(rows: Iterable[S], *, first_rank: int = 1, before: int = 0) -> Iterator[tuple[int, S]]:
    """Number rows that are already in board order.

    first_rank: the rank of the first row (it may share it with rows of an earlier page).
    before: how many rows of the board stand before the first one given.
    """
    rank, last = first_rank, None
    for place, row in enumerate(rows, start=before + 1):
        key = (row.score, row.time_ms)
        if last is not None and key != last:
            rank = place
        last = key
        yield rank, row
