"""`flask db push` and `flask db reset`: for development, and for nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import downgrade

from respondeo import create_app, migrating, pushing, revisions, schema
from respondeo.db import db
from tests.cli.databases import Everything, database, everything, run
from tests.conftest import settings_for
from tests.factories import add_user, player, published_quiz
from tests.services.plays import play

AGREES = "The database agrees with the models: nothing had to change.\n"


@pytest.fixture
def app() -> Iterator[Flask]:
    """A development database that somebody played on."""
    with database(migrated=True) as app, app.app_context():
        session = db.session()
        play(session, player(add_user(session)), published_quiz(session))
        session.commit()
        yield app


@pytest.fixture
def before(app: Flask) -> Everything:
    return everything()


def change(*statements: str) -> None:
    """Change the database behind the back of models and migrations."""
    with db.engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def in_production(app: Flask) -> Flask:
    values = {"app_env": "production", "app_url": "https://quiz.example.org"}
    return create_app(settings_for(app.config["DATABASE_URL"], **values))


# -- push -----------------------------------------------------------------------------------------


def test_what_the_models_have_and_the_database_has_not_is_made(
    app: Flask, before: Everything
) -> None:
    change(
        'ALTER TABLE "user" DROP COLUMN provider_image',
        "ALTER TABLE apikey ALTER requests_per_minute TYPE bigint,"
        " ALTER requests_per_minute SET DEFAULT 7, ALTER name DROP NOT NULL",
        "ALTER TABLE quiz_version DROP CONSTRAINT ck_quiz_version_difficulty,"
        " ADD CONSTRAINT ck_quiz_version_difficulty CHECK (difficulty IN ('easy', 'medium'))",
        "ALTER TABLE quiz_version ADD CONSTRAINT ck_mine CHECK (number < 100)",
        "DROP INDEX ix_quiz_published_at",
        "DROP TABLE media, rate_limit",
    )
    result = run(app, "push")
    assert result.exit_code == 0, result.output
    after = everything()
    assert after.structure == before.structure
    assert set(after.rows) == set(before.rows)
    assert after.rows["alembic_version"] == before.rows["alembic_version"]
    assert after.rows["quiz_attempt"] == before.rows["quiz_attempt"]
    for said in (
        'ALTER TABLE "user" ADD COLUMN provider_image TEXT;\n',
        "CREATE UNLOGGED TABLE rate_limit (",
        "CREATE INDEX ix_quiz_published_at ON quiz (published_at) INCLUDE (id, language",
        "ALTER TABLE quiz_version DROP CONSTRAINT ck_mine;\n",
        "ALTER TABLE quiz_version ADD CONSTRAINT ck_quiz_version_difficulty CHECK (",
        f"alembic_version still says {revisions.scripts().get_current_head()}.",
        '  flask db migrate -m "What changes"\n',
    ):
        assert said in result.output, result.output
    assert run(app, "push").output == AGREES


def test_data_is_dropped_only_when_told(app: Flask, before: Everything) -> None:
    change("ALTER TABLE quiz ADD COLUMN mood text", "CREATE TABLE badge (id uuid PRIMARY KEY)")
    change("DROP INDEX ix_quiz_published_at")
    changed = everything()
    result = run(app, "push")
    assert result.exit_code == 1
    assert "  DROP TABLE badge;\n  ALTER TABLE quiz DROP COLUMN mood;\n" in result.output
    assert everything() == changed
    assert run(app, "push", "--drop").exit_code == 0
    assert everything() == before


def test_an_empty_database_gets_what_only_migrations_know_too(before: Everything) -> None:
    with database() as new, new.app_context():
        assert run(new, "push").output.endswith(AGREES)
        assert everything().structure == before.structure


def test_a_database_that_is_behind_is_upgraded_first(app: Flask, before: Everything) -> None:
    downgrade(revision="0002")
    assert run(app, "push").exit_code == 0
    assert everything().structure == before.structure


def test_a_migration_of_what_was_pushed_before_leads_to_a_reset(app: Flask) -> None:
    change("UPDATE alembic_version SET version_num = '0002'")
    result = run(app, "push")
    assert result.exit_code == 1
    assert 'column "image_alt" of relation "question" already exists' in result.output
    assert result.output.endswith("start anew: flask db reset\n")


def test_a_migration_of_another_branch_leads_there_or_to_a_reset(app: Flask) -> None:
    change("UPDATE alembic_version SET version_num = '0999'")
    result = run(app, "push")
    assert (result.exit_code, "there is no file of: 0999." in result.output) == (1, True)


def test_what_the_rows_do_not_allow_changes_nothing(app: Flask) -> None:
    change("DROP INDEX ix_quiz_published_at", 'ALTER TABLE "user" ALTER name DROP NOT NULL')
    change('UPDATE "user" SET name = NULL')
    before = everything()
    result = run(app, "push")
    assert result.exit_code == 1
    assert 'Nothing was changed. PostgreSQL said: column "name"' in result.output
    assert everything() == before


# -- reset ----------------------------------------------------------------------------------------


def test_a_reset_leaves_an_empty_database_at_the_newest_migration(
    app: Flask, before: Everything
) -> None:
    change("CREATE TABLE badge (id uuid)", "CREATE TYPE colour AS ENUM ('red')")
    change("CREATE VIEW names AS SELECT name FROM public.user")
    result = run(app, "reset", said="y\nn\n")
    assert result.exit_code == 0, result.output
    assert "holds 2 people, 1 quiz and 1 attempt, and also badge." in result.output
    assert result.output.endswith("The demo content comes with: flask demo load\n")
    after = everything()
    assert after.structure == before.structure
    # These two have one row each from the first.
    assert {table for table, rows in after.rows.items() if rows} == {"alembic_version", "catalogue"}
    change("SELECT ahead FROM turned.clock")  # another schema


def test_a_reset_offers_the_demo(app: Flask) -> None:
    result = run(app, "reset", "--yes", "--demo")
    assert result.exit_code == 0, result.output
    assert "Loaded 12 quizzes" in result.output


def test_who_says_no_keeps_what_is_there(app: Flask, before: Everything) -> None:
    result = run(app, "reset", said="n\n")
    assert (result.exit_code, "for good" in result.output) == (1, True)
    assert everything() == before


@pytest.mark.parametrize("words", [["push", "--drop"], ["reset", "--yes", "--demo"]], ids=str)
def test_production_is_refused(app: Flask, before: Everything, words: list[str]) -> None:
    change("CREATE TABLE badge (id uuid)")
    changed = everything()
    result = run(in_production(app), *words)
    assert result.exit_code == 1
    assert "is for development, and APP_ENV is production. Nothing was changed." in result.output
    assert everything() == changed


@pytest.mark.parametrize("words", [["push"], ["reset", "--yes"]], ids=str)
def test_tables_in_use_are_waited_for_not_for_ever(
    app: Flask, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr(pushing, "LOCK_TIMEOUT_S", 1)
    monkeypatch.setattr(schema, "LOCK_TIMEOUT_S", 1)
    change("DROP INDEX ix_quiz_published_at")
    before = everything()
    with psycopg.connect(app.config["DATABASE_URL"], application_name="a report") as other:
        other.execute("LOCK TABLE quiz IN ROW EXCLUSIVE MODE")
        result = run(app, *words)
    assert result.exit_code == 1
    assert "in use, so nothing was changed. Connected are: a report (1 connection)" in result.output
    assert everything() == before


@pytest.mark.parametrize("words", [["push"], ["reset", "--yes"], ["restore", "--yes"]])
def test_an_upgrade_under_way_is_left_alone(app: Flask, tmp_path: Path, words: list[str]) -> None:
    assert run(app, "backup", tmp_path / "b.sql").exit_code == 0
    before = everything()
    file = [tmp_path / "b.sql"] if words[0] == "restore" else []
    with migrating.alone(app):
        result = run(app, *words, *file)
    assert result.exit_code == 1
    assert "so nothing was changed" in result.output
    assert "respondeo upgrade (1 connection)" in result.output
    assert everything() == before
