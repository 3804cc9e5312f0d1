"""Backups of a server of the system's: with TLS and a password, and older than our programs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from respondeo import create_app, migrating
from respondeo.backup import clients
from respondeo.connection_string import ConnectionString
from respondeo.db import db
from respondeo.embedded import binaries
from tests.cli.databases import LEFT_OUT, Everything, database, everything, fill, run
from tests.conftest import settings_for
from tests.pooler import POOLER_PORT, PgBouncer
from tests.system.postgres import PASSWORD, Postgres

EXTENSIONS = ("citext", "pg_stat_statements")  # types, functions, views, in our schema
FORMATS = ["b.sql", "b.sql.gz", "b.dump"]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    folder = Path(mkdtemp(prefix="resp-", dir="/tmp"))
    server = Postgres(folder)
    try:
        server.execute(f"CREATE ROLE quiz_app LOGIN PASSWORD '{PASSWORD}'")
        for name in ("quiz_app", "other"):
            server.execute(f"CREATE DATABASE {name} OWNER quiz_app")
        server.encrypt(on=True)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def app_at(url: str) -> Flask:
    return create_app(settings_for(url))


def held(app: Flask) -> Everything:
    with app.app_context():
        try:
            return everything()
        finally:
            db.engine.dispose()


@pytest.fixture(scope="module")
def before(server: Postgres) -> Everything:
    app = app_at(server.url(sslmode="require"))
    with app.app_context():
        migrating.upgrade(app)
        fill(db.session())
    return held(app)


def assert_is_there(app: Flask, before: Everything) -> None:
    now = held(app)
    assert now.structure == before.structure
    assert now.rows == before.rows | {table: [] for table in LEFT_OUT}


@pytest.mark.parametrize("name", FORMATS)
def test_through_tls_with_a_password_all_comes_back(
    server: Postgres, before: Everything, tmp_path: Path, name: str
) -> None:
    tls = {"sslmode": "verify-full", "sslrootcert": server.authority}
    source, other = (app_at(server.url(database=base, **tls)) for base in ("quiz_app", "other"))
    for app, words in ((source, ["backup"]), (other, ["restore", "--yes"])):
        result = run(app, *words, tmp_path / name)
        assert result.exit_code == 0, result.output
        assert PASSWORD not in result.output
    assert_is_there(other, before)


@pytest.mark.parametrize("name", FORMATS)
def test_newer_programs_restore_into_an_older_server(
    server: Postgres, before: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join([str(binaries()), os.environ["PATH"]]))
    local = f"postgresql://quiz_app@/{{}}?host={server.folder}&port={server.port}"
    version = clients.newest(ConnectionString.parse(local.format("other")), 15).version
    assert version >= (18, 0)
    for base, words in (("quiz_app", ["backup"]), ("other", ["restore", "--yes"])):
        result = run(app_at(local.format(base)), *words, tmp_path / name)
        assert result.exit_code == 0, result.output
    assert b"transaction_timeout" not in (tmp_path / name).read_bytes()
    assert_is_there(app_at(local.format("other")), before)


def test_what_belongs_to_extensions_stays_through_restores_and_resets(
    server: Postgres, before: Everything, tmp_path: Path
) -> None:
    server.execute("CREATE DATABASE extended OWNER quiz_app")
    server.execute(*(f"CREATE EXTENSION {name}" for name in EXTENSIONS), database="extended")
    assert run(app_at(server.url()), "backup", tmp_path / "b.dump").exit_code == 0
    extended = app_at(server.url(database="extended"))
    commands: list[list[object]] = [
        ["restore", tmp_path / "b.dump", "--yes"],
        ["reset", "--yes"],
        ["push"],
    ] * 2
    results = [run(extended, *words) for words in commands]
    assert [result.exit_code for result in results] == [0] * 6
    assert "nothing had to change" in results[-1].output
    with psycopg.connect(server.url(database="extended")) as connection:
        assert connection.execute("SELECT 'A'::citext = 'a'").fetchone() == (True,)
        installed = connection.execute("SELECT extname FROM pg_extension")
        assert {*EXTENSIONS} < {name for (name,) in installed}


def test_a_pooler_in_transaction_mode_is_found_out_though_nobody_says_so(tmp_path: Path) -> None:
    folder = Path(mkdtemp(prefix="resp-", dir="/tmp"))
    with database(migrated=True) as app:
        there = sa.make_url(app.config["DATABASE_URL"])
        pooler = PgBouncer(folder, there)
        app.config["DATABASE_DIRECT_URL"] = (
            f"postgresql:///{there.database}?host={folder}&port={POOLER_PORT}"
        )
        try:
            for words in (["backup", tmp_path / "b.dump"], ["reset", "--yes"], ["studio"]):
                result = run(app, *words)
                assert (result.exit_code, "Set DATABASE_DIRECT_URL" in result.output) == (1, True)
        finally:
            pooler.stop()
            shutil.rmtree(folder)
    assert not [*tmp_path.iterdir()]


def test_a_wrong_password_is_said_and_not_shown(server: Postgres, tmp_path: Path) -> None:
    app = app_at(server.url(password="sw0rdfish", sslmode="require"))
    for command in ("backup", "studio"):
        result = run(app, command, *([tmp_path / "b.dump"] if command == "backup" else []))
        assert result.exit_code == 1
        assert "does not accept the user or the password" in result.output
        assert "sw0rdfish" not in result.output
