"""`flask db backup`: one moment, in a file that is there whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from respondeo import create_app
from respondeo.backup import BackupError, clients
from respondeo.connection_string import ConnectionString
from respondeo.db import db
from respondeo.embedded import binaries
from tests.cli.conftest import FORMATS, Source
from tests.cli.databases import database, run
from tests.conftest import settings_for
from tests.races.serving import until


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


# -- the file -------------------------------------------------------------------------------------


def test_a_backup_belongs_to_its_maker_alone(source: Source) -> None:
    assert {stat.S_IMODE(source.file(name).stat().st_mode) for name in FORMATS} == {0o600}
    assert names(source.folder) == sorted(FORMATS)


def test_a_file_that_is_there_is_overwritten_only_when_told(source: Source, tmp_path: Path) -> None:
    file = tmp_path / "b.sql"
    file.write_text("mine")
    result = run(source.app, "backup", file, said="n\n")
    assert (result.exit_code, "Overwrite it?" in result.output) == (1, True)
    assert file.read_text() == "mine"
    assert run(source.app, "backup", file, "--force").exit_code == 0
    assert file.read_text().startswith("--\n-- PostgreSQL database dump")


def test_a_folder_that_is_not_there_is_said_to_be_so(source: Source, tmp_path: Path) -> None:
    result = run(source.app, "backup", tmp_path / "none" / "b.sql")
    assert result.exit_code == 1
    assert "b.sql cannot be written: No such file or directory. Nothing was" in result.output


def test_what_is_no_file_is_not_replaced(source: Source, tmp_path: Path) -> None:
    (tmp_path / "folder.sql").mkdir()
    os.mkfifo(tmp_path / "pipe.sql")
    (tmp_path / "link.sql").symlink_to(tmp_path / "linked.sql")
    for name in ("folder.sql", "pipe.sql"):
        result = run(source.app, "backup", tmp_path / name, "--force")
        assert (result.exit_code, "is no file." in result.output) == (1, True)
    assert run(source.app, "backup", tmp_path / "link.sql", "--force").exit_code == 0
    assert (tmp_path / "link.sql").is_symlink()
    assert names(tmp_path) == ["folder.sql", "link.sql", "linked.sql", "pipe.sql"]


def test_the_standard_output_gets_plain_sql_and_nothing_else(source: Source) -> None:
    result = run(source.app, "backup", "-")
    assert result.stdout.startswith("--\n-- PostgreSQL database dump")
    assert "-- PostgreSQL database dump complete" in result.stdout
    assert "Backed up" not in result.stdout
    assert "Backed up 5 people" in result.stderr


@pytest.mark.parametrize("command", ["backup", "restore"])
@pytest.mark.parametrize("name", ["b.tar", "b", "b.gz", ".sql", "b.SQL.zip"])
def test_another_ending_is_refused_with_the_choices(
    source: Source, command: str, name: str, tmp_path: Path
) -> None:
    result = run(source.app, command, tmp_path / name)
    assert result.exit_code == 1
    assert "ends in .sql (plain SQL), .sql.gz" in result.output
    assert names(tmp_path) == []


def test_a_backup_that_cannot_be_finished_leaves_the_old_one(
    source: Source, tmp_path: Path
) -> None:
    (tmp_path / "b.sql").write_text("the old one")
    with database(migrated=True) as app:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(sa.text("CREATE ROLE nobody_at_all LOGIN"))
            connection.execute(
                sa.text(
                    'GRANT SELECT ON alembic_version, "user", quiz, quiz_attempt TO nobody_at_all'
                )
            )
        try:
            result = run(as_user(app, "nobody_at_all"), "backup", tmp_path / "b.sql", "--force")
        finally:
            with app.app_context(), db.engine.begin() as connection:
                connection.execute(sa.text("DROP OWNED BY nobody_at_all"))
                connection.execute(sa.text("DROP ROLE nobody_at_all"))
    assert result.exit_code == 1
    assert "pg_dump could not finish" in result.output
    assert "permission denied" in result.output
    assert names(tmp_path) == ["b.sql"]
    assert (tmp_path / "b.sql").read_text() == "the old one"


# -- programs, addresses, passwords ---------------------------------------------------------------


def as_user(app: Flask, user: str, password: str | None = None, **more: object) -> Flask:
    """Another application on the same database. Everybody may enter the test server."""
    url = sa.make_url(app.config["DATABASE_URL"]).set(username=user, password=password)
    return create_app(settings_for(url.render_as_string(hide_password=False), **more))


def test_nobody_reads_the_password_and_a_backup_that_is_stopped_leaves_nothing(
    source: Source, tmp_path: Path
) -> None:
    url = sa.make_url(source.app.config["DATABASE_URL"]).set(password="hunter2#secret")
    url = url.update_query_dict({"sslpassword": "of-the-key"})
    with psycopg.connect(source.app.config["DATABASE_URL"]) as other:
        other.execute("LOCK TABLE media")  # so that pg_dump stands still
        backing_up = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "db", "backup", tmp_path / "b.sql"],
            env=os.environ
            | {"APP_ENV": "demo", "DATABASE_URL": url.render_as_string(hide_password=False)},
            stderr=subprocess.PIPE,
            text=True,
        )
        words, env = until(lambda: _dumping(backing_up.pid), "pg_dump")
        file = Path(env["PGSERVICEFILE"])
        kept, mode = file.read_text(), stat.S_IMODE(file.stat().st_mode)
        until(lambda: names(tmp_path) or None, "the file")
        backing_up.terminate()
        _, said = backing_up.communicate(timeout=20)
    assert env["PGPASSWORD"] == "hunter2#secret"
    assert "hunter2" not in words + kept + said
    assert "of-the-key" not in words + said
    assert (mode, file.exists()) == (0o600, False)
    assert (backing_up.returncode, said.split()[-1], names(tmp_path)) == (1, "Aborted!", [])


def _dumping(pid: int) -> tuple[str, dict[str, str]] | None:
    """The arguments and the environment of the pg_dump that runs for this process."""
    with suppress(psutil.Error):
        for process in psutil.Process(pid).children():
            if "PGSERVICEFILE" in process.environ():
                return " ".join(process.cmdline()), process.environ()
    return None


def test_the_direct_address_is_used_and_a_pooler_there_refused(source: Source) -> None:
    nowhere, here = "postgresql://u:hunter2@127.0.0.1:1/away", source.app.config["DATABASE_URL"]
    direct = create_app(settings_for(nowhere, database_direct_url=here))
    assert run(direct, "backup", "-").exit_code == 0
    for command in (
        ["backup", "-"],
        ["restore", source.file("b.dump"), "--yes"],
        ["reset", "--yes"],
    ):
        result = run(create_app(settings_for(here + "&pgbouncer=true")), *command)
        assert (result.exit_code, "Set DATABASE_DIRECT_URL" in result.output) == (1, True)
        result = run(create_app(settings_for(nowhere)), *command)
        assert (result.exit_code, "`flask db doctor` says more" in result.output) == (1, True)
        assert "hunter2" not in result.output


def test_a_database_without_tables_is_not_worth_a_backup(empty: Flask, tmp_path: Path) -> None:
    result = run(empty, "backup", tmp_path / "b.sql")
    assert (result.exit_code, "nothing of Respondeo's" in result.output) == (1, True)
    assert names(tmp_path) == []


def test_the_programs_are_the_newest_and_never_older_than_the_server() -> None:
    to = ConnectionString.parse("postgresql:///quiz_app?host=/tmp")
    assert clients.newest(to, 18).version >= (18, 0)
    with pytest.raises(BackupError, match="of PostgreSQL 99 or later") as refused:
        clients.newest(to, 99)
    assert "apt install postgresql-client-99" in refused.value.message


def test_programs_that_know_no_encryption_are_not_taken_where_it_is_demanded() -> None:
    embedded = binaries()
    for mode in ("require", "verify-full"):
        to = ConnectionString.parse(f"postgresql://db.example.com/quiz_app?sslmode={mode}")
        with suppress(BackupError):  # where there are no others
            assert clients.newest(to, 18).folder != embedded


def test_a_restore_needs_a_psql_that_runs_no_commands_of_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = ConnectionString.parse("postgresql://db.example.com/quiz_app?sslmode=require")
    for version in ("17.5", "16.10"):
        (tmp_path / version).mkdir()
        for program in clients.PROGRAMS:
            script = tmp_path / version / program
            script.write_text(f"#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n")
            script.chmod(0o755)
    monkeypatch.setattr(clients, "PLACES", ())
    monkeypatch.setenv("PATH", f"{tmp_path / '17.5'}:{tmp_path / '16.10'}")
    assert clients.newest(to, 16).version == (17, 5)
    assert clients.newest(to, 16, restricted=True).version == (16, 10)
    with pytest.raises(BackupError) as refused:
        clients.newest(to, 17, restricted=True)
    assert "psql 17.5 in" in refused.value.message
    assert "needs psql 17.6, or 18 and later" in refused.value.message
