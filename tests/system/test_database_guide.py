"""docs/database.md is followed from its first line to its last, every command as it is written.

Each section with commands is named here with what has to be so before it, and what must be so
after it: one that nobody has thought of fails. What is only played (tests/system/machine.py) is
compared with what it would do.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml  # type: ignore[import-untyped]
from dotenv import dotenv_values

from respondeo.db import LOCK_TIMEOUT_MS, STATEMENT_TIMEOUT_MS
from tests.system.machine import ROOT, Machine, sections

GUIDE = (ROOT / "docs" / "database.md").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
URL = "postgresql://quiz_app:securepassword@localhost:5432/quiz_app"
FRESH = "DROP DATABASE IF EXISTS quiz_app WITH (FORCE);"
MADE = """
    CREATE USER quiz_app WITH PASSWORD 'securepassword';
    CREATE DATABASE quiz_app OWNER quiz_app;
"""
STUDIO = "flask db studio"
PERSON = """
    INSERT INTO "user" (id, name, email) VALUES (gen_random_uuid(), 'Ada', 'ada@school.example')
"""
RULES = "/etc/postgresql/$VERSION/main/pg_hba.conf"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """One machine for the whole guide, as for the person who follows it."""
    with TemporaryDirectory(prefix="resp-", dir="/tmp") as folder, Machine(Path(folder)) as machine:
        yield machine


# -- what has to be so before a section ------------------------------------------------------------


def as_it_is(_machine: Machine) -> None:
    """As the sections before it left everything."""


def without_anything(machine: Machine) -> None:
    """As the packages leave PostgreSQL: neither user nor database."""
    machine.sql(f"{FRESH} DROP ROLE IF EXISTS quiz_app")


def like_homebrew(machine: Machine) -> None:
    """Whoever installs it there is its superuser, and is let in by the socket."""
    without_anything(machine)
    machine.sql("CREATE ROLE root LOGIN SUPERUSER")


def with_tables(machine: Machine) -> None:
    """A database of the newest migration, with somebody in it, and the quick start's settings."""
    in_env(machine, f"APP_ENV=development\nDATABASE_URL={URL}\n")
    machine.sql(f"{FRESH} DROP ROLE IF EXISTS quiz_app; {MADE}")
    machine.ask("upgrade", URL)
    machine.sql(PERSON, "quiz_app")


def in_production(machine: Machine) -> None:
    with_tables(machine)
    secret = "SECRET_KEY=of the tests, long enough: 0123456789"
    in_env(machine, f"APP_URL=https://quiz.example.org\nDATABASE_URL={URL}\n{secret}\n")


def stopped(machine: Machine) -> None:
    with_tables(machine)
    machine.run("pg_ctlcluster $VERSION main stop -m fast")


def another_password(machine: Machine) -> None:
    machine.sql("ALTER ROLE quiz_app PASSWORD 'another'")


def encrypted_only(machine: Machine) -> None:
    machine.run(f"sed -i 's/^host /hostssl /' {RULES} && pg_ctlcluster $VERSION main reload")
    in_env(machine, f"APP_ENV=development\nDATABASE_URL={URL}?sslmode=disable\n")
    wait(lambda: bool(trouble(machine)))


def no_database(machine: Machine) -> None:
    in_env(machine, f"APP_ENV=development\nDATABASE_URL={URL}\n")
    machine.sql(FRESH)


def granted_only(machine: Machine) -> None:
    """As the original's guide has it."""
    machine.sql(FRESH)
    machine.sql("CREATE DATABASE quiz_app")
    machine.sql("GRANT ALL PRIVILEGES ON DATABASE quiz_app TO quiz_app")


def without_tables(machine: Machine) -> None:
    machine.sql(FRESH)
    machine.sql("CREATE DATABASE quiz_app OWNER quiz_app")


# -- what must be so after it ----------------------------------------------------------------------


def nothing_more(_machine: Machine) -> None:
    """That its commands succeeded is all."""


def database_is_made(machine: Machine) -> None:
    assert machine.ask("connect", URL) == "quiz_app"
    assert owner(machine) == "quiz_app"


def brew_was_asked(machine: Machine) -> None:
    database_is_made(machine)
    assert machine.told("brew") == [
        "install postgresql@18",
        "services start postgresql@18",
        "--prefix postgresql@18",
    ]


def docker_runs_what_compose_does(machine: Machine) -> None:
    """The same image, variables and place of the volume; on this machine only."""
    db = COMPOSE["services"]["db"]
    command = shlex.split(machine.told("docker")[-1])
    assert command[:2] == ["run", "-d"]
    assert command[-1] == db["image"]
    given: dict[str, list[str]] = {}
    for option, value in zip(command[2:-1:2], command[3:-1:2], strict=True):
        given.setdefault(option, []).append(value)
    assert set(given) == {"--name", "-e", "-p", "-v"}
    assert {one.split("=")[0] for one in given["-e"]} == set(db["environment"])
    assert dict(one.split("=") for one in given["-e"])["POSTGRES_USER"] == "quiz_app"
    assert given["-p"] == ["127.0.0.1:5432:5432"]
    assert given["-v"] == ["quiz_data:" + db["volumes"][0].split(":")[1]]


def compose_starts_the_database(machine: Machine) -> None:
    first, second, third = machine.told("docker")[-3:]
    assert second == "compose up -d"
    assert third == "compose run --rm --no-deps web flask db doctor"
    assert "web" in COMPOSE["services"]
    *words, service = first.split()
    assert words == second.split()
    db = COMPOSE["services"][service]
    told = db["environment"]
    assert "depends_on" not in db
    assert f"`postgresql://{told['POSTGRES_USER']}:<the password>@localhost:5432/" in GUIDE
    assert told["POSTGRES_DB"] == told["POSTGRES_USER"]


def somebody_is_there(machine: Machine) -> None:
    assert machine.sql('SELECT name FROM "user"', "quiz_app") == "Ada\n"
    assert owner(machine) == "quiz_app"


def nobody_is_there(machine: Machine) -> None:
    assert machine.sql('SELECT count(*) FROM "user"', "quiz_app") == "0\n"


def a_migration_is_written(machine: Machine) -> None:
    (file,) = (machine.project / "migrations/versions").glob("*_subtitles_of_quizzes.py")
    assert "def downgrade" in file.read_text()


def nothing_is_left_to_do(machine: Machine) -> None:
    assert "No new upgrade operations detected." in machine.said
    (file,) = (machine.project / "migrations/versions").glob("*_subtitles_of_quizzes.py")
    assert machine.said.rstrip().endswith(f"{file.name.split('_')[0]} (head)")


def everybody_is_back(machine: Machine) -> None:
    assert "Restored 1 person" in machine.said
    somebody_is_there(machine)


def a_step_was_taken_back(machine: Machine) -> None:
    assert machine.sql("SELECT version_num FROM alembic_version", "quiz_app") == "0002\n"
    (file,) = (machine.project / "migrations/versions").glob("*_subtitles_of_quizzes.py")
    file.unlink()


def pooler_passes_on(machine: Machine) -> None:
    """What the guide has set: in transaction mode, and with the role's timeouts."""
    pooled = machine.pooled["DATABASE_URL"], machine.pooled["DATABASE_DIRECT_URL"]
    said = ["pass", "A pooler in transaction mode, as DATABASE_URL says."]
    wait(lambda: machine.ask("examine", pooled)["pooler"] == said)
    assert all(state != "fail" for state, *_ in machine.ask("examine", pooled).values())
    limits = machine.run(
        "PGPASSWORD=securepassword psql -h pooler.example.com -p 6543 -U quiz_app -At quiz_app"
        " -c 'SHOW statement_timeout' -c 'SHOW lock_timeout'"
    ).split()
    assert limits == [f"{STATEMENT_TIMEOUT_MS // 1000}s", f"{LOCK_TIMEOUT_MS // 1000}s"]


def all_is_well(machine: Machine) -> None:
    wait(lambda: not trouble(machine))


Sections = dict[str, tuple[Callable[[Machine], None], Callable[[Machine], None]]]
SECTIONS: Sections = {
    "The database": (as_it_is, nothing_more),
    "macOS": (like_homebrew, brew_was_asked),
    "Debian and Ubuntu": (without_anything, database_is_made),
    "A dedicated user": (without_anything, database_is_made),
    "Docker": (as_it_is, docker_runs_what_compose_does),
    "Docker Compose": (as_it_is, compose_starts_the_database),
    "Quick start": (as_it_is, all_is_well),
    "Connection string format": (as_it_is, nothing_more),
    "Check the connection": (with_tables, nothing_more),
    "Development": (as_it_is, somebody_is_there),
    "Production": (in_production, somebody_is_there),
    "Look into it": (with_tables, nothing_more),
    "Create a migration": (as_it_is, a_migration_is_written),
    "Apply it": (as_it_is, nothing_is_left_to_do),
    "Roll back": (as_it_is, a_step_was_taken_back),
    "Reset (development)": (as_it_is, nobody_is_there),
    "Backup and restore": (with_tables, everybody_is_back),
    "With PostgreSQL's own programs": (as_it_is, somebody_is_there),
    "Indexes": (as_it_is, nothing_more),
    "Connection pooling": (as_it_is, pooler_passes_on),
}
"""In the order in which they are followed: the quick start needs what comes after it."""
TROUBLES: Sections = {
    "Connection refused": (stopped, all_is_well),
    "Authentication failed": (another_password, all_is_well),
    "SSL required": (encrypted_only, all_is_well),
    "Database does not exist": (no_database, all_is_well),
    "Permission denied for schema public": (granted_only, all_is_well),
    "Schema mismatch": (without_tables, all_is_well),
}
INSIDE = {"Indexes", "With PostgreSQL's own programs"}
"""Where SQL is about what the database holds."""
EXAMPLES = {"Check the connection": "$ flask db doctor"}
"""Where a block shows what a command says; tests/doctor/test_guide.py compares it."""


def test_every_section_with_commands_is_followed() -> None:
    assert {title for title, blocks in sections(GUIDE) if blocks} == {*SECTIONS, *TROUBLES}
    assert {language for _, blocks in sections(GUIDE) for language, _ in blocks} == {
        "sh", "sql", "ini", "",
    }  # fmt: skip
    assert set(re.findall(r"^ *```(\S+)", GUIDE, re.MULTILINE)) == {"sh", "sql", "ini"}


def test_the_guide_can_be_followed_from_beginning_to_end(machine: Machine) -> None:
    follow_all(machine, SECTIONS)


def test_every_trouble_is_seen_and_mended_as_the_guide_says(machine: Machine) -> None:
    follow_all(machine, TROUBLES)


def follow_all(machine: Machine, those: Sections) -> None:
    blocks = dict(sections(GUIDE))
    for title, (before, after) in those.items():
        before(machine)
        machine.said = ""
        for language, text in blocks[title]:
            follow(machine, title, language, text)
        after(machine)


def follow(machine: Machine, title: str, language: str, text: str) -> None:
    """Do what a block says."""
    if language == "sh" and text.strip() == STUDIO:
        look_into(machine)
    elif language == "sh":
        machine.said += machine.run(text)
    elif language == "sql":
        database = "quiz_app" if title in INSIDE else "postgres"
        machine.sql(text, database)
    elif "[pgbouncer]" in text:
        machine.run(f"cat > /etc/pgbouncer/pgbouncer.ini <<'END'\n{text}{PLACES}END")
    elif title == "Connection string format":
        try_every(machine, text)
    elif "DATABASE_DIRECT_URL" in text:
        pooled = dict(line.split("=", 1) for line in text.splitlines())
        # Those of providers lead to other machines; tests/test_database_guide.py reads them.
        if "example.com" in text:
            machine.pooled = pooled
    elif language == "ini":
        in_env(machine, text if "APP_ENV" in text else f"APP_ENV=development\n{text}")
    elif title in EXAMPLES:
        assert text.startswith(EXAMPLES[title])
    else:
        said = " ".join(trouble(machine).split())
        assert " ".join(text.split()) in said, f"{title}: {said}"


PLACES = """
unix_socket_dir =
pidfile = /run/postgresql/pgbouncer.pid
logfile = /run/postgresql/pgbouncer.log
"""
"""Where Debian's own file puts what the guide's does not say."""


def try_every(machine: Machine, text: str) -> None:
    """Each string leads into the database; the pooler's past it, for there is none yet."""
    urls = [line.removeprefix("DATABASE_URL=") for line in text.splitlines()]
    assert len(urls) == text.count("DATABASE_URL=") > 5
    for url in urls:
        if "[::1]" in url and "::1" not in machine.run("ip -6 -brief address show lo"):
            continue  # a machine without IPv6
        assert machine.ask("connect", url.replace(":6543", ":5432")) == "quiz_app"


def look_into(machine: Machine) -> None:
    """The studio serves until it is stopped."""
    with machine.popen(f"exec {STUDIO}") as studio:
        assert studio.stdout is not None
        first = studio.stdout.readline()
        studio.terminate()
    assert first.startswith("Open http://127.0.0.1:8001/?key=")


def in_env(machine: Machine, text: str) -> None:
    """As what stands in the project's `.env`."""
    (machine.project / ".env").write_text(text)


def trouble(machine: Machine) -> str:
    """What the doctor finds wrong with the address in `.env`; nothing where all is well."""
    url = dotenv_values(machine.project / ".env")["DATABASE_URL"]
    assert url is not None
    found = machine.ask("examine", [url, None])
    return " ".join(" ".join(said) for state, *said in found.values() if state == "fail")


def owner(machine: Machine) -> str:
    asked = "SELECT datdba::regrole FROM pg_database WHERE datname = 'quiz_app'"
    return machine.sql(asked).strip()


def wait(holds: Callable[[], bool]) -> None:
    """PostgreSQL reads its files a moment after it was told to."""
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
