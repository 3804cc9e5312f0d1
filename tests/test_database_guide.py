"""What docs/database.md says of tables, indexes and commands is what is.

tests/system/test_database_guide.py follows it, command by command.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask_migrate.cli import db as group
from psycopg.conninfo import timeout_from_conninfo

from respondeo.connection_string import ConnectionString
from respondeo.db import (
    CONNECT_TIMEOUT_S,
    LOCK_TIMEOUT_MS,
    MAX_OVERFLOW,
    STATEMENT_TIMEOUT_MS,
    Base,
)
from respondeo.rate_limits.postgres import CONNECTIONS as COUNTERS

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "database.md").read_text()
BLOCKS = "\n".join(re.findall(r"^ *```(?:sh|sql)\n(.*?)^ *```$", GUIDE, re.MULTILINE | re.DOTALL))
PROSE = re.sub(r"^ *```.*?^ *```$", "", GUIDE, flags=re.MULTILINE | re.DOTALL)
COMMANDS = ("flask", "sudo", "docker", "psql", "pg_", "createdb", "dropdb", "brew", "ssh", "make")
# Named, not told to be typed; and the one that needs another machine.
NAMED = {
    "createdb", "dropdb", "docker", "psql", "pg_dump", "pg_restore", "pg_hba.conf", "flask",
    "sudo -u postgres psql", "flask db COMMAND --help", "ssh -L 8001:127.0.0.1:8001 server",
}  # fmt: skip


def rows(head: str) -> dict[str, list[str]]:
    """The rows of the table that begins so, by their first cell."""
    table = GUIDE[GUIDE.index(head) :].split("\n\n", 1)[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in table]
    return {first: rest for first, *rest in cells}


def test_every_table_has_its_line() -> None:
    told = {name.strip("`") for name in rows("| table | what it holds |")}
    assert told == set(Base.metadata.tables)
    assert all(len(line) == 1 and line[0] for line in rows("| table | what it holds |").values())


def test_every_index_that_was_made_for_a_query_is_explained() -> None:
    told = set(re.findall(r"`(\w+)`", " ".join(rows("| index | for |"))))
    indexes = [index for table in Base.metadata.tables.values() for index in table.indexes]
    one_column = {
        str(index.name)
        for index in indexes
        if len(index.expressions) == 1 and index.dialect_kwargs.get("postgresql_where") is None
    }
    made = {str(index.name) for index in indexes}
    assert told >= made - one_column
    assert told - made == {"uq_quiz_attempt_quiz_id_user_id_number"}


@pytest.mark.usefixtures("app")  # which adds its commands to Flask-Migrate's
def test_the_commands_are_those_there_are_and_each_is_in_a_block() -> None:
    named = {first.strip("`").split()[2] for first in rows("| command | what it does")}
    assert named <= set(group.commands)
    ours = {
        name
        for name, command in group.commands.items()
        if (command.callback.__module__ if command.callback else "").startswith("respondeo.")
    }
    assert ours <= named
    assert named <= set(re.findall(r"flask db (\w+)", BLOCKS))


def test_a_command_in_the_text_is_one_that_the_blocks_run_too() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for code in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", PROSE):
        if not code.startswith(COMMANDS) or code in NAMED or code.endswith((" FILE", '…"')):
            continue
        if code.startswith("make"):
            assert f"\n{code.removeprefix('make ')}: " in makefile, code
        else:
            assert code in BLOCKS, code


def test_a_pooler_s_two_addresses_are_understood_and_lead_to_one_database() -> None:
    pairs = re.findall(r"^DATABASE_URL=(.+)\nDATABASE_DIRECT_URL=(.+)$", GUIDE, re.MULTILINE)
    assert len(pairs) == 3
    for pair in pairs:
        through, past = map(ConnectionString.parse, pair)
        assert through.pooled
        assert not past.pooled
        assert (through.user, through.database) == (past.user, past.database)
        assert through.hosts != past.hosts


def test_the_figures_are_the_program_s() -> None:
    assert f"(`WEB_THREADS` + {MAX_OVERFLOW + COUNTERS})" in GUIDE
    assert f"most, {2 * (8 + MAX_OVERFLOW + COUNTERS)} as set" in GUIDE
    assert f"after {STATEMENT_TIMEOUT_MS // 1000} seconds" in GUIDE
    assert f"a lock after {LOCK_TIMEOUT_MS // 1000}." in GUIDE
    assert f"has {CONNECT_TIMEOUT_S} seconds to answer; less cannot be asked for" in GUIDE
    assert timeout_from_conninfo({"connect_timeout": CONNECT_TIMEOUT_S - 1}) == CONNECT_TIMEOUT_S


@pytest.mark.parametrize(
    "original",
    ["Quick start", "Configuration", "Connection string format", "macOS", "Debian and Ubuntu",
     "A dedicated user", "Docker", "Docker Compose", "Commands", "Development", "Production",
     "Schema", "Schema files", "Migrations", "Create a migration", "Roll back",
     "Reset (development)", "Backup and restore", "Performance", "Indexes", "Connection pooling",
     "Troubleshooting", "Connection refused", "Authentication failed", "SSL required",
     "Database does not exist", "Schema mismatch"],
)  # fmt: skip
def test_every_section_of_the_original_s_guide_has_its_place(original: str) -> None:
    assert re.search(f"^#+ {re.escape(original)}$", GUIDE, re.MULTILINE)
