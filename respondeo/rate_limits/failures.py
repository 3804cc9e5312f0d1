"""Counting what could not be counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def told(kinds: type[Exception] | tuple[type[Exception], ...]) -> Iterator[None]:
    """Where the store fails with one of these, the metrics say so."""
    try:
        yield
    except kinds:
        from respondeo import metrics

        metrics.LIMIT_FAILURES.inc()
        raise
