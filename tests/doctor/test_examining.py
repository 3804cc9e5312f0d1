"""The server, the user's rights, the poolers, the connections: what is wrong, and mended."""

from __future__ import annotations

import psycopg
import pytest

from respondeo import create_app
from respondeo.database_trouble import AWAY, MISSING, PASSWORD, RIGHTS
from respondeo.doctor import State, server
from tests.conftest import run_on_server, settings_for
from tests.doctor.clinic import Clinic, failed, is_well, looked, states


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


def test_a_schema_of_another_name_is_named_in_the_command(clinic: Clinic, stranger: str) -> None:
    clinic.run("ALTER SCHEMA public RENAME TO quizzes")
    clinic.run(f"ALTER DATABASE {clinic.database} SET search_path = quizzes")
    clinic.run(f"GRANT USAGE ON SCHEMA quizzes TO {stranger}")
    clinic.run(f"GRANT SELECT ON quizzes.alembic_version TO {stranger}")
    clinic.follow(looked(clinic.url(stranger), clinic.url())["rights"].findings[0].mend[0])
    results = looked(clinic.url(stranger), clinic.url())
    assert results["rights"].state is State.PASSES, results["rights"]


def test_a_search_path_that_leads_nowhere_is_paved_by_the_command(
    clinic: Clinic, stranger: str
) -> None:
    """Where the schema is missing it is made, and where it is closed it is opened."""
    clinic.run("CREATE SCHEMA quizzes")
    for path in ("nowhere", "quizzes, pg_catalog"):
        clinic.run(f"ALTER ROLE {stranger} IN DATABASE {clinic.database} SET search_path = {path}")
        finding = looked(clinic.url(stranger))["rights"].findings[0]
        assert "none of the schemas in its search_path" in finding.says
        clinic.follow(finding.mend[0])
        assert looked(clinic.url(stranger))["rights"].state is State.PASSES


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


def test_an_old_server_is_upgraded_by_its_own_number(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(clinic.url()) as connection:
        major = connection.info.server_version // 10_000
    monkeypatch.setattr(server, "OLDEST", 99)
    finding = looked(clinic.url())["version"].findings[0]
    assert "needs 99 or later. On the database's machine" in finding.says
    assert finding.mend[-1] == f"sudo pg_upgradecluster {major} main"


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
    assert finding.mend == ("sudo timedatectl set-ntp true",)
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
        assert finding.says.endswith((".", "?"))
        assert finding.mend
        assert "hush" not in repr(finding)


def test_who_is_pooled_needs_a_direct_string(clinic: Clinic) -> None:
    finding = failed(looked(clinic.url(pgbouncer="true")), "direct")
    assert "DATABASE_DIRECT_URL is not set" in finding.says
    results = looked(clinic.url(pgbouncer="true"), clinic.url())
    assert results["direct"].state is State.PASSES


def test_more_connections_than_the_server_takes_are_wrong(clinic: Clinic) -> None:
    finding = failed(looked(clinic.url(), workers=50, threads=16), "room")
    assert "50 workers with 16 threads open up to 1100 connections" in finding.says
    assert any("max_connections = 1150" in command for command in finding.mend)


def test_who_counts_elsewhere_needs_fewer_connections(clinic: Clinic) -> None:
    app = create_app(settings_for(clinic.url(), valkey_url="valkey://127.0.0.1:1/0"))
    told = app.test_cli_runner().invoke(args=["db", "doctor"]).output
    assert "2 workers with 8 threads open up to 24 connections" in " ".join(told.split())


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
