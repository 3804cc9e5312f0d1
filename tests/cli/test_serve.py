"""`flask serve` as a person meets it: it says where it runs, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from respondeo.database_trouble import AWAY
from respondeo.serving import GRACE_S
from tests.conftest import run_on_server, url_of
from tests.ports import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """An empty database: `flask serve` brings it up to date."""
    name = f"serve_{os.getpid()}"
    run_on_server(f"CREATE DATABASE {name}")
    yield url_of(name, turned=False)
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def port() -> int:
    return free_port()


class Served:
    """A running `flask serve`, in a session of its own as from a terminal."""

    def __init__(self, database: str, port: int, **settings: str) -> None:
        self.port = port
        self._started = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "serve"],
            cwd=ROOT,
            env=environment(database, port) | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self._started.stdout is not None
        self.said = ""
        while "Stop with Ctrl-C" not in self.said:
            line = self._started.stdout.readline()
            assert line, self.said
            self.said += line
        wait_for(lambda: len(self.workers()) == 2)

    @property
    def pid(self) -> int:
        return self._started.pid

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self._started.pid).children()

    def answers(self) -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)

    def end(self, sign: signal.Signals, *, everybody: bool) -> int:
        """Send a signal, as a terminal does to everybody or a script to one. The exit code."""
        workers = self.workers()
        if everybody:
            os.killpg(self._started.pid, sign)
        else:
            self._started.send_signal(sign)
        code = self._started.wait(60)
        wait_for(lambda: not any(is_alive(worker) for worker in workers))
        assert self._started.stdout is not None
        self.said += self._started.stdout.read()
        self._started.stdout.close()
        return code


def environment(database: str, port: int) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "APP_ENV": "development",
        "SECRET_KEY": "of the test, long enough: 0123456789",
        "DATABASE_URL": database,
        "PORT": str(port),
    }


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def refused(database: str, port: int, *words: str) -> str:
    """What `flask serve` says when it does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "serve", *words],
        cwd=ROOT,
        env=environment(database, port),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("sign", "everybody"),
    [(signal.SIGINT, True), (signal.SIGHUP, True), (signal.SIGTERM, False)],
    ids=["Ctrl-C", "closed terminal", "kill"],
)
def test_it_serves_until_told_to_stop_and_leaves_no_process(
    database: str, port: int, sign: signal.Signals, everybody: bool
) -> None:
    served = Served(database, port)
    assert f"Respondeo is running at http://127.0.0.1:{port}" in served.said
    assert served.answers()
    began = time.monotonic()
    assert served.end(sign, everybody=everybody) == 0
    # Nothing was under way: no worker had to be waited for, also none that was just starting.
    assert time.monotonic() - began < GRACE_S
    assert "Traceback" not in served.said
    with socket.socket() as again:
        assert again.connect_ex(("127.0.0.1", port)) != 0


def test_workers_of_a_killed_master_end_and_the_next_start_works(database: str, port: int) -> None:
    assert Served(database, port).end(signal.SIGKILL, everybody=False) == -signal.SIGKILL
    served = Served(database, port)
    assert served.answers()
    served.end(signal.SIGINT, everybody=True)


def test_a_killed_worker_is_replaced(database: str, port: int) -> None:
    served = Served(database, port)
    victim = served.workers()[0]
    victim.kill()
    wait_for(lambda: len(served.workers()) == 2 and not is_alive(victim))
    assert served.answers()
    served.end(signal.SIGINT, everybody=True)


def test_a_port_in_use_says_how_to_take_another(database: str, port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        said = refused(database, port)
    assert f"Port {port} cannot be used" in said
    assert f"PORT={port + 1}" in said


def test_a_database_that_is_away_is_named_without_a_traceback(port: int) -> None:
    said = refused("postgresql://quiz_app:hushhush@127.0.0.1:1/quiz_app", port)
    assert AWAY.sentence in said
    assert "flask db doctor" in said
    assert "hushhush" not in said


def test_the_demo_content_is_only_loaded_in_the_demo(database: str, port: int) -> None:
    assert "make demo" in refused(database, port, "--demo")
