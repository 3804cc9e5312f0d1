"""What stands in our schema: its tables, its revision, what people keep in it, how to clear it.

The schema is ours alone, which is why it can be backed up, replaced and reset as a whole. Other
schemas of the database, and what belongs to extensions, are somebody else's and stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from click import ClickException

from respondeo import models  # noqa: F401  (makes every table known)
from respondeo.db import Base
from respondeo.migrating import TAKE_TURN

VERSION_TABLE = "alembic_version"
LOCK_TIMEOUT_S = 10

_COUNTED = {
    "user": ("person", "people"),
    "quiz": ("quiz", "quizzes"),
    "quiz_attempt": ("attempt", "attempts"),
}
# In the order in which they can be dropped: what uses others comes before them.
_KINDS = ("VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "TABLE", "SEQUENCE", "ROUTINE", "TYPE")
_OBJECTS = """
    WITH extensions AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
    owned AS (SELECT objid FROM pg_depend
        WHERE classid = 'pg_class'::regclass AND deptype IN ('a', 'i', 'P'))
    SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
            WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
        relname::text AS name, format('%I.%I', nspname, relname) AS written
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE nspname = :schema AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        AND c.oid NOT IN (SELECT objid FROM owned)
        AND ('pg_class'::regclass, c.oid) NOT IN (SELECT * FROM extensions)
    UNION ALL
    SELECT 'ROUTINE', proname::text,
        format('%I.%I(%s)', nspname, proname, pg_get_function_identity_arguments(p.oid))
    FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
    WHERE nspname = :schema AND ('pg_proc'::regclass, p.oid) NOT IN (SELECT * FROM extensions)
    UNION ALL
    SELECT 'TYPE', typname::text, format('%I.%I', nspname, typname)
    FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
        LEFT JOIN pg_class c ON c.oid = typrelid
    WHERE nspname = :schema AND (typtype IN ('e', 'd', 'r') OR c.relkind = 'c')
        AND ('pg_type'::regclass, t.oid) NOT IN (SELECT * FROM extensions)
    ORDER BY written
"""
_OTHERS = """
    SELECT coalesce(nullif(application_name, ''), 'a program without a name'), count(*)
    FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
        AND pid <> pg_backend_pid()
    GROUP BY 1 ORDER BY 1
"""


class SchemaError(ClickException):
    """The schema is not as a command needs it. The message says what to do."""


@dataclass(frozen=True)
class Thing:
    """Something that stands in the schema; `written` is its name in a statement."""

    kind: str
    name: str
    written: str


@dataclass(frozen=True)
class Holdings:
    """What our schema holds."""

    schema: str
    things: tuple[Thing, ...]
    revisions: tuple[str, ...]
    counts: dict[str, int]

    @property
    def quoted_schema(self) -> str:
        return '"' + self.schema.replace('"', '""') + '"'

    @property
    def tables(self) -> list[str]:
        return [thing.name for thing in self.things if thing.kind == "TABLE"]

    @property
    def unknown(self) -> list[str]:
        """Tables that this version of the program does not know."""
        return sorted({*self.tables} - {*Base.metadata.tables, VERSION_TABLE})

    @property
    def clearing(self) -> list[str]:
        """The statements that leave the schema empty. Nothing outside of it is dropped with it."""
        named = {kind: [t.written for t in self.things if t.kind == kind] for kind in _KINDS}
        return [f"DROP {kind} {', '.join(names)}" for kind, names in named.items() if names]

    def __str__(self) -> str:
        """`12 people, 1 quiz and 40 attempts`."""
        return in_words(
            f"{count:,} {_COUNTED[table][count != 1]}" for table, count in self.counts.items()
        )


def in_words(parts: Iterable[str]) -> str:
    """`a, b and c`; of nothing, nothing."""
    listed = list(parts)
    return " and ".join(filter(None, [", ".join(listed[:-1]), *listed[-1:]]))


def holdings(connection: sa.Connection) -> Holdings:
    """Look into our schema. Raises SchemaError where there is none."""
    schema = connection.scalar(sa.text("SELECT current_schema()"))
    if schema is None:
        raise SchemaError(
            "There is no schema for the tables: make the one that search_path names, with"
            " CREATE SCHEMA …"
        )
    found = connection.execute(sa.text(_OBJECTS), {"schema": schema})
    things = tuple(Thing(row.kind, row.name, row.written) for row in found)
    tables = {thing.name: thing.written for thing in things if thing.kind == "TABLE"}

    def look(table: str, query: str) -> list[Any]:
        return list(connection.scalars(sa.text(query.format(tables[table]))))

    return Holdings(
        schema,
        things,
        tuple(look(VERSION_TABLE, "SELECT version_num FROM {}") if VERSION_TABLE in tables else ()),
        {table: look(table, "SELECT count(*) FROM {}")[0] for table in _COUNTED if table in tables},
    )


def others(connection: sa.Connection) -> str:
    """Who else is connected to this database: `respondeo (3 connections)`; nobody: empty."""
    found = connection.execute(sa.text(_OTHERS))
    return in_words(f"{name} ({n} connection{'s' * (n != 1)})" for name, n in found)


def clear(connection: sa.Connection) -> None:
    """Drop everything of ours in the running transaction, while nobody else changes the schema."""
    connection.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"))
    connection.execute(sa.text(TAKE_TURN))
    for statement in holdings(connection).clearing:
        connection.execute(sa.text(statement))
