"""Revisions, tables, indexes, triggers: what is not as the migrations made it, and mended."""

from __future__ import annotations

import psycopg
import pytest

from respondeo.database_trouble import BUSY, NEWER, SCHEMA
from respondeo.doctor import State, schema
from respondeo.doctor.schema import GUARDED
from tests.doctor.clinic import Clinic, failed, is_well, looked, states


def revision(clinic: Clinic, *stored: str) -> None:
    """Say that the database is at these revisions."""
    clinic.run("DELETE FROM alembic_version")
    for one in stored:
        clinic.run(f"INSERT INTO alembic_version SELECT '{one}'")


def test_a_database_behind_is_told_which_steps_are_missing(clinic: Clinic) -> None:
    revision(clinic, "0001")
    finding = failed(looked(clinic.url()), "migrations")
    assert SCHEMA.sentence in finding.says
    assert "0002 (People" in finding.says
    assert "0003 (Authors" in finding.says
    assert finding.mend == ("flask db upgrade",)


def test_a_database_of_a_newer_version_is_no_matter_of_an_upgrade(clinic: Clinic) -> None:
    revision(clinic, "9999")
    finding = failed(looked(clinic.url()), "migrations")
    assert NEWER.sentence in finding.says
    assert "9999" in finding.says
    assert "flask db upgrade" not in finding.mend


def test_a_database_at_two_revisions_is_wrong(clinic: Clinic) -> None:
    revision(clinic, "0002", "0003")
    assert "0002, 0003" in failed(looked(clinic.url()), "migrations").says


def test_tables_without_a_revision_are_told_from_an_empty_database(clinic: Clinic) -> None:
    revision(clinic)
    assert "tables of that name are there" in failed(looked(clinic.url()), "migrations").says
    clinic.run("DROP TABLE alembic_version")
    assert "tables of that name are there" in failed(looked(clinic.url()), "migrations").says
    clinic.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION pg_database_owner")
    assert "It is empty" in failed(looked(clinic.url()), "migrations").says


BROKEN = {
    "DROP INDEX ix_session_expires_at": "ix_session_expires_at is missing",
    "DROP INDEX uq_quiz_attempt_open": "uq_quiz_attempt_open is missing",
    "ALTER TABLE apikey DROP CONSTRAINT uq_apikey_key_hash": "uq_apikey_key_hash is missing",
    "ALTER TABLE account DROP CONSTRAINT fk_account_user_id": "fk_account_user_id is missing",
    "ALTER TABLE quiz_attempt DROP CONSTRAINT ck_quiz_attempt_number": "number is missing",
    "DROP TRIGGER immutable ON answer": "answer has lost its trigger",
    "ALTER TABLE question DISABLE TRIGGER immutable": "question is switched off",
    "CREATE UNIQUE INDEX odd ON quiz (created_at)": "may refuse rows: odd",
    "ALTER TABLE media DROP CONSTRAINT ck_media_size; ALTER TABLE media ADD CONSTRAINT"
    " ck_media_size CHECK (width > 0 AND height > 0) NOT VALID": "ck_media_size is not valid",
}


def test_what_is_broken_by_hand_is_named_and_mended_by_the_commands(clinic: Clinic) -> None:
    for damage in BROKEN:
        clinic.run(damage)
    found = looked(clinic.url())["tables"].findings
    assert len(found) == len(BROKEN)
    for words in BROKEN.values():
        assert any(words in finding.says for finding in found), words
    for finding in found:
        clinic.follow(finding.mend[0])
    assert is_well(looked(clinic.url()))


LOST = {
    "DROP TABLE rate_limit": "The table rate_limit is missing",
    "ALTER TABLE quiz DROP COLUMN updated_at": "quiz has lost its column updated_at",
    "ALTER TABLE quiz ADD COLUMN extra int": "no migration made: extra",
    "ALTER TABLE quiz ALTER COLUMN created_at DROP NOT NULL": "quiz.created_at is not as",
}


def test_who_upgrades_is_who_mends(clinic: Clinic, stranger: str) -> None:
    clinic.run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {stranger}")
    clinic.run("DROP INDEX ix_session_expires_at")
    finding = failed(looked(clinic.url(stranger), clinic.url()), "tables")
    assert f"postgresql://{clinic.owner}@" in finding.mend[0]


def test_what_is_lost_is_named(clinic: Clinic) -> None:
    for damage in LOST:
        clinic.run(damage)
    found = looked(clinic.url())["tables"].findings
    for words in LOST.values():
        assert any(words in finding.says and finding.mend for finding in found), words


def test_an_index_whose_build_did_not_end_is_found_and_built_again(clinic: Clinic) -> None:
    clinic.run("DROP INDEX ix_session_expires_at")
    url = clinic.url()
    with psycopg.connect(url) as old, psycopg.connect(url, autocommit=True) as builder:
        old.execute("DELETE FROM session")  # has not ended: the build waits for it
        builder.execute("SET statement_timeout = '200ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            builder.execute(
                "CREATE INDEX CONCURRENTLY ix_session_expires_at ON session (expires_at)"
            )
    finding = failed(looked(url), "tables")
    assert "ix_session_expires_at is not valid" in finding.says
    assert "REINDEX INDEX CONCURRENTLY" in finding.mend[0]
    clinic.follow(finding.mend[0])
    assert is_well(looked(url))


@pytest.mark.parametrize("table", ["alembic_version", "quiz"])
def test_nobody_waits_for_long_while_a_table_is_locked(
    clinic: Clinic, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "PATIENCE_S", 0.3)
    with psycopg.connect(clinic.url()) as upgrade:
        upgrade.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
        results = looked(clinic.url())
    check = "migrations" if table == "alembic_version" else "tables"
    assert BUSY.sentence in failed(results, check).says


def test_every_trigger_of_the_migrations_is_one_the_doctor_knows(clinic: Clinic) -> None:
    with psycopg.connect(clinic.url()) as connection:
        found = connection.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
        ).fetchall()
    assert tuple(row[0] for row in found) == GUARDED


def test_an_index_that_somebody_added_may_stay(clinic: Clinic) -> None:
    clinic.run("CREATE INDEX added ON quiz (created_at)")
    results = looked(clinic.url())
    (finding,) = results["tables"].findings
    assert (finding.state, finding.mend) == (State.WARNS, ())
    assert "that no migration made: added" in finding.says
    assert State.FAILS not in states(results).values()


def test_tables_of_somebody_elses_do_not_matter(clinic: Clinic) -> None:
    clinic.run("CREATE TABLE notes (id int PRIMARY KEY, words text)")
    assert is_well(looked(clinic.url()))
