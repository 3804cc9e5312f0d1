"""What Prometheus reads at `/metrics`; docs/monitoring.md explains each of them.

The workers of one server write to files in a folder that they share (respondeo/serving.py makes
it), and whichever is asked adds them up. Import this late: whether there is a folder is decided
when it is first imported.
"""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    values,
)

FOLDER = "PROMETHEUS_MULTIPROC_DIR"

MAIN = "main"  # the process that forks the workers, or the only one
_process = MAIN


def _which() -> str:
    return _process


if FOLDER in os.environ:
    of_this_process = values.MultiProcessValue(process_identifier=_which)  # type: ignore[no-untyped-call]
    values.ValueClass = of_this_process

disable_created_metrics()  # type: ignore[no-untyped-call]  # one process would tell more than many
registry = CollectorRegistry()

REQUESTS = Counter(
    "respondeo_requests", "Requests answered.", ["method", "route", "status"], registry=registry
)
SECONDS = Histogram(
    "respondeo_request_seconds",
    "How long requests took until their answer began.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=registry,
)
CONNECTIONS = Gauge(
    "respondeo_connections_in_use",
    "Database connections that requests are using.",
    multiprocess_mode="livesum",
    registry=registry,
)
CONNECTIONS_MOST = Gauge(
    "respondeo_connections_most",
    "Database connections that the running workers may use together.",
    multiprocess_mode="livesum",
    registry=registry,
)
WAITING = Gauge(
    "respondeo_connections_waiting",
    "Threads that wait for a database connection.",
    multiprocess_mode="livesum",
    registry=registry,
)
LIMIT_FAILURES = Counter(
    "respondeo_rate_limit_store_failures",
    "Requests whose rate limit could not be counted in the store.",
    registry=registry,
)


def become(process: str) -> None:
    """Write as this process from now on: to be called in a worker that was just forked."""
    global _process  # noqa: PLW0603 - one process is one worker
    _process = process
    if FOLDER in os.environ:  # something that tidies up may have taken it away
        Path(os.environ[FOLDER]).mkdir(mode=0o700, exist_ok=True)


def forget_live(process: str) -> None:
    """A worker has ended: what it held it holds no more; what it counted stays."""
    if FOLDER in os.environ:
        for file in Path(os.environ[FOLDER]).glob(f"gauge_live*_{process}.db"):
            file.unlink(missing_ok=True)
