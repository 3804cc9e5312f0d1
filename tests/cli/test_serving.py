"""How it serves: what was asked is answered, also while it stops and while workers are replaced."""

from __future__ import annotations

import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from respondeo.worker import LINGER_S
from tests.cli.test_serve import ROOT, Served, environment, wait_for
from tests.conftest import TEMPLATE, run_on_server, url_of
from tests.ports import free_port
from tests.web.test_metrics import Samples, samples

TOTAL = "respondeo_requests_total"
MANY = 10_000
HEALTH = (TOTAL, "method=GET", "route=/healthz", "status=200")


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A database that is up to date."""
    name = f"serving_{os.getpid()}"
    run_on_server(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield url_of(name, turned=False)
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def port() -> int:
    return free_port()


@contextmanager
def served(database: str, port: int, **settings: str) -> Iterator[Served]:
    """A server that ends with the test."""
    server = Served(database, port, **settings)
    try:
        yield server
    finally:
        if psutil.pid_exists(server.pid):
            server.end(signal.SIGTERM, everybody=False)


def get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def counted(port: int) -> Samples:
    return samples(get(port, "/metrics")[1])


@contextmanager
def slow(database: str) -> Iterator[None]:
    """Whoever asks for the boards waits, until this ends."""
    with psycopg.connect(database) as connection:
        connection.execute("LOCK TABLE player_standing")
        yield


def is_waiting(database: str) -> bool:
    with psycopg.connect(database) as connection:
        waiting = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ).fetchone()
        return waiting is not None and waiting[0] > 0


def test_a_request_that_is_under_way_is_answered_before_it_stops(database: str, port: int) -> None:
    with served(database, port, RBAC_PUBLIC_LEADERBOARD="true") as server:
        with ThreadPoolExecutor() as threads:
            with slow(database):
                asked = threads.submit(get, port, "/leaderboard")
                wait_for(lambda: is_waiting(database))
                os.kill(server.pid, signal.SIGTERM)
                wait_for(lambda: len(server.workers()) == 1)
                assert not asked.done()
            status, text = asked.result(30)
        assert status == 200
        assert "Leaderboard" in text
        assert server.end(signal.SIGTERM, everybody=False) == 0


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_no_request_fails_while_workers_are_replaced_and_none_is_counted_twice_or_lost(
    database: str, port: int
) -> None:
    threads, each, asked = 4, 50, 0
    with served(database, port, WEB_MAX_REQUESTS="100") as server:
        first = {worker.pid for worker in server.workers()}
        kept = [number % 2 == 0 for number in range(threads)]
        with ThreadPoolExecutor(threads) as pool:
            # Nobody says which worker takes how many.
            while first & {worker.pid for worker in server.workers()} and asked < MANY:
                list(pool.map(lambda keep: ask_many(port, each, keep=keep), kept))
                asked += threads * each
        assert threads * each < asked < MANY
        assert counted(port)[HEALTH] == asked
        # Two places, however many workers have come and gone.
        (folder,) = folders(server.pid)
        assert {file.stem.rsplit("_", 1)[1] for file in folder.glob("counter_*.db")} <= {
            "0",
            "1",
            "main",
        }
    assert not folder.exists()


def ask_many(port: int, times: int, *, keep: bool) -> None:
    """Ask so often, on one connection as long as the server keeps it or on a new one each time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(times):
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"ok\n")
        if not keep:
            connection.close()
    connection.close()


def test_kept_connections_spread_over_the_workers_and_stay_where_they_are_then(
    database: str, port: int
) -> None:
    many = 24
    with served(database, port) as server, ExitStack() as stack:
        # All of them on one worker: the other is stopped meanwhile, then goes on.
        idle, busy = server.workers()
        idle.suspend()
        clients = [http.client.HTTPConnection("127.0.0.1", port, timeout=60) for _ in range(many)]
        for client in clients:
            stack.callback(client.close)
            ask_once(client)
        idle.resume()
        for _ in range(40):
            for client in clients:
                ask_once(client)
        held = [clients_of(worker.pid, port) for worker in (idle, busy)]
        assert sum(held) == many
        assert min(held) >= many / 4
        # Once they are shared out, nobody has to come again.
        assert not any(ask_once(client) for _ in range(5) for client in clients)


def ask_once(client: http.client.HTTPConnection) -> bool:
    """Ask on this connection, or on a new one where it was closed; whether it is closed now."""
    client.request("GET", "/healthz")
    answer = client.getresponse()
    assert (answer.status, answer.read()) == (200, b"ok\n")
    return answer.getheader("Connection") == "close"


def clients_of(pid: int, port: int) -> int:
    """How many clients are connected to a process that listens at this port."""
    found = psutil.Process(pid).net_connections("tcp")
    return sum(one.status == "ESTABLISHED" and one.laddr.port == port for one in found)


def test_many_may_be_connected_also_where_the_system_begins_with_few_files(
    database: str, port: int
) -> None:
    few = 128
    with ExitStack() as stack:
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, before[1]))
        try:
            server = stack.enter_context(served(database, port))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for _ in range(3 * few):  # more than both workers could hold otherwise
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            stack.callback(client.close)
            ask_once(client)
        assert sum(clients_of(worker.pid, port) for worker in server.workers()) > 2 * few


def test_a_client_that_does_not_close_its_connection_holds_nobody_up(
    database: str, port: int
) -> None:
    with served(database, port) as server, ExitStack() as stack:
        sockets_before = [len(sockets(worker.pid)) for worker in server.workers()]
        stuck = []
        for _ in range(20):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            stuck.append(client)
        began = time.monotonic()
        assert {get(port, "/healthz")[0] for _ in range(10)} == {200}
        assert time.monotonic() - began < LINGER_S
        for client in stuck:
            assert all_of(client).endswith(b"ok\n")
        # They are given up, although the clients never close.
        wait_for(
            lambda: [len(sockets(worker.pid)) for worker in server.workers()] == sockets_before
        )


def all_of(client: socket.socket) -> bytes:
    """All that is sent until the other side closes."""
    with client.makefile("rb") as file:
        return file.read()


def folders(pid: int) -> list[Path]:
    """The folders of metrics that a process holds."""
    held = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            held.append(str(link.readlink()))
    return [Path(name) for name in held if re.search(r"respondeo-metrics-\w+$", name)]


def test_workers_share_no_connection_and_add_up_what_they_hold(database: str, port: int) -> None:
    with served(database, port, RBAC_PUBLIC_LEADERBOARD="true") as server:
        # Whichever worker is asked opens a connection, and keeps it.
        wait_for(
            lambda: (
                get(port, "/readyz")[0] == 200
                and all(sockets(worker.pid) for worker in server.workers())
            )
        )
        with ThreadPoolExecutor(6) as pool, slow(database):
            asked = [pool.submit(get, port, "/leaderboard") for _ in range(6)]
            wait_for(lambda: counted(port)["respondeo_connections_in_use",] == 6)
        assert {done.result()[0] for done in asked} == {200}
        held = [sockets(worker.pid) for worker in server.workers()]
        assert all(held)
        assert not held[0] & held[1]
        found = counted(port)
        assert found["respondeo_connections_in_use",] == 0
        assert found["respondeo_connections_most",] == 2 * (8 + 4)
        server.workers()[0].kill()
        wait_for(lambda: counted(port)["respondeo_connections_most",] <= 2 * (8 + 4))


def sockets(pid: int) -> set[int]:
    """The sockets of a process that are connected."""
    listening = {c.fd for c in psutil.Process(pid).net_connections("all") if c.status == "LISTEN"}
    held = set()
    for connection in psutil.Process(pid).net_connections("all"):
        if connection.fd > 0 and connection.fd not in listening:
            with suppress(FileNotFoundError):  # closed meanwhile
                held.add(Path(f"/proc/{pid}/fd/{connection.fd}").stat().st_ino)
    return held


def test_what_a_killed_server_left_is_removed_by_the_next(database: str, port: int) -> None:
    server = Served(database, port)
    (left,) = folders(server.pid)
    server.end(signal.SIGKILL, everybody=False)
    assert left.is_dir()
    with served(database, port) as following:
        assert not left.exists()
        (folder,) = folders(following.pid)
        # Something that tidies up takes even that away: what follows makes it anew.
        shutil.rmtree(folder)
        victim, _ = following.workers()
        victim.kill()
        wait_for(lambda: len(following.workers()) == 2 and victim not in following.workers())
        wait_for(lambda: get(port, "/readyz")[0] == 200 and folder.is_dir())
        assert {get(port, "/healthz")[0] for _ in range(20)} == {200}


@contextmanager
def in_production(database: str, port: int, log: Path) -> Iterator[None]:
    """A server as systemd starts it, which has ended when this has."""
    settings = {"APP_ENV": "production", "APP_URL": f"http://127.0.0.1:{port}"}
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "serve"],
            cwd=ROOT,
            env=environment(database, port) | settings | {"PYTHONUNBUFFERED": "1"},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: is_listening(port))
        yield
    finally:
        server.terminate()
        assert server.wait(60) == 0


def test_in_production_every_line_is_json_and_gunicorns_say_nothing_about_anybody(
    database: str, port: int, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with in_production(database, port, log):
        assert get(port, "/healthz?email=ada@school.example")[0] == 200
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(b"NOT HTTP ada@school.example\r\n\r\n")
            assert b"400" in raw.recv(100)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    events = [line["event"] for line in lines]
    assert "running" in events
    assert events.count("request") == 1
    refused = next(line for line in lines if line["event"] == "Invalid request")
    assert "reference" not in refused
    assert "ada@school" not in log.read_text()
    assert '"127.0.0.1"' not in log.read_text()


def test_lines_of_requests_that_are_answered_at_once_do_not_mix(
    database: str, port: int, tmp_path: Path
) -> None:
    threads, each, log = 8, 100, tmp_path / "log"
    with in_production(database, port, log), ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: ask_many(port, each, keep=True), range(threads)))
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert events.count("request") == threads * each


def test_gunicorn_alone_serves_with_the_same_settings(database: str, port: int) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "wsgi:app"],
        cwd=ROOT,
        env=environment(database, port) | {"WEB_CONCURRENCY": "1", "WEB_THREADS": "3"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for(lambda: is_listening(port))
        assert get(port, "/readyz") == (200, "ready\n")
        found = counted(port)
        assert found[TOTAL, "method=GET", "route=/readyz", "status=200"] == 1
        assert found["respondeo_connections_most",] == 3 + 4
        assert len(folders(server.pid)) == 1
    finally:
        server.terminate()
        assert server.wait(60) == 0


def test_a_socket_that_is_handed_over_is_served_and_nobody_is_refused_between_two_servers(
    database: str, port: int
) -> None:
    with socket.create_server(("127.0.0.1", port), backlog=100) as handed:
        first = start_with(handed, database, port)
        assert get(port, "/healthz")[0] == 200
        stop = threading.Event()
        with ThreadPoolExecutor() as pool:
            asking = pool.submit(ask_until, port, stop)
            first.terminate()
            assert first.wait(60) == 0
            second = start_with(handed, database, port)
            wait_for(lambda: get(port, "/healthz")[0] == 200)
            stop.set()
            assert asking.result(60) > 0
        second.terminate()
        assert second.wait(60) == 0


def ask_until(port: int, stop: threading.Event) -> int:
    times = 0
    while not stop.is_set():
        assert get(port, "/healthz")[0] == 200
        times += 1
    return times


def start_with(handed: socket.socket, database: str, port: int) -> subprocess.Popen[bytes]:
    """`flask serve` as systemd starts it for a socket: the socket is file 3."""
    # Only the process itself can say its number.
    become = (
        f"import os, sys; os.dup2({handed.fileno()}, 3, True)\n"
        "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))\n"
        "os.execv(sys.executable, [sys.executable, *'-m flask --app wsgi serve'.split()])"
    )
    return subprocess.Popen(
        [sys.executable, "-c", become],
        cwd=ROOT,
        env=environment(database, port),
        pass_fds=[handed.fileno()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
