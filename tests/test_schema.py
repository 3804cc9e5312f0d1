"""Models and migrations agree, and the schema keeps the promises of the architecture."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.orm import Session

from respondeo import models
from respondeo.db import Base
from tests.conftest import run_on_server, url_of
from tests.factories import add_user, player, published_quiz
from tests.services.plays import play, start

TABLES = sorted(Base.metadata.tables)
IMMUTABLE = {"question", "answer", "quiz_version", "quiz_version_question"}


@pytest.fixture(scope="module")
def from_models(worker_id: str) -> Iterator[sa.Connection]:
    """A database whose tables were made from the models, without any migration."""
    name = f"respondeo_models_{worker_id}"
    run_on_server(f"CREATE DATABASE {name}")
    with connected(sa.make_url(url_of(name, turned=False))) as connection:
        Base.metadata.create_all(connection)
        connection.commit()
        yield connection
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


def connected(url: sa.URL) -> sa.Connection:
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    return engine.connect()


@pytest.fixture(scope="module")
def migrated(database: str) -> Iterator[sa.Connection]:
    """The migrated database, without the clock that tests turn."""
    plain = sa.make_url(database).difference_update_query(["options"])
    with connected(plain) as connection:
        yield connection


def test_alembic_finds_nothing_to_migrate(migrated: sa.Connection) -> None:
    context = MigrationContext.configure(migrated, opts={"compare_server_default": True})
    assert compare_metadata(context, Base.metadata) == []


CONSTRAINTS = """
    SELECT conname, pg_get_constraintdef(pg_constraint.oid)
    FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
    WHERE relname = :table AND contype NOT IN ('n', 't') AND relnamespace = 'public'::regnamespace
"""
COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod), attnotnull,
        replace(pg_get_expr(adbin, adrelid), '''0''::bigint', '0')
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = format('public.%I', CAST(:table AS text))::regclass
        AND attnum > 0 AND NOT attisdropped
"""
INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = :table
"""
KIND = """
    SELECT relkind, relpersistence FROM pg_class
    WHERE oid = format('public.%I', CAST(:table AS text))::regclass
"""


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "query",
    [CONSTRAINTS, COLUMNS, INDEXES, KIND],
    ids=["constraints", "columns", "indexes", "kind"],
)
def test_the_migrated_table_is_the_one_the_model_makes(
    migrated: sa.Connection, from_models: sa.Connection, table: str, query: str
) -> None:
    found, modelled = (
        {tuple(row) for row in connection.execute(sa.text(query), {"table": table})}
        for connection in (migrated, from_models)
    )
    assert found == modelled
    assert found


def test_there_is_no_table_without_a_model(session: Session) -> None:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    tables = set(session.scalars(sa.text(query)))
    assert tables - {"alembic_version"} == set(TABLES)
    assert set(models.__all__) == {mapper.class_.__name__ for mapper in Base.registry.mappers}


def test_the_seeds_tables_have_kept_their_names() -> None:
    assert {
        "user", "session", "account", "apikey", "quiz", "question", "answer", "quiz_attempt",
        "attempt_answer",
    } <= set(TABLES)  # fmt: skip


def test_every_foreign_key_has_an_index_that_begins_with_its_columns(session: Session) -> None:
    inspector = sa.inspect(session.connection())
    bare = []
    for table in TABLES:
        indexed = [
            list(index["column_names"])
            for index in inspector.get_indexes(table)
            if not index.get("dialect_options", {}).get("postgresql_where")
        ]
        unique = inspector.get_unique_constraints(table)
        indexed += [list(constraint["column_names"]) for constraint in unique]
        indexed.append(list(inspector.get_pk_constraint(table)["constrained_columns"]))
        for key in inspector.get_foreign_keys(table):
            columns = key["constrained_columns"]
            if not any(list(some[: len(columns)]) == columns for some in indexed):
                bare.append((table, columns))
    assert bare == []


def test_every_moment_is_stored_with_its_time_zone() -> None:
    bare = [
        str(column)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, sa.DateTime) and not column.type.timezone
    ]
    assert bare == []


def test_ids_are_in_order_of_time_but_those_of_questions_and_answers_tell_nothing(
    session: Session,
) -> None:
    play(session, player(add_user(session)), published_quiz(session))
    versions = {
        table.name: {
            UUID(str(found)).version for found in session.scalars(sa.select(table.columns.id))
        }
        for table in Base.metadata.sorted_tables
        if "id" in table.columns
    }
    filled = {name: found for name, found in versions.items() if found}
    assert filled == {
        "user": {7}, "quiz": {7}, "quiz_version": {7}, "quiz_attempt": {7},
        "question": {4}, "answer": {4},
    }  # fmt: skip


@pytest.mark.parametrize("table", sorted(set(TABLES) - {"rate_limit", "catalogue"}))
def test_a_primary_key_is_a_uuid_or_made_of_what_the_row_belongs_to(table: str) -> None:
    key = Base.metadata.tables[table].primary_key.columns
    assert all(isinstance(c.type, sa.Uuid) or c.name == "position" for c in key)
    if [column.name for column in key] != ["id"]:
        assert all(c.foreign_keys or c.name == "position" for c in key)


def test_the_trigger_guards_what_was_published_and_nothing_else(session: Session) -> None:
    query = sa.text(
        "SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger"
        " WHERE NOT tgisinternal AND tgname = 'immutable'"
    )
    guards = {row[0]: row[1] for row in session.execute(query)}
    assert set(guards) == IMMUTABLE
    assert all("BEFORE DELETE OR UPDATE" in guard for guard in guards.values())


def test_only_counts_of_requests_may_be_lost_in_a_crash(session: Session) -> None:
    query = "SELECT relname FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r'"
    assert session.scalars(sa.text(query)).all() == ["rate_limit"]


# -- what the database itself refuses -------------------------------------------------------------

REFUSED = {
    "a second open attempt": "INSERT INTO quiz_attempt SELECT (a.copied).* FROM (SELECT"
    " jsonb_populate_record(quiz_attempt, jsonb_build_object('id', gen_random_uuid(), 'number', 9))"
    " AS copied FROM quiz_attempt) a",
    "a number twice": "INSERT INTO quiz_attempt SELECT (a.copied).* FROM (SELECT"
    " jsonb_populate_record(quiz_attempt, jsonb_build_object('id', gen_random_uuid(),"
    " 'completed_at', now(), 'deadline_at', null, 'shown_at', null, 'total_time_ms', 1))"
    " AS copied FROM quiz_attempt) a",
    "a question twice": "INSERT INTO attempt_answer SELECT * FROM attempt_answer",
    "an answer of another question": "UPDATE attempt_answer SET answered_at = now(), time_ms = 1,"
    " is_correct = true, answer_id = (SELECT id FROM answer"
    " WHERE question_id <> attempt_answer.question_id LIMIT 1)",
    "an answer without its time": "UPDATE attempt_answer SET answered_at = now(),"
    " is_correct = true, answer_id = (SELECT id FROM answer"
    " WHERE question_id = attempt_answer.question_id LIMIT 1)",
    "more time than the limit": "UPDATE quiz_attempt SET spent_ms = 60001",
    "time that runs backwards": "UPDATE quiz_attempt SET spent_ms = -1",
    "more right than there are": "UPDATE quiz_attempt SET correct_count = 4",
    "an open attempt without deadline": "UPDATE quiz_attempt SET deadline_at = null",
    "an open attempt nowhere": "UPDATE quiz_attempt SET shown_at = null",
    "an attempt open and over": "UPDATE quiz_attempt SET completed_at = now()",
    "nobody's attempt": "UPDATE quiz_attempt SET user_id = null",
    "a guest who ranks": "UPDATE quiz_attempt SET user_id = null, guest_token = 'x', ranked = true",
    "an address twice": "UPDATE \"user\" SET email = 'same@people.example'",
    "an address in capitals": "UPDATE \"user\" SET email = 'A@people.example'",
}


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED)
def test_the_database_refuses(session: Session, statement: str) -> None:
    quiz = published_quiz(session, time_limit_seconds=60, max_attempts=3)
    start(session, player(add_user(session)), quiz)
    with pytest.raises(sa.exc.IntegrityError):
        session.execute(sa.text(statement))
