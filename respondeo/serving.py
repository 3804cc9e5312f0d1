"""How gunicorn serves Respondeo: in `flask serve`, in the benchmarks, and for `gunicorn wsgi:app`.

One source for all three: gunicorn.conf.py takes its settings from here. The reasons are in
docs/decisions/serving.md.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import importlib
import os
import resource
import shutil
import signal
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from respondeo import logs, precompress
from respondeo.config import Settings
from respondeo.worker import PatientWorker, leave, spread

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
PREFIX = "respondeo-metrics-"
MEMORY = Path("/dev/shm")  # noqa: S108 - folders of our own are made in it

KEEPALIVE_S = 75
MOST_FILES = 10_000
FREE_FILES = 200
"""What a worker opens besides connections of clients: the database's, static files, logs."""
GRACE_S = 30
STUCK_S = 30


class Server(BaseApplication):
    """gunicorn with our settings.

    The workers are forked with the application as it stands here: that starts them at once, and
    they use the embedded server that this process holds.
    """

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in gunicorn_settings(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:  # gunicorn's types know no Flask
        return self._app


def gunicorn_settings(settings: Settings) -> dict[str, Any]:
    """How gunicorn serves Respondeo."""
    host, port = address(settings)
    quiet = settings.app_env != "production"
    return {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "worker_class": PatientWorker,
        "workers": settings.web_concurrency,
        "threads": settings.web_threads,
        "worker_connections": _most_files() - FREE_FILES,
        # A worker is replaced after about so many requests, no two at the same moment.
        "max_requests": settings.web_max_requests,
        "max_requests_jitter": settings.web_max_requests // 10,
        # A worker that shows no sign of life for so long is replaced.
        "timeout": STUCK_S,
        # Longer than any statement or wait for a lock that a request may have.
        "graceful_timeout": GRACE_S,
        # Longer than proxies keep a connection that nobody uses (60 seconds): who closes it first
        # must be the proxy, or a request is on its way while we close.
        "keepalive": KEEPALIVE_S,
        "preload_app": True,
        # Workers say that they live by touching a file: never on a disk that may stall.
        "worker_tmp_dir": str(MEMORY) if os.access(MEMORY, os.W_OK) else None,
        "control_socket_disable": True,
        # APP_URL decides the scheme, and respondeo/security.py who is a proxy: never gunicorn.
        "secure_scheme_headers": {},
        "forwarded_allow_ips": "",
        "forwarder_headers": "",
        "accesslog": None,  # respondeo/observing.py has a line for each request
        "logger_class": logs.GunicornLog,
        "loglevel": "error" if quiet else settings.log_level.lower(),
        "on_starting": _prepare,
        "when_ready": _stop_with_the_terminal if quiet else _nothing,
        "pre_request": spread,
        "pre_fork": _give_place,
        "post_fork": _start_afresh,
        "post_worker_init": _announcer(settings),
        "child_exit": _take_place_back,
        "on_exit": _remove_metrics,
    }


def _most_files() -> int:
    """How many files a worker may have open: what the system allows at most, not what it begins
    with, which is 1,024 in many places."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_FILES if most == resource.RLIM_INFINITY else min(MOST_FILES, most)


def address(settings: Settings) -> tuple[str, int]:
    """Where to listen: everywhere in production unless told, else on this machine only."""
    host = "0.0.0.0" if settings.app_env == "production" else "127.0.0.1"  # noqa: S104 - meant
    return settings.web_host or host, settings.port


def is_handed_a_socket() -> bool:
    """Whether systemd listens for us, and hands its socket over when we start."""
    return os.environ.get("LISTEN_PID") == str(os.getpid())


# -- the folder of the metrics ---------------------------------------------------------------------


_made: Path | None = None


def share_metrics() -> None:
    """Make the folder in which workers add up their metrics; before anything is counted.

    It is held by a lock while a process of this server lives, so that the next start removes what
    a killed one left. The same process makes it once: a reload comes here again.
    """
    global _made  # noqa: PLW0603 - one process is one server
    if _made is not None:
        return
    base = Path(os.environ.get("RUNTIME_DIRECTORY") or _fast_folder())
    for old in base.glob(f"{PREFIX}*"):
        if old.is_dir() and (held := _hold(old)) is not None:
            shutil.rmtree(old, ignore_errors=True)
            os.close(held)
    # Held before it has its name: who starts at the same moment must not take it for left over.
    made = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=base))
    _hold(made)
    _made = made.rename(base / made.name.removeprefix("."))
    os.environ[METRICS_FOLDER] = str(_made)
    # Now, not in each worker anew: a worker should be ready soon.
    importlib.import_module("respondeo.metrics")


def _fast_folder() -> str:
    return str(MEMORY) if os.access(MEMORY, os.W_OK) else tempfile.gettempdir()


def _hold(folder: Path) -> int | None:
    """Hold the folder, for this process and those it forks. None where another one does, or where
    it is another user's."""
    try:
        held = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        return None
    return held


def _remove_metrics(_server: Arbiter) -> None:
    if _made is not None:
        shutil.rmtree(_made, ignore_errors=True)


# -- a worker's life -------------------------------------------------------------------------------

_places: dict[int, Worker] = {}


def _give_place(_server: Arbiter, worker: Worker) -> None:
    """The lowest place that is free: one that follows another goes on with its counts.

    What this process held of connections while it prepared, it holds no more. What else it holds
    stays for good, so no worker looks through it for garbage: that would stop all of its threads
    for a fifth of a second, time and again, and make it copy what it shares with the others.
    """
    from respondeo import metrics

    gc.freeze()

    metrics.forget_live(metrics.MAIN)
    place = next(number for number in range(len(_places) + 1) if number not in _places)
    _places[place] = worker


def _place_of(worker: Worker) -> int:
    return next(place for place, one in _places.items() if one is worker)


def _start_afresh(_server: Arbiter, worker: PatientWorker) -> None:
    """Share nothing with the process this one was forked from: no connection, no place in the
    metrics.
    """
    from respondeo import metrics
    from respondeo.db import forget_connections

    place = _place_of(worker)
    metrics.become(str(place))
    worker.take_place(place)
    forget_connections()


def _take_place_back(_server: Arbiter, worker: Worker) -> None:
    from respondeo import metrics

    with suppress(StopIteration):
        place = _place_of(worker)
        metrics.forget_live(str(place))
        leave(place)
        del _places[place]


_ENDING = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})


def _prepare(_server: Arbiter) -> None:
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, _most_files()), most))
    _share_one_heap()
    _lose_no_signal()


_M_ARENA_MAX = -8  # malloc.h


def _share_one_heap() -> None:
    """Threads allocate memory in one place.

    glibc gives each a place of its own, where what one has kept and another let go leaves holes.
    Other C libraries have nothing to set, and need nothing.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _lose_no_signal() -> None:
    """A worker that is told to stop before it knows how, stops: the way of taking signals that it
    has from the process it is forked from would swallow them.
    """
    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING),
        after_in_child=_take_signals_as_usual,
    )


def _take_signals_as_usual() -> None:
    for sign in _ENDING:
        signal.signal(sign, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


def _stop_with_the_terminal(server: Arbiter) -> None:
    """A closed terminal ends the demo; gunicorn would reload and stay."""
    signal.signal(signal.SIGHUP, lambda *_: server.signal(signal.SIGTERM, None))


def _nothing(server: Arbiter) -> None:
    """In production a hang-up reloads the workers, as everywhere with gunicorn."""


def _announcer(settings: Settings) -> Callable[[Worker], None]:
    """Says that we run when the first worker does: not before it is true."""

    def announce(worker: Worker) -> None:
        if worker.age != 1:
            return
        if settings.app_env == "production":
            if not precompress.is_complete(precompress.STATIC):
                structlog.get_logger().warning("static files uncompressed", mend=_COMPRESS)
            structlog.get_logger().info("running", address=settings.app_url)
        else:
            click.echo(f"\nRespondeo is running at {settings.app_url}\n{_NEXT[settings.app_env]}\n")

    return announce


_COMPRESS = "python -m respondeo.precompress, as the owner of the files; then restart"
_NEXT = {
    "demo": "Open it, choose “Sign in” and pick a demo person. Stop with Ctrl-C; your data stays in"
    " instance/.",
    "development": "Stop with Ctrl-C; your data stays in instance/.",
}
