"""From the variable to the server's answer: what keeps one out, and what lets one in."""

from __future__ import annotations

import shlex
import socket
import threading
from contextlib import suppress

import psycopg
import pytest

from respondeo.connection_string import ConnectionString
from respondeo.database_trouble import AWAY, BUSY, MISSING, PASSWORD, RIGHTS, SCHEMA
from respondeo.doctor import CHECKS, State
from respondeo.doctor.line import Line
from tests.conftest import run_on_server
from tests.doctor.clinic import Clinic, failed, is_well, looked, states
from tests.ports import free_port


@pytest.fixture
def unused_port() -> int:
    return free_port()


def test_a_healthy_database_passes_every_check(clinic: Clinic) -> None:
    assert is_well(looked(clinic.url(), clinic.url()))


def test_nothing_is_looked_at_after_what_it_needs_has_failed() -> None:
    results = looked(None)
    assert "DATABASE_URL is not set" in failed(results, "set").says
    rest = [check.name for check in CHECKS[1:]]
    assert {results[name].state for name in rest} == {State.SKIPPED}
    assert all("“Set”" in results[name].findings[0].says for name in rest)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://quiz_app:hush/hush@db/quiz_app",
        "postgresql://quiz_app:hush#hush@db/quiz_app",
        "mysql://quiz_app:hushhush@db/quiz_app",
        "postgresql://quiz_app:hushhush@db:5432x/quiz_app",
        "postgresql://quiz_app:hushhush@db/quiz_app?ssl=true",
        "postgresql://quiz_app:hush%hush@db/quiz_app",
    ],
)
def test_a_string_that_cannot_be_understood_is_explained_without_its_password(url: str) -> None:
    finding = failed(looked(url), "parsed")
    assert "hush" not in repr(finding)
    assert any("DATABASE_URL='postgresql://" in command for command in finding.mend)


def test_a_host_that_does_not_exist_is_named() -> None:
    finding = failed(looked("postgresql://q:hush@nowhere.invalid/x"), "host")
    assert AWAY.sentence in finding.says
    assert "nowhere.invalid" in finding.says
    assert finding.mend == ("getent hosts nowhere.invalid",)


def test_a_folder_without_a_socket_is_named() -> None:
    finding = failed(looked("postgresql:///x?host=/nowhere/at/all"), "host")
    assert "/nowhere/at/all" in finding.says


def test_a_closed_port_is_named_with_how_to_start_a_server(unused_port: int) -> None:
    finding = failed(looked(f"postgresql://q:hush@127.0.0.1:{unused_port}/x"), "port")
    assert AWAY.sentence in finding.says
    assert "connection refused" in finding.says
    assert f"pg_isready -h 127.0.0.1 -p {unused_port}" in finding.mend


@pytest.mark.parametrize("query", ["?hostaddr=127.0.0.1&port={}", ""])
def test_where_no_host_is_named_the_address_is_looked_at_all_the_same(
    query: str, unused_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment names one, or `hostaddr` does."""
    if not query:
        monkeypatch.setenv("PGHOST", "127.0.0.1")
        monkeypatch.setenv("PGPORT", str(unused_port))
    results = looked(f"postgresql://q:hush@/x{query.format(unused_port)}")
    assert "socket" not in repr(results)
    finding = failed(results, "port")
    assert f"Nothing answers at 127.0.0.1:{unused_port}: connection refused" in finding.says
    assert f"pg_isready -h 127.0.0.1 -p {unused_port}" in finding.mend


def test_the_interface_of_an_address_is_written_so_that_it_can_be_read_again() -> None:
    string = ConnectionString.parse("postgresql://q@[fe80::1%25eth0]/x")
    written = shlex.split(Line("DATABASE_URL", string).written())[0]
    assert ConnectionString.parse(written.removeprefix("DATABASE_URL=")) == string


def test_ports_of_the_environment_that_fit_no_hosts_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGPORT", "5432,5433")
    finding = failed(looked("postgresql://q:hush@/x?hostaddr=10.0.0.5"), "parsed")
    assert "port must name one port for all hosts, or one for each" in finding.says


def test_of_several_hosts_those_that_are_away_are_a_warning(
    clinic: Clinic, unused_port: int
) -> None:
    folder = psycopg.conninfo.conninfo_to_dict(clinic.url())["host"]
    address = f"postgresql://{clinic.owner}@/{clinic.database}?host=nowhere.invalid,127.0.0.1,"
    results = looked(f"{address}{folder}&port=5432,{unused_port},5432")
    assert results["host"].state is State.WARNS
    assert "nowhere.invalid" in results["host"].findings[0].says
    assert results["port"].state is State.WARNS
    assert str(unused_port) in str(results["port"].findings)
    assert results["database"].state is State.PASSES
    assert State.FAILS not in states(results).values()


def test_a_server_that_never_answers_is_told_from_one_that_refuses() -> None:
    with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        for caller in (first, second):  # fill the queue: the next one hears nothing
            caller.setblocking(False)
            with suppress(BlockingIOError):
                caller.connect(("127.0.0.1", port))
        finding = failed(looked(f"postgresql://q:hush@127.0.0.1:{port}/x"), "port")
    assert "firewall" in finding.says


@pytest.mark.parametrize("mode", ["prefer", "disable"])
@pytest.mark.parametrize("place", ["127.0.0.1:{}/x?", "/x?hostaddr=127.0.0.1&port={}&"])
def test_what_is_no_postgresql_is_told_from_one(mode: str, place: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as web:
        answers = threading.Thread(target=answer_like_a_website, args=[web], daemon=True)
        answers.start()
        port = web.getsockname()[1]
        finding = failed(looked(f"postgresql://q:hush@{place.format(port)}sslmode={mode}"), "tls")
        assert f"What answers at 127.0.0.1:{port} is no PostgreSQL server." in finding.says
        web.shutdown(socket.SHUT_RDWR)
        answers.join(10)


def answer_like_a_website(web: socket.socket) -> None:
    with suppress(OSError):
        while True:
            caller, _ = web.accept()
            with caller:
                caller.settimeout(5)
                if caller.recv(100):
                    caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_role_that_is_not_there_is_made_by_the_command(clinic: Clinic) -> None:
    finding = failed(looked(clinic.url("made_here")), "authentication")
    assert PASSWORD.sentence in finding.says
    assert 'role "made_here" does not exist' in finding.says
    clinic.follow(finding.mend[0])
    try:
        assert looked(clinic.url("made_here"))["authentication"].state is State.PASSES
    finally:
        run_on_server("DROP ROLE made_here")


def test_a_database_that_is_not_there_is_made_by_the_commands(clinic: Clinic) -> None:
    missing = Clinic('with"marks', clinic.owner)
    finding = failed(looked(missing.url()), "database")
    assert MISSING.sentence in finding.says
    assert finding.mend[1] == "flask db upgrade"
    clinic.follow(finding.mend[0])
    try:
        assert SCHEMA.sentence in failed(looked(missing.url()), "migrations").says
    finally:
        run_on_server('DROP DATABASE "with""marks" WITH (FORCE)')


def test_who_may_not_connect_to_the_database_is_let_in_by_the_command(
    clinic: Clinic, stranger: str
) -> None:
    clinic.run(f"REVOKE CONNECT ON DATABASE {clinic.database} FROM PUBLIC")
    finding = failed(looked(clinic.url(stranger)), "database")
    assert RIGHTS.sentence in finding.says
    clinic.follow(finding.mend[0])
    assert looked(clinic.url(stranger))["database"].state is State.PASSES


def test_where_every_connection_is_taken_one_is_told_how_to_see_by_whom(narrow: Clinic) -> None:
    narrow.run(f"ALTER ROLE {narrow.owner} CONNECTION LIMIT 1")
    with psycopg.connect(narrow.url()):
        finding = failed(looked(narrow.url()), "authentication")
    assert BUSY.sentence in finding.says
    assert "FROM pg_stat_activity GROUP BY" in finding.mend[0]
