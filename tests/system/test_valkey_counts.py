"""Rate limits counted in Valkey: exactly, together, and with nobody held up while it is away."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from uuid import UUID

import psutil
import pytest
import sqlalchemy as sa
from flask import Flask
from structlog.testing import capture_logs

from respondeo.db import db
from respondeo.models import RateLimit
from respondeo.rate_limits import Counted, count_key
from respondeo.rate_limits.valkey import ValkeyStorage
from tests.client import Client
from tests.conftest import TEMPLATE, run_on_server, url_of
from tests.races.conftest import World
from tests.races.limits import SESSION, ask_300_times, exactly_100_passed, program
from tests.races.serving import Server, until
from tests.system.conftest import MakeApp
from tests.system.valkey import PASSWORD, QUOTED, Valkey
from tests.web.conftest import _cheap_passwords

__all__ = ["_cheap_passwords"]

KEY = UUID(int=1)
NO_QUIZ = "/quiz/00000000-0000-0000-0000-000000000000/play"


def ask(app: Flask, key: UUID = KEY, limit: int = 100) -> Counted | None:
    """Count one request of a key."""
    with app.app_context():
        return count_key(key, limit)


def left(app: Flask) -> int:
    """What a key of 100 has left after one more request."""
    counted = ask(app)
    assert counted is not None
    return counted.remaining


def guess(app: Flask) -> int:
    """The status that a wrong password is answered with."""
    answer = Client(app).post("/sign-in/local", email="a@school.example", password="a guess")
    return answer.status_code


def storage_of(app: Flask) -> ValkeyStorage:
    """What it counts in."""
    storage = app.extensions["key_limits"]
    assert isinstance(storage, ValkeyStorage)
    return storage


# -- four workers ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def _served(_valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    name = "respondeo_valkey"
    run_on_server(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    url, log = url_of(name, turned=False), tmp_path_factory.mktemp("four") / "server.log"
    try:
        server = Server(url, log, workers=4, VALKEY_URL=_valkey.url)
        yield World(server, url)
        server.stop()
    finally:
        run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def served(_served: World, valkey: Valkey) -> World:
    """Four workers on a database of their own that count in Valkey.

    They are started before it is: it is not needed for that.
    """
    return _served


def counts_at(port: int, worker: psutil.Process) -> bool:
    """Whether a worker is connected to this port."""
    return port in {
        one.raddr.port for one in worker.net_connections() if one.status == psutil.CONN_ESTABLISHED
    }


def test_of_300_requests_at_once_on_a_key_of_100_exactly_100_pass(
    served: World, valkey: Valkey
) -> None:
    began = time.time()
    exactly_100_passed(ask_300_times(program(served)), began)
    with valkey.client() as client:
        assert len(client.keys("respondeo/api-key/*")) == len(client.keys("*")) == 1
    # The last worker may still be starting while others count.
    assert sum(counts_at(valkey.port, worker) for worker in served.server.workers()) > 1
    assert served.row("SELECT count(*) AS counters FROM rate_limit") == {"counters": 0}


def test_workers_whose_valkey_is_killed_go_on_and_count_again_when_it_is_back(
    served: World, valkey: Valkey
) -> None:
    caller = program(served)
    assert caller.get(SESSION).headers["X-RateLimit-Remaining"] == "99"
    valkey.kill()
    answers = [caller.get(SESSION) for _ in range(120)]
    assert {answer.status_code for answer in answers} == {200}
    assert not any("X-RateLimit-Limit" in answer.headers for answer in answers)
    said = served.server.log.read_text()
    assert said.count("rate limit store away") == 120
    assert PASSWORD not in said
    assert QUOTED not in said
    valkey.start()
    assert caller.get(SESSION).headers["X-RateLimit-Remaining"] == "99"
    assert caller.get(SESSION).headers["X-RateLimit-Remaining"] == "98"


# -- one application, or two ----------------------------------------------------------------------


def test_two_applications_count_together(valkey: Valkey, make_app: MakeApp) -> None:
    first, second = make_app(valkey.url), make_app(f"unix://:{QUOTED}@{valkey.socket}?db=3")
    assert storage_of(first).server is not storage_of(second).server
    assert [left(first), left(second), left(first)] == [99, 98, 97]


def test_a_window_ends_for_all_at_the_same_time_and_then_begins_anew(
    valkey: Valkey, make_app: MakeApp
) -> None:
    storage = storage_of(make_app(valkey.url))
    told = [storage.count("k", 60) for _ in range(20)]
    assert [hits for hits, _ in told] == list(range(1, 21))
    (ends,) = {ends for _, ends in told}
    assert ends == pytest.approx(time.time() + 60, abs=2)
    assert storage.get("k") == 20
    assert ends <= storage.get_expiry("k") < ends + 1
    assert storage.incr("k", 60, amount=-1) == 19
    with valkey.client() as client:
        assert 0 < client.pttl("respondeo/k") <= 60_000
        client.pexpire("respondeo/k", 1)
        until(lambda: client.exists("respondeo/k") == 0 or None, "the end of the window")
    assert storage.get("k") == 0
    assert storage.get_expiry("k") == pytest.approx(time.time(), abs=2)
    assert storage.count("k", 60)[0] == 1


def test_counts_can_be_forgotten_and_nothing_else_is(valkey: Valkey, make_app: MakeApp) -> None:
    storage = storage_of(make_app(valkey.url))
    storage.incr("a", 60)
    storage.incr("b", 60)
    with valkey.client() as client:
        client.set("somebody-else", "1")
        storage.clear("a")
        assert (storage.get("a"), storage.get("b")) == (0, 1)
        assert storage.reset() == 1
        assert client.keys("*") == ["somebody-else"]


def test_guesses_and_guests_are_counted_there_and_in_memory_while_it_is_away(
    valkey: Valkey, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(valkey.url, auth_local=True, rate_limit_guest_plays=2)
    assert [Client(app).post(NO_QUIZ).status_code for _ in range(3)] == [404, 404, 429]
    assert [guess(app) for _ in range(3)] == [422] * 3
    with valkey.client() as client:
        assert len(client.keys("respondeo/*")) == 3
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(RateLimit)) == 0
    valkey.kill()
    with caplog.at_level(logging.WARNING):
        assert [guess(app) for _ in range(21)] == [422] * 20 + [429]
    assert "falling back to in-memory storage" in caplog.text
    assert PASSWORD not in caplog.text
    assert QUOTED not in caplog.text
    valkey.start()
    with valkey.client() as client:
        until(lambda: (guess(app) == 422 and client.keys("respondeo/*")) or None, "counts there")


def test_a_wrong_password_is_a_store_away(
    valkey: Valkey, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(f"redis://:hushhush@127.0.0.1:{valkey.port}", rate_limit_guest_plays=2)
    with capture_logs() as logs:
        assert ask(app) is None
    assert [(log["event"], log["log_level"], log["error"]) for log in logs] == [
        ("rate limit store away", "warning", "AuthenticationError")
    ]
    assert not storage_of(app).check()
    assert [Client(app).post(NO_QUIZ).status_code for _ in range(3)] == [404, 404, 429]
    assert "hushhush" not in str(logs) + caplog.text


@pytest.fixture
def hanging() -> Iterator[int]:
    """The port of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        held = []
        closed = threading.Event()

        def accept() -> None:
            listening.settimeout(0.05)
            while not closed.is_set():
                try:
                    held.append(listening.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        yield listening.getsockname()[1]
        closed.set()
        thread.join()
        for one in held:
            one.close()


@pytest.mark.parametrize("password", ["", ":hushhush@"])
def test_a_server_that_hangs_holds_no_request_up(
    hanging: int, make_app: MakeApp, password: str
) -> None:
    app = make_app(f"valkey://{password}127.0.0.1:{hanging}", rate_limit_guest_plays=2)
    began = time.monotonic()
    assert ask(app) is None
    assert time.monotonic() - began < 1.5
    began = time.monotonic()
    assert [Client(app).post(NO_QUIZ).status_code for _ in range(3)] == [404, 404, 429]
    assert time.monotonic() - began < 4  # the first, and whoever asks whether it is back


def test_a_connection_that_the_server_closed_is_no_store_away(
    valkey: Valkey, make_app: MakeApp
) -> None:
    app = make_app(valkey.url)
    assert left(app) == 99
    with valkey.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)
    assert left(app) == 98


def test_a_server_that_has_forgotten_the_script_is_told_it_again(
    valkey: Valkey, make_app: MakeApp
) -> None:
    app = make_app(valkey.url)
    assert left(app) == 99
    with valkey.client() as client:
        client.script_flush()
    assert left(app) == 98
