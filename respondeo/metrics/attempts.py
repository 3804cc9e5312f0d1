"""How many attempts are open and completed, and everything together as Prometheus reads it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from respondeo.metrics import FOLDER, registry
from respondeo.models import QuizAttempt, QuizBoard

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
REMEMBERED_S = 10  # so often at most the database is asked, by each worker
PATIENCE = "2s"


class Attempts(Collector):
    """How many attempts are open and completed, from the database: the same for every worker."""

    def __init__(self, engine: sa.Engine) -> None:
        # Not from the pool: just when all of its connections are in use, one looks here.
        self.engine = sa.create_engine(engine.url, poolclass=sa.NullPool)
        self._lock = threading.Lock()
        self._until = 0.0
        self._found: tuple[int, int] | None = None

    def collect(self) -> Iterator[Metric]:
        found = self._counts()
        yield GaugeMetricFamily(
            "respondeo_database_up", "Whether the database answers.", found is not None
        )
        if found is not None:
            yield GaugeMetricFamily("respondeo_attempts_open", "Attempts being played.", found[0])
            yield GaugeMetricFamily(
                "respondeo_attempts_completed",
                "Completed attempts of signed-in people that are kept.",
                found[1],
            )

    def _counts(self) -> tuple[int, int] | None:
        with self._lock:
            if time.monotonic() >= self._until:
                self._found = count_attempts(self.engine)
                self._until = time.monotonic() + REMEMBERED_S
            return self._found


def count_attempts(engine: sa.Engine) -> tuple[int, int] | None:
    """Open and completed attempts, or None where the database is away.

    The open ones are in an index of their own, and the completed ones are counted once a quiz.
    """
    open_ = sa.select(sa.func.count()).where(
        QuizAttempt.completed_at.is_(None), QuizAttempt.deadline_at > sa.func.clock_timestamp()
    )
    completed = sa.select(sa.func.coalesce(sa.func.sum(QuizBoard.plays), 0))
    try:
        with engine.begin() as connection:
            connection.execute(sa.text(f"SET LOCAL statement_timeout = '{PATIENCE}'"))
            counted = connection.execute(
                sa.select(open_.scalar_subquery(), completed.scalar_subquery())
            ).one()
    except SQLAlchemyError:
        return None
    return int(counted[0]), int(counted[1])


_of: WeakKeyDictionary[sa.Engine, Attempts] = WeakKeyDictionary()


def exposition(engine: sa.Engine) -> bytes:
    """All of it as Prometheus reads it, over all workers."""
    asked = CollectorRegistry()
    asked.register(_of.setdefault(engine, Attempts(engine)))
    if FOLDER in os.environ:
        MultiProcessCollector(asked)  # type: ignore[no-untyped-call]
        return generate_latest(asked)
    return generate_latest(asked) + generate_latest(registry)
