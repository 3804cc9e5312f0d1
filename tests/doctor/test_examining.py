"""Each thing that can be wrong with a database: named, and mended by the command that is named."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest

from respondeo import create_app
from respondeo.database_trouble import AWAY, BUSY, MISSING, NEWER, PASSWORD, RIGHTS, SCHEMA
from respondeo.doctor import CHECKS, State
from respondeo.doctor.schema import GUARDED
from tests.conftest import run_on_server, settings_for
from tests.doctor.clinic import Clinic, failed, is_well, looked, states


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_healthy_database_passes_every_check(clinic: Clinic) -> None:
    assert is_well(looked(clinic.url(), clinic.url()))


# -- getting there --------------------------------------------------------------------------------


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
def test_what_is_no_postgresql_is_told_from_one(mode: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as web:
        answers = threading.Thread(target=answer_like_a_website, args=[web], daemon=True)
        answers.start()
        port = web.getsockname()[1]
        finding = failed(looked(f"postgresql://q:hush@127.0.0.1:{port}/x?sslmode={mode}"), "tls")
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
    finding = failed(looked(clinic.url("nobody_here")), "authentication")
    assert PASSWORD.sentence in finding.says
    assert 'role "nobody_here" does not exist' in finding.says
    clinic.follow(finding.mend[0])
    try:
        assert looked(clinic.url("nobody_here"))["authentication"].state is State.PASSES
    finally:
        run_on_server("DROP ROLE nobody_here")


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


# -- what one may ---------------------------------------------------------------------------------


def test_since_15_a_grant_on_the_database_makes_no_tables_and_owning_it_does(
    clinic: Clinic, stranger: str
) -> None:
    clinic.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION pg_database_owner")
    clinic.run("GRANT USAGE ON SCHEMA public TO PUBLIC")
    clinic.run(f"GRANT ALL PRIVILEGES ON DATABASE {clinic.database} TO {stranger}")
    finding = looked(clinic.url(stranger))["rights"].findings[0]
    assert RIGHTS.sentence in finding.says
    assert "PostgreSQL 15" in finding.says
    assert "ALTER DATABASE" in finding.mend[0]
    clinic.follow(finding.mend[0])
    assert looked(clinic.url(stranger))["rights"].state is State.PASSES


def test_a_schema_of_somebody_elses_is_opened_by_the_command(clinic: Clinic, stranger: str) -> None:
    clinic.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION CURRENT_USER")
    says = []
    for _ in range(2):  # first into the schema, then tables in it
        finding = looked(clinic.url(stranger))["rights"].findings[0]
        if finding.state is State.FAILS:
            says.append(finding.says)
            clinic.follow(finding.mend[0])
    assert "schema" in says[0]
    assert looked(clinic.url(stranger))["rights"].state is State.PASSES


def test_tables_that_one_may_not_write_are_opened_by_the_command(
    clinic: Clinic, stranger: str
) -> None:
    """As where one role upgrades (DATABASE_DIRECT_URL) and another serves."""
    finding = looked(clinic.url(stranger), clinic.url())["rights"].findings[0]
    assert "may not read and write account, answer" in finding.says
    clinic.follow(finding.mend[0])
    clinic.run(f"GRANT SELECT ON alembic_version TO {stranger}")
    assert is_well(looked(clinic.url(stranger), clinic.url()))


def test_tables_of_another_role_are_taken_over_by_the_command(
    clinic: Clinic, stranger: str
) -> None:
    clinic.run(f"ALTER DATABASE {clinic.database} OWNER TO {stranger}")
    clinic.run(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {stranger}")
    finding = looked(clinic.url(stranger))["rights"].findings[0]
    assert f"belong to {clinic.owner}" in finding.says
    clinic.follow(finding.mend[0])
    assert is_well(looked(clinic.url(stranger)))


def test_a_role_that_only_reads_is_freed_by_the_command(clinic: Clinic) -> None:
    for where in ("ROLE {0} IN DATABASE {1}", "DATABASE {1}"):
        target = where.format(clinic.owner, clinic.database)
        clinic.run(f"ALTER {target} SET default_transaction_read_only = on")
        finding = failed(looked(clinic.url()), "rights")
        assert "read-only" in finding.says
        for command in finding.mend:
            clinic.follow(command)
        assert is_well(looked(clinic.url()))


# -- what the server is ---------------------------------------------------------------------------


def test_a_database_in_another_encoding_is_refused(clinic: Clinic) -> None:
    name = f"latin_{clinic.database}"
    run_on_server(
        f"CREATE DATABASE {name} OWNER {clinic.owner} ENCODING 'LATIN1' LOCALE 'C'"
        " TEMPLATE template0"
    )
    try:
        finding = looked(Clinic(name, clinic.owner).url())["encoding"].findings[0]
        assert finding.state is State.FAILS
        assert "LATIN1" in finding.says
        clinic.follow(finding.mend[0])
        other = looked(Clinic(f"{name}_utf8", clinic.owner).url())
        assert other["encoding"].state is State.PASSES
        assert other["rights"].state is State.PASSES
    finally:
        for made in (name, f"{name}_utf8"):
            run_on_server(f"DROP DATABASE IF EXISTS {made} WITH (FORCE)")


@pytest.mark.parametrize(("turned", "word"), [("1 hour", "ahead of"), ("-90 seconds", "behind")])
def test_clocks_that_disagree_are_a_warning(clinic: Clinic, turned: str, word: str) -> None:
    clinic.run(
        "CREATE SCHEMA turned; CREATE FUNCTION turned.clock_timestamp() RETURNS timestamptz"
        f" LANGUAGE sql AS $$ SELECT pg_catalog.clock_timestamp() + '{turned}'::interval $$;"
        "GRANT USAGE ON SCHEMA turned TO PUBLIC"
    )
    results = looked(clinic.url(options="-csearch_path=public,turned,pg_catalog"))
    (finding,) = results["clocks"].findings
    assert finding.state is State.WARNS
    assert word in finding.says
    assert State.FAILS not in states(results).values()


def test_no_secret_of_the_string_stands_in_a_command(clinic: Clinic) -> None:
    url = clinic.url(pgbouncer="true", sslpassword="hushhush", password="hushhush")
    results = looked(url, clinic.url())
    assert "sslpassword=SECRET" in results["pooler"].findings[0].mend[0]
    assert "hushhush" not in repr(results)


def test_a_pooler_that_is_not_there_is_a_warning(clinic: Clinic) -> None:
    finding = looked(clinic.url(pgbouncer="true"))["pooler"].findings[0]
    assert finding.state is State.WARNS
    assert "pgbouncer=true" not in finding.mend[0]


# -- DATABASE_DIRECT_URL --------------------------------------------------------------------------


def test_the_direct_string_must_lead_to_the_same_database(clinic: Clinic, model: Clinic) -> None:
    finding = failed(looked(clinic.url(), model.url()), "direct")
    assert model.database in finding.says
    assert clinic.database in finding.says


def test_the_direct_string_is_examined_as_the_first(clinic: Clinic) -> None:
    said = {
        "postgresql://q:hush#hush@h/x": "cannot be understood",
        "postgresql://q:hush@127.0.0.1:1/x": AWAY.sentence,
        clinic.url("nobody_here"): PASSWORD.sentence,
        Clinic("nothing_here", clinic.owner).url(): MISSING.sentence,
        clinic.url(pgbouncer="true"): "pooler in transaction mode",
    }
    for direct, words in said.items():
        finding = failed(looked(clinic.url(), direct), "direct")
        assert words in finding.says
        assert "hush" not in repr(finding)


def test_who_is_pooled_needs_a_direct_string(clinic: Clinic) -> None:
    finding = failed(looked(clinic.url(pgbouncer="true")), "direct")
    assert "DATABASE_DIRECT_URL is not set" in finding.says
    results = looked(clinic.url(pgbouncer="true"), clinic.url())
    assert results["direct"].state is State.PASSES


# -- revisions ------------------------------------------------------------------------------------


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


# -- tables ---------------------------------------------------------------------------------------

BROKEN = {
    "DROP INDEX ix_session_expires_at": "ix_session_expires_at is missing",
    "DROP INDEX uq_quiz_attempt_open": "uq_quiz_attempt_open is missing",
    "ALTER TABLE apikey DROP CONSTRAINT uq_apikey_key_hash": "uq_apikey_key_hash is missing",
    "ALTER TABLE account DROP CONSTRAINT fk_account_user_id": "fk_account_user_id is missing",
    "ALTER TABLE quiz_attempt DROP CONSTRAINT ck_quiz_attempt_number": "number is missing",
    "DROP TRIGGER immutable ON answer": "answer has lost its trigger",
    "ALTER TABLE question DISABLE TRIGGER immutable": "question is switched off",
    "CREATE INDEX odd ON quiz (created_at)": "that no migration made: odd",
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


def test_every_trigger_of_the_migrations_is_one_the_doctor_knows(clinic: Clinic) -> None:
    with psycopg.connect(clinic.url()) as connection:
        found = connection.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
        ).fetchall()
    assert tuple(row[0] for row in found) == GUARDED


def test_tables_of_somebody_elses_do_not_matter(clinic: Clinic) -> None:
    clinic.run("CREATE TABLE notes (id int PRIMARY KEY, words text)")
    assert is_well(looked(clinic.url()))


# -- connections ----------------------------------------------------------------------------------


def test_more_connections_than_the_server_takes_are_wrong(clinic: Clinic) -> None:
    finding = failed(looked(clinic.url(), workers=50, threads=16), "room")
    assert "50 workers with 16 threads open up to 1100 connections" in finding.says
    assert any("max_connections = 1150" in command for command in finding.mend)


def test_who_counts_elsewhere_needs_fewer_connections(clinic: Clinic) -> None:
    app = create_app(settings_for(clinic.url(), valkey_url="valkey://127.0.0.1:1/0"))
    told = app.test_cli_runner().invoke(args=["db", "doctor"]).output
    assert "2 workers with 8 threads open up to 24 connections" in " ".join(told.split())


@pytest.fixture
def narrow(clinic: Clinic) -> Iterator[Clinic]:
    yield clinic
    clinic.run(f"ALTER ROLE {clinic.owner} CONNECTION LIMIT -1")


def test_the_limit_of_a_role_or_a_database_counts_and_is_lifted_by_the_command(
    narrow: Clinic,
) -> None:
    for kind, name in (("ROLE", narrow.owner), ("DATABASE", narrow.database)):
        narrow.run(f"ALTER {kind} {name} CONNECTION LIMIT 20")
        finding = failed(looked(narrow.url(), workers=2, threads=8), "room")
        assert f"the {kind.lower()} {name} takes 20" in finding.says
        narrow.follow(finding.mend[0])
        assert is_well(looked(narrow.url(), workers=2, threads=8))


def test_what_others_hold_is_a_warning(clinic: Clinic) -> None:
    with psycopg.connect(clinic.url()) as one:
        row = one.execute(
            "SELECT current_setting('max_connections')::int"
            " - current_setting('superuser_reserved_connections')::int"
            " - current_setting('reserved_connections')::int"
        ).fetchone()
        assert row
        threads = row[0] - 6  # one worker would open all there are
        finding = looked(clinic.url(), workers=1, threads=threads)["room"].findings[0]
    assert finding.state is State.WARNS
    assert "others hold" in finding.says
