"""`flask db restore`: whole or not at all, and then as it was."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy.orm import Session

from respondeo import revisions
from respondeo.backup import clients, restoring
from respondeo.connection_string import ConnectionString
from respondeo.db import db
from respondeo.models import LoginSession, QuizAttempt, User
from respondeo.services import standings, starting
from tests.cli.conftest import FORMATS, Source
from tests.cli.databases import LEFT_OUT, database, everything, run
from tests.conftest import run_on_server
from tests.factories import add_user, player, published_quiz
from tests.races.serving import until
from tests.services.boards import assert_boards_are_right
from tests.services.parallel import in_transaction
from tests.services.plays import answer, play

# -- what comes back ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("into", ["empty", "used"])
def test_a_restored_database_is_the_one_that_was_backed_up(
    source: Source, name: str, into: str, request: pytest.FixtureRequest
) -> None:
    app: Flask = request.getfixturevalue(into)
    assert all(source.held.rows.values())
    result = run(app, "restore", source.file(name), said="y\n")
    assert result.exit_code == 0, result.output
    assert ("Replace it?" in result.output) is (into == "used")
    assert "Restored 5 people, 1 quiz and 5 attempts, at migration " in result.output
    now = everything()
    assert now.structure == source.held.structure
    assert now.rows == source.held.rows | {table: [] for table in LEFT_OUT}


def test_the_application_plays_on_where_the_backup_left_it(source: Source, used: Flask) -> None:
    assert run(used, "restore", source.file("b.dump"), "--yes").exit_code == 0
    session = db.session()
    open_ = sa.select(QuizAttempt).where(QuizAttempt.completed_at.is_(None), QuizAttempt.ranked)
    attempt = session.scalars(open_).one()
    viewer = player(session.get_one(User, attempt.user_id))
    for _ in range(2):
        answer(session, viewer, attempt)
    assert attempt.completed_at is not None
    play(session, player(add_user(session)), published_quiz(session))
    assert_boards_are_right(session)
    with pytest.raises(sa.exc.IntegrityError, match="published versions never change"):
        session.execute(sa.text("DELETE FROM question"))


def test_a_backup_while_twenty_people_play_shows_one_moment(
    source: Source, empty: Flask, tmp_path: Path
) -> None:
    with database(migrated=True) as busy:
        with busy.app_context():
            quiz_id = published_quiz(db.session(), questions=3, max_attempts=None).id
            people = [add_user(db.session()).id for _ in range(20)]
            db.session.commit()
        over, playing = threading.Event(), threading.Barrier(21)

        def keep_playing(person_id: UUID) -> int:
            played = 0
            playing.wait(timeout=30)
            while not over.is_set():
                in_transaction(busy, lambda session: _one_step(session, person_id, quiz_id))
                played += 1
            return played

        with ThreadPoolExecutor(20) as threads:
            came = [threads.submit(keep_playing, person) for person in people]
            playing.wait(timeout=30)
            try:
                made = [run(busy, "backup", tmp_path / name) for name in ("b.dump", "c.dump")]
            finally:
                over.set()
        assert [result.exit_code for result in made] == [0, 0], made[0].output
        assert all(steps.result() > 0 for steps in came)
    result = run(empty, "restore", tmp_path / "c.dump")
    assert result.exit_code == 0, result.output
    session = db.session()
    assert session.scalar(sa.select(sa.func.count()).select_from(QuizAttempt))
    assert_boards_are_right(session)
    assert standings.rebuild(session) == 0


def _one_step(session: Session, person_id: UUID, quiz_id: UUID) -> None:
    """Start an attempt, or answer one more question of the open one."""
    viewer = player(session.get_one(User, person_id))
    attempt = session.scalars(
        sa.select(QuizAttempt).where(
            QuizAttempt.user_id == person_id, QuizAttempt.completed_at.is_(None)
        )
    ).one_or_none()
    if attempt is None:
        starting.start_attempt(session, viewer, quiz_id)
    else:
        answer(session, viewer, attempt)


def test_whoever_signed_out_after_a_backup_of_pg_dumps_own_stays_signed_out(
    source: Source, used: Flask, tmp_path: Path
) -> None:
    to = ConnectionString.parse(used.config["DATABASE_DIRECT_URL"])
    programs = clients.newest(to, 18)
    with (
        clients.environment(to) as env,
        clients.Running(
            [programs.path("pg_dump"), "--schema=public", f"--file={tmp_path / 'whole.sql'}"], env
        ) as dumping,
    ):
        assert dumping.complaint() is None
    assert db.session.scalars(sa.select(LoginSession)).all()
    db.session.remove()
    assert run(used, "restore", tmp_path / "whole.sql", "--yes").exit_code == 0
    assert db.session.scalars(sa.select(LoginSession)).all() == []


def test_an_older_backup_is_restored_and_told_to_be_upgraded(used: Flask, tmp_path: Path) -> None:
    downgrade(revision="0002")
    older = everything()
    assert run(used, "backup", tmp_path / "b.sql.gz").exit_code == 0
    upgrade()
    result = run(used, "restore", tmp_path / "b.sql.gz", "--yes")
    assert result.exit_code == 0
    assert result.output.endswith("Run: flask db upgrade\n")
    assert everything().structure == older.structure
    upgrade()
    play(db.session(), player(add_user(db.session())), published_quiz(db.session()))


def test_the_owner_of_a_database_needs_no_more_rights(source: Source, worker_id: str) -> None:
    role = f"owner_{worker_id}"
    run_on_server(f"CREATE ROLE {role} LOGIN")
    try:
        with database(owner=role) as app, app.app_context():
            for expected in ("Restored", "Replace it?"):
                result = run(app, "restore", source.file("b.dump"), said="y\n")
                assert result.exit_code == 0, result.output
                assert expected in result.output
            assert run(app, "backup", "-").exit_code == 0
            assert everything().structure == source.held.structure
    finally:
        run_on_server(f"DROP ROLE {role}")


def test_a_role_whose_statements_are_cut_short_restores_and_backs_up_all_the_same(
    source: Source, worker_id: str
) -> None:
    role = f"hasty_{worker_id}"
    run_on_server(f"CREATE ROLE {role} LOGIN")
    run_on_server(f"ALTER ROLE {role} SET statement_timeout = '500ms'")
    try:
        with database(owner=role) as app, app.app_context(), ThreadPoolExecutor(1) as thread:
            # Its first restore meets nobody. Then each command waits longer for a table than the
            # role's statements may: the restore to drop it, the reset likewise, the backup to look.
            assert run(app, "restore", source.file("b.dump")).exit_code == 0
            url = app.config["DATABASE_URL"]
            for words in (
                ["restore", source.file("b.dump"), "--yes"],
                ["backup", "-"],
                ["reset", "--yes"],
            ):
                with psycopg.connect(url) as other, psycopg.connect(url, autocommit=True) as look:
                    mode = "ACCESS EXCLUSIVE" if words[0] == "backup" else "ACCESS SHARE"
                    other.execute(f"LOCK TABLE quiz IN {mode} MODE".encode())
                    let_go = thread.submit(_let_go_late, other, look)
                    result = run(app, *words)
                    assert result.exit_code == 0, result.output
                    let_go.result()
    finally:
        run_on_server(f"DROP ROLE {role}")


def _let_go_late(other: psycopg.Connection, look: psycopg.Connection) -> None:
    until(lambda: look.execute(LONG).fetchone(), "somebody to wait for longer than that")
    other.rollback()


def test_other_schemas_stay(source: Source, used: Flask) -> None:
    with db.engine.begin() as connection:
        before = connection.execute(sa.text("SELECT ahead FROM turned.clock")).all()
    assert run(used, "restore", source.file("b.dump"), "--yes").exit_code == 0
    assert b"turned" not in source.file("b.sql").read_bytes()
    with db.engine.begin() as connection:
        assert connection.execute(sa.text("SELECT ahead FROM turned.clock")).all() == before


# -- what changes nothing -------------------------------------------------------------------------


def cut(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


def without_its_end(data: bytes) -> bytes:
    return data[: data.index(b"-- PostgreSQL database dump complete")]


def of_a_newer_version(data: bytes) -> bytes:
    head = str(revisions.scripts().get_current_head()).encode()
    return data.replace(b"\n%s\n\\.\n" % head, b"\n0999\n\\.\n")


def of_a_newer_pg_dump(data: bytes) -> bytes:
    assert data[:7] == b"PGDMP\x01\x10"
    return data[:6] + b"\x63" + data[7:]


def with_a_line(line: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data.replace(
        b"\nCOPY public.quiz_board", b"\n%s\nCOPY public.quiz_board" % line
    )


def zipped(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda data: gzip.compress(change(gzip.decompress(data)))


def replaced(by: bytes) -> Callable[[bytes], bytes]:
    return lambda _: by


WRONG = {
    "plain, cut": ("b.sql", cut, "its end is missing"),
    "plain, cut before its end": ("b.sql", without_its_end, "its end is missing"),
    "gzip, cut": ("b.sql.gz", cut, "ended before the end-of-stream marker"),
    "gzip of a cut one": ("b.sql.gz", zipped(cut), "its end is missing"),
    "gzip, damaged": ("b.sql.gz", lambda data: data[:500] + b"?" * 9 + data[509:], "is damaged"),
    "custom, cut": ("b.dump", cut, "could not read from input file"),
    "custom, only its head": ("b.dump", lambda data: data[:200], "is damaged"),
    "plain by the name of custom": ("b.dump", replaced(b"SELECT 1;\n"), "is damaged"),
    "custom by the name of gzip": ("b.sql.gz", replaced(b"PGDMP\x01\x10"), "Not a gzipped file"),
    "empty": ("b.sql", replaced(b""), "no backup of Respondeo"),
    "of something else": (
        "b.sql",
        replaced(b"CREATE TABLE a (b int);\n"),
        "no backup of Respondeo",
    ),
    "of a newer version": ("b.sql", of_a_newer_version, "does not know its migration 0999"),
    "of a newer pg_dump": ("b.dump", of_a_newer_pg_dump, "made by a newer pg_dump"),
    "one statement fails": ("b.sql", with_a_line(b"INSERT INTO quiz VALUES (1);"), "said: "),
    **{
        f"it says {line.decode()}": ("b.sql", with_a_line(line), "ends the transaction")
        for line in (
            b"COMMIT;",
            b"commit;",
            b" COMMIT;",
            b"END;",
            b"COMMIT AND CHAIN;",
            b"SELECT 1; COMMIT; SELECT 1;",
            b"PREPARE TRANSACTION 'x';",
            b"SELECT 1; ROLLBACK;",
            b"SELECT 1; ROLLBACK; DROP TABLE public.rate_limit;",
        )
    },
    "it begins anew": ("b.sql", with_a_line(b"SELECT 1; ROLLBACK AND CHAIN;"), "said: "),
    "it rolls back": ("b.sql", with_a_line(b" Rollback ;"), "it rolls back"),
    "it aborts": ("b.sql", with_a_line(b"ABORT WORK;"), "it rolls back"),
    "it connects": ("b.sql", with_a_line(b"\\connect postgres"), "has commands for psql"),
    "it runs something": ("b.sql", with_a_line(b"SELECT 1 \\! touch /tmp/owned"), "said: "),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_file_changes_nothing(
    source: Source, tmp_path: Path, wrong: tuple[str, Callable[[bytes], bytes], str]
) -> None:
    name, change, said = wrong
    before = source.file(name).read_bytes()
    (tmp_path / name).write_bytes(change(before))
    assert change(before) != before
    result = run(source.app, "restore", tmp_path / name, "--force")
    assert result.exit_code == 1
    assert said in result.output, result.output
    assert not Path("/tmp/owned").exists()
    with source.app.app_context():
        assert everything() == source.held


def test_a_file_that_is_not_there_is_said_to_be_so(source: Source) -> None:
    for name in ("c.sql", "c.sql.gz", "c.dump"):
        result = run(source.app, "restore", source.file(name), "--yes")
        assert (result.exit_code, "No such file" in result.output) == (1, True)


def test_who_says_no_keeps_what_is_there(source: Source) -> None:
    result = run(source.app, "restore", source.file("b.dump"), said="n\n")
    assert result.exit_code == 1
    assert "holds 5 people, 1 quiz and 5 attempts. All of it would be replaced." in result.output
    with source.app.app_context():
        assert everything() == source.held


def test_tables_that_nobody_knows_are_named_and_go_only_by_force(
    source: Source, used: Flask
) -> None:
    with db.engine.begin() as connection:
        connection.execute(sa.text('CREATE TABLE wiki (quiz_id uuid REFERENCES quiz, "ß" serial)'))
    before = everything()
    result = run(used, "restore", source.file("b.dump"), "--yes")
    assert (result.exit_code, "does not know: wiki." in result.output) == (1, True)
    assert everything() == before
    assert run(used, "restore", source.file("b.dump"), "--force").exit_code == 0
    assert everything().structure == source.held.structure


def test_what_others_built_upon_our_tables_is_not_dropped_with_them(
    source: Source, used: Flask
) -> None:
    with db.engine.begin() as connection:
        connection.execute(sa.text("CREATE VIEW turned.names AS SELECT name FROM public.user"))
    before = everything()
    result = run(used, "restore", source.file("b.dump"), "--yes")
    assert result.exit_code == 1
    assert "other objects depend on" in result.output
    assert everything() == before


def test_a_table_in_use_stops_a_restore_after_a_while(
    source: Source, used: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "LOCK_TIMEOUT_S", 1)
    before = everything()
    with psycopg.connect(used.config["DATABASE_URL"], application_name="a report") as other:
        other.execute("SELECT * FROM quiz")
        result = run(used, "restore", source.file("b.dump"), "--yes")
    assert result.exit_code == 1
    assert "in use, so nothing was changed. Connected are: a report (1 connection)" in result.output
    assert everything() == before


def test_a_restore_that_is_killed_in_the_middle_changes_nothing(
    source: Source, used: Flask
) -> None:
    assert source.file("b.sql").stat().st_size > 200_000  # more than psql is sent ahead
    before, url = everything(), used.config["DATABASE_URL"]
    words = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "restore", "--yes"]
    with psycopg.connect(url) as other:
        other.execute("SELECT * FROM quiz")
        restoring_ = subprocess.Popen(
            [*words, str(source.file("b.dump"))],
            env=os.environ | {"APP_ENV": "demo", "DATABASE_URL": url},
        )
        with psycopg.connect(url, autocommit=True) as watching:
            until(lambda: watching.execute(WAITS).fetchone(), "psql to wait for the table")
            restoring_.kill()
            restoring_.wait()
            other.rollback()
            until(lambda: None if watching.execute(IS_THERE).fetchone() else True, "psql to go")
    assert everything() == before


def test_a_connection_that_ends_in_the_middle_is_said_to_have_ended(
    source: Source, used: Flask
) -> None:
    before, url = everything(), used.config["DATABASE_URL"]
    with (
        psycopg.connect(url) as other,
        psycopg.connect(url, autocommit=True) as watching,
        ThreadPoolExecutor(1) as thread,
    ):
        other.execute("SELECT * FROM quiz")
        restoring_ = thread.submit(run, used, "restore", source.file("b.dump"), "--yes")
        until(lambda: watching.execute(WAITS).fetchone(), "psql to wait for the table")
        watching.execute(f"SELECT pg_terminate_backend(pid) FROM ({WAITS}) waiting".encode())  # noqa: S608
        result = restoring_.result()
    assert result.exit_code == 1
    assert "The connection ended" in result.output
    assert "Restore it again." in result.output
    assert everything() == before


IS_THERE = (
    "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'psql'"
)
WAITS = f"{IS_THERE} AND wait_event_type = 'Lock'"
LONG = """
    SELECT pid FROM pg_stat_activity WHERE datname = current_database()
        AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > '0.7 s'
"""
