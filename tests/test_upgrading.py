"""`flask db upgrade` and `downgrade`: one at a time, step by step, and honest when a step fails."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from flask import Flask

from respondeo import create_app, migrating
from respondeo.database_trouble import AWAY, NEWER, RIGHTS
from respondeo.db import db
from tests.conftest import direct_url_of, run_on_server, settings_for
from tests.races.serving import until

ROOT = Path(__file__).parents[1]
FLASK = [sys.executable, "-m", "flask", "--app", "wsgi"]

STEP = '''"""A step of the test.

Revision: 0004, after 0003.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
loses = None


def upgrade():
    op.execute("CREATE TABLE half_done (id int)")
    {faulty}


def downgrade():
    op.execute("DROP TABLE half_done")
'''


class Deployment:
    """A program with migrations of its own, and a database."""

    def __init__(self, app: Flask, url: str, folder: Path) -> None:
        self.app = app
        self.url = url
        self.folder = folder

    @property
    def environment(self) -> dict[str, str]:
        """Of a process in production on this database."""
        return {
            "PATH": os.environ["PATH"],
            "SECRET_KEY": "of the test, long enough: 0123456789",
            "APP_URL": "https://quiz.example",
            "DATABASE_URL": self.url,
        }

    def run(self, *words: str) -> Result:
        return self.app.test_cli_runner().invoke(args=["db", *words])

    def add_step(self, faulty: str) -> None:
        """A newer program, whose last step does this."""
        (self.folder / "versions" / "0004_test.py").write_text(STEP.format(faulty=faulty))

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def stands_at(self) -> list[str]:
        with psycopg.connect(self.url) as connection:
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        return [row[0] for row in rows]

    def has(self, table: str) -> bool:
        with psycopg.connect(self.url) as connection:
            row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
        return bool(row and row[0])


@pytest.fixture
def deployment(worker_id: str, tmp_path: Path) -> Iterator[Deployment]:
    """On an empty database."""
    name = f"upgrading_{worker_id}"
    run_on_server(f"CREATE DATABASE {name}")
    url = direct_url_of(name)
    app = create_app(settings_for(url, app_env="production", app_url="https://quiz.example"))
    folder = tmp_path / "migrations"
    shutil.copytree(ROOT / "migrations", folder, ignore=shutil.ignore_patterns("__pycache__"))
    app.extensions["migrate"].directory = str(folder)
    yield Deployment(app, url, folder)
    with app.app_context():
        db.engine.dispose()
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_program_with_two_heads_says_so_and_changes_nothing(deployment: Deployment) -> None:
    deployment.add_step("pass")
    step = (deployment.folder / "versions" / "0004_test.py").read_text()
    (deployment.folder / "versions" / "0005_too.py").write_text(step.replace("0004", "0005"))
    for name in ("respondeo", "static", "templates", "wsgi.py"):
        (deployment.folder.parent / name).symlink_to(ROOT / name)
    for command in ("doctor", "upgrade"):
        done = subprocess.run(
            [*FLASK, "db", command],
            cwd=deployment.folder.parent,
            env=deployment.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        said = " ".join((done.stdout + done.stderr).split())
        assert "migrations have several heads: 0004, 0005. Join them:" in said
        assert "flask db merge heads" in said
        assert "Traceback" not in said
    assert not deployment.has("alembic_version")


def test_a_database_that_goes_away_after_the_last_step_is_no_traceback(
    deployment: Deployment, worker_id: str
) -> None:
    def say(line: str) -> None:
        if "done in" in line:
            run_on_server(f"ALTER DATABASE upgrading_{worker_id} ALLOW_CONNECTIONS false")

    with deployment.app.app_context(), pytest.raises(migrating.MigrationError) as failed:
        migrating.upgrade(deployment.app, "0001", say=say)
    assert AWAY.sentence in str(failed.value)


def test_each_step_is_told_and_doing_it_again_does_nothing(deployment: Deployment) -> None:
    first = deployment.run("upgrade")
    assert first.exit_code == 0
    for step in ("0001 (The first tables", "0002 (People", "0003 (Authors"):
        assert f"Up: {step}" in first.output
    assert first.output.count("done in") == 3
    assert first.output.endswith("The database is at 0003.\n")
    again = deployment.run("upgrade")
    assert again.exit_code == 0
    assert again.output.endswith("Nothing to do: it is at 0003.\n")
    assert "Up:" not in again.output


def test_a_step_that_fails_leaves_the_database_at_the_one_before(deployment: Deployment) -> None:
    deployment.add_step('op.execute("SELECT 1 / 0")')
    failed = deployment.run("upgrade")
    assert failed.exit_code == 1
    assert "Step 0004 (A step of the test) failed. It said: division by zero" in failed.output
    assert "Nothing of it was kept: the database is at 0003." in failed.output
    assert "Traceback" not in failed.output
    assert deployment.stands_at() == ["0003"]
    assert not deployment.has("half_done")
    deployment.add_step('op.execute("SELECT 1 / 1")')
    mended = deployment.run("upgrade")
    assert mended.exit_code == 0
    assert mended.output.count("Up:") == 1
    assert deployment.has("half_done")


def test_a_bug_in_a_step_is_shown_as_one_with_where_the_database_stands(
    deployment: Deployment,
) -> None:
    deployment.add_step('raise LookupError("a bug")')
    failed = deployment.run("upgrade")
    assert failed.exit_code == 1
    assert isinstance(failed.exception, LookupError)
    assert "Step 0004 (A step of the test) failed." in failed.output
    assert "the database is at 0003" in failed.output
    assert not deployment.has("half_done")


def test_a_statement_may_take_long_only_where_one_says_so(deployment: Deployment) -> None:
    deployment.add_step('op.execute("SELECT pg_sleep(1.5)")')
    failed = deployment.run("upgrade", "--statement-timeout", "1")
    assert failed.exit_code == 1
    assert "flask db upgrade --statement-timeout 0" in failed.output
    assert deployment.stands_at() == ["0003"]
    assert deployment.run("upgrade", "--statement-timeout", "0").exit_code == 0
    assert deployment.stands_at() == ["0004"]


def test_of_two_deploys_at_once_one_waits_and_says_so(deployment: Deployment) -> None:
    said: list[str] = []
    waiting = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        if "Another upgrade" in line:
            waiting.set()

    def second() -> None:
        with deployment.app.app_context():
            migrating.upgrade(deployment.app, say=say)

    thread = threading.Thread(target=second)
    with deployment.app.app_context(), migrating.alone(deployment.app):
        thread.start()
        assert waiting.wait(30)
        assert not deployment.has("quiz")
    thread.join(60)
    assert deployment.stands_at() == ["0003"]
    assert "Another upgrade is under way (process" in said[1]
    assert "It ended. Going on." in said


def test_two_deploys_at_once_make_each_step_once(deployment: Deployment) -> None:
    deploys = [
        subprocess.Popen(
            [*FLASK, "db", "upgrade"],
            cwd=ROOT,
            env=deployment.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [deploy.communicate(timeout=120)[0] for deploy in deploys]
    assert [deploy.returncode for deploy in deploys] == [0, 0], said
    assert sum(one.count("Up:") for one in said) == 3
    assert deployment.stands_at() == ["0003"]


BUILDS_AN_INDEX = """with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY ON half_done (id)")"""
# Between two questions, or in the server's own queue.
WAITS = """
    SELECT pid FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = 'respondeo upgrade' AND (state = 'idle' OR wait_event = 'advisory')
"""


def test_who_waits_for_an_upgrade_lets_it_build_an_index_beside_players(
    deployment: Deployment,
) -> None:
    deployment.add_step(BUILDS_AN_INDEX)
    waiting = threading.Event()

    def second() -> None:
        with migrating.alone(deployment.app, lambda _line: waiting.set()):
            pass

    thread = threading.Thread(target=second)

    def say(line: str) -> None:
        if "Up: 0004" in line:
            thread.start()
            assert waiting.wait(30)
            with psycopg.connect(deployment.url, autocommit=True) as watching:
                until(lambda: watching.execute(WAITS).fetchone(), "the second one to wait")

    with deployment.app.app_context():
        migrating.upgrade(deployment.app, say=say)
    thread.join(30)
    assert not thread.is_alive()
    assert deployment.stands_at() == ["0004"]


def test_a_table_in_use_is_waited_for_a_little_and_tried_again(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "LOCK_TIMEOUT_S", 0.2)
    monkeypatch.setattr(migrating, "PAUSES_S", (0.1, 0.1, 0.1))
    deployment.run("upgrade", "0001")
    said: list[str] = []
    with psycopg.connect(deployment.url) as player, deployment.app.app_context():
        player.execute('SELECT count(*) FROM "user"')  # and the transaction stays open

        def say(line: str) -> None:
            said.append(line)
            if "A table is in use" in line:
                player.rollback()

        migrating.upgrade(deployment.app, say=say)
    assert sum("A table is in use" in line for line in said) == 1
    assert deployment.stands_at() == ["0003"]


def test_a_table_that_stays_in_use_ends_the_upgrade_with_the_command_to_look(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "LOCK_TIMEOUT_S", 0.2)
    monkeypatch.setattr(migrating, "PAUSES_S", (0.1, 0.1))
    deployment.run("upgrade", "0001")
    with psycopg.connect(deployment.url) as player:
        player.execute('SELECT count(*) FROM "user"')
        failed = deployment.run("upgrade")
    assert failed.exit_code == 1
    assert failed.output.count("A table is in use") == 2
    assert "Step 0002" in failed.output
    assert "pg_stat_activity" in failed.output
    assert deployment.stands_at() == ["0001"]


def test_an_upgrade_never_goes_through_a_transaction_pooler(deployment: Deployment) -> None:
    settings = settings_for(deployment.url, database_direct_url=f"{deployment.url}&pgbouncer=true")
    done = create_app(settings).test_cli_runner().invoke(args=["db", "upgrade"])
    assert done.exit_code == 1
    assert "DATABASE_DIRECT_URL" in done.output
    assert not deployment.has("quiz")


def test_an_upgrade_goes_where_the_direct_string_leads(deployment: Deployment) -> None:
    settings = settings_for("postgresql://q@127.0.0.1:1/x", database_direct_url=deployment.url)
    done = create_app(settings).test_cli_runner().invoke(args=["db", "upgrade"])
    assert done.exit_code == 0
    assert deployment.stands_at() == ["0003"]


def test_a_database_of_a_newer_version_is_left_alone(deployment: Deployment) -> None:
    deployment.run("upgrade")
    deployment.execute("UPDATE alembic_version SET version_num = '9999'")
    for command in ("upgrade", "downgrade"):
        refused = deployment.run(command)
        assert refused.exit_code == 1
        assert NEWER.sentence in refused.output
        assert "9999" in refused.output
    assert deployment.stands_at() == ["9999"]


def test_what_cannot_be_reached_or_may_not_be_done_is_told_in_the_doctors_words(
    deployment: Deployment, worker_id: str
) -> None:
    role = f"upgrader_{worker_id}"
    run_on_server(f"CREATE ROLE {role} LOGIN")
    try:
        for url, trouble in (
            ("postgresql://q:hushhush@127.0.0.1:1/x", AWAY),
            (deployment.url.replace("//respondeo@", f"//{role}@"), RIGHTS),
        ):
            app = create_app(settings_for(url))
            done = app.test_cli_runner().invoke(args=["db", "upgrade"])
            assert done.exit_code == 1
            assert trouble.sentence in done.output
            assert "flask db doctor" in done.output
            assert "hushhush" not in done.output
    finally:
        run_on_server(f"DROP ROLE {role}")


@pytest.mark.parametrize("command", ["current", "check", "stamp"])
def test_the_commands_of_flask_migrate_say_in_the_same_words_what_is_wrong(command: str) -> None:
    app = create_app(settings_for("postgresql://q:hushhush@127.0.0.1:1/x"))
    done = app.test_cli_runner().invoke(args=["db", command])
    assert done.exit_code == 1
    assert AWAY.sentence in done.output
    assert "hushhush" not in done.output


def test_there_is_no_such_revision(deployment: Deployment) -> None:
    done = deployment.run("upgrade", "nonsense")
    assert done.exit_code == 1
    assert "flask db history" in done.output


# -- going down -----------------------------------------------------------------------------------


def test_what_a_downgrade_takes_away_is_said_first_and_needs_a_yes(deployment: Deployment) -> None:
    deployment.run("upgrade")
    refused = deployment.run("downgrade")
    assert refused.exit_code == 2
    assert "0003 (Authors" in refused.output
    assert "What the pictures of questions show, in words." in refused.output
    assert "--yes" in refused.output
    assert deployment.stands_at() == ["0003"]
    assert deployment.run("downgrade", "--yes").exit_code == 0
    assert deployment.stands_at() == ["0002"]


def test_a_step_that_loses_nothing_needs_no_yes(deployment: Deployment) -> None:
    deployment.add_step("pass")
    deployment.run("upgrade")
    done = deployment.run("downgrade")
    assert done.exit_code == 0
    assert "takes away" not in done.output
    assert deployment.stands_at() == ["0003"]


def test_several_steps_down_tell_of_all_their_losses(deployment: Deployment) -> None:
    deployment.run("upgrade")
    done = deployment.run("downgrade", "-2", "--yes")
    assert done.exit_code == 0
    assert "What the pictures of questions show" in done.output
    assert "Which name people chose" in done.output
    assert deployment.stands_at() == ["0001"]
    assert deployment.run("downgrade", "base", "--yes").exit_code == 0
    assert not deployment.has("quiz")


@pytest.mark.parametrize(("typed", "left"), [(b"n\n", "0003"), (b"y\n", "0002")])
def test_whoever_sits_at_a_terminal_is_asked(
    deployment: Deployment, typed: bytes, left: str
) -> None:
    deployment.run("upgrade")
    ours, theirs = pty.openpty()
    os.write(ours, typed)
    subprocess.run(
        [*FLASK, "db", "downgrade"],
        cwd=ROOT,
        env=deployment.environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        check=False,
        timeout=120,
    )
    os.close(theirs)
    os.close(ours)
    assert deployment.stands_at() == [left]
