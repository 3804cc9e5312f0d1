"""The doctor behind a real PgBouncer, in each of its modes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest
import sqlalchemy as sa

from respondeo import create_app, pooler
from respondeo.connection_string import ConnectionString
from respondeo.database_trouble import BUSY
from respondeo.doctor import State
from tests.conftest import server_url, settings_for
from tests.doctor.clinic import Clinic, failed, is_well, looked
from tests.pooler import POOLER_PORT, PgBouncer

Pooled = Callable[..., str]
POOLER_WAITS_S = 120  # PgBouncer's own query_wait_timeout


@pytest.fixture
def pooled(clinic: Clinic) -> Iterator[Pooled]:
    """The address of the database through a pooler in a mode."""
    started: list[PgBouncer] = []

    def start(mode: str, size: int = 20) -> str:
        folder = Path(mkdtemp(prefix="resp-", dir="/tmp"))
        started.append(PgBouncer(folder, sa.make_url(server_url()), mode, size))
        return f"postgresql:///{clinic.database}?host={folder}&port={POOLER_PORT}"

    yield start
    for one in started:
        one.stop()
        shutil.rmtree(one.folder)


def test_a_transaction_pooler_is_found_and_what_must_be_said_of_it(
    clinic: Clinic, pooled: Pooled
) -> None:
    url = pooled("transaction")
    finding = failed(looked(url, clinic.url()), "pooler")
    assert "transaction mode stands in between" in finding.says
    assert "pgbouncer=true" in finding.mend[0]
    assert is_well(looked(f"{url}&pgbouncer=true", clinic.url()))


def test_a_session_pooler_is_taken_as_it_is(clinic: Clinic, pooled: Pooled) -> None:
    url = pooled("session")
    assert is_well(looked(url))
    assert "leaves each client its session" in looked(url)["pooler"].findings[0].says
    warned = looked(f"{url}&pgbouncer=true", clinic.url())["pooler"].findings[0]
    assert warned.state is State.WARNS
    assert "session mode" in warned.says


def test_a_statement_pooler_is_refused(clinic: Clinic, pooled: Pooled) -> None:
    finding = failed(looked(pooled("statement"), clinic.url()), "database")
    assert "statement mode" in finding.says
    assert finding.mend == ("pool_mode = transaction",)


def test_a_transaction_pooler_is_refused_where_the_server_itself_is_needed(
    clinic: Clinic, pooled: Pooled
) -> None:
    url = pooled("transaction")
    finding = failed(looked(clinic.url(), url), "direct")
    assert "pooler in transaction mode" in finding.says
    assert "needs" not in finding.mend[0]
    missing = looked(f"{url}&pgbouncer=true")["direct"].findings[0]
    assert "DATABASE_DIRECT_URL is not set" in missing.says
    app = create_app(settings_for(clinic.url(), database_direct_url=url))
    done = app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert done.exit_code == 1
    assert "pooler in transaction mode" in done.output


def test_a_session_pooler_may_be_upgraded_through(clinic: Clinic, pooled: Pooled) -> None:
    app = create_app(settings_for(clinic.url(), database_direct_url=pooled("session")))
    done = app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert done.exit_code == 0
    assert "Nothing to do" in done.output


def test_a_session_pooler_that_has_no_second_connection_keeps_nobody_waiting(
    clinic: Clinic, pooled: Pooled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooler, "PATIENCE_S", 0.5)
    url = pooled("session", size=1)
    app = create_app(settings_for(clinic.url(), database_direct_url=url))
    for words, said in ((["upgrade"], "Nothing to do"), (["reset", "--yes"], "Up: 0001")):
        done = app.test_cli_runner().invoke(args=["db", *words])
        assert done.exit_code == 0, done.output
        assert said in done.output
    string = ConnectionString.parse(url)
    with string.connect() as connection:
        assert pooler.between(connection, string.connect) is pooler.Pooler.SESSION
    with psycopg.connect(url) as other:
        other.execute("SELECT 1")
        full = app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert full.exit_code == 1
    assert BUSY.sentence in full.output
    assert "may have no more connections" in full.output


def test_the_doctor_looks_through_the_only_connection_of_a_session_pooler(
    clinic: Clinic, pooled: Pooled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooler, "PATIENCE_S", 0.5)
    began = time.monotonic()
    results = looked(pooled("session", size=1))
    assert time.monotonic() - began < POOLER_WAITS_S / 4
    assert {results[name].state for name in ("migrations", "tables")} == {State.PASSES}
