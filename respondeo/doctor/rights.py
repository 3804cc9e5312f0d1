"""May the user make tables and write into them.

Since PostgreSQL 15 only a database's owner may make tables in its schema `public`, whatever was
granted on the database.
"""

from __future__ import annotations

from collections.abc import Iterator

from respondeo.database_trouble import RIGHTS
from respondeo.db import Base
from respondeo.doctor.findings import Finding, fails, passes
from respondeo.doctor.line import Line
from respondeo.doctor.patient import Patient

STANDING = """
    SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on', current_schema(),
        (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace
            WHERE nspname = current_schema()),
        (SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = current_schema())
"""
# A table of ours that we may not write into, and whether it is ours to change in an upgrade.
TABLES = """
    SELECT relname::text, has_table_privilege(oid, 'SELECT')
        AND has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE')
        AND has_table_privilege(oid, 'DELETE'), pg_has_role(relowner, 'USAGE'),
        relowner::regrole::text
    FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname = ANY(%s)
    ORDER BY 1
"""


def rights(patient: Patient) -> Iterator[Finding]:
    """Of the user that serves; that of DATABASE_DIRECT_URL, if another, makes the tables."""
    line = patient.line
    problem = may_not_create(line) if patient.direct_url is None else _writes_nothing(line)
    problem = problem or may_not_write(line, changes=patient.direct_url is None)
    yield problem or passes(f"{line.user} may create and write.")


def may_not_create(line: Line) -> Finding | None:
    if problem := _writes_nothing(line):
        return problem
    _, _, schema, creates, owner = line.ask(STANDING)[0]
    name = line.string.database
    if schema in {None, "pg_catalog"}:  # the latter only where it is named
        return fails(
            f"{RIGHTS.sentence} {line.user} may use none of the schemas in its search_path.",
            _open_a_schema(line),
        )
    if creates:
        return None
    said = f"{RIGHTS.sentence} {line.user} may not make tables in the schema {schema}"
    if owner == "pg_database_owner":
        return fails(
            f"{said}: since PostgreSQL 15 only the owner of the database may, and"
            " GRANT … ON DATABASE does not change that.",
            line.as_admin("ALTER DATABASE {} OWNER TO {}", name, line.user),
        )
    return fails(
        f"{said}, which belongs to {owner}.",
        line.as_admin("GRANT USAGE, CREATE ON SCHEMA {} TO {}", schema, line.user, database=name),
    )


def _open_a_schema(line: Line) -> str:
    """The first schema of search_path that there is, or else one that is made, of its last name."""
    path = str(line.ask_one("SELECT current_setting('search_path')"))
    named = [part.strip().strip('"').replace("$user", line.user) for part in path.split(",")]
    wanted = [schema for schema in named if schema and schema != "pg_catalog"] or ["public"]
    there = {row[0] for row in line.ask("SELECT nspname::text FROM pg_namespace")}
    for schema in wanted:
        if schema in there:
            grant = "GRANT ALL ON SCHEMA {} TO {}"
            return line.as_admin(grant, schema, line.user, database=line.string.database)
    make = "CREATE SCHEMA {} AUTHORIZATION {}"
    return line.as_admin(make, wanted[-1], line.user, database=line.string.database)


def _writes_nothing(line: Line) -> Finding | None:
    standby, read_only, *_ = line.ask(STANDING)[0]
    if standby:
        return fails(
            f"{RIGHTS.sentence} This server is a standby, which only reads. Name the one that"
            " writes, or all of them and let libpq find it:",
            line.written(target_session_attrs="read-write"),
        )
    if read_only:
        return fails(
            f"{RIGHTS.sentence} Every transaction of {line.user} here is read-only.",
            line.as_admin(
                "ALTER ROLE {} IN DATABASE {} RESET default_transaction_read_only",
                line.user,
                line.string.database,
            ),
            line.as_admin(
                "ALTER DATABASE {} RESET default_transaction_read_only", line.string.database
            ),
        )
    return None


def may_not_write(line: Line, *, changes: bool) -> Finding | None:
    """Whether a table of ours is closed to the user, or belongs to another who made it."""
    found = line.ask(TABLES, [*Base.metadata.tables, "alembic_version"])
    closed = [name for name, writes, _, _ in found if not writes and name != "alembic_version"]
    others = sorted({owner for _, _, owns, owner in found if not owns})
    name = line.string.database
    if closed:
        return fails(
            f"{RIGHTS.sentence} {line.user} may not read and write {_listed(closed)}.",
            line.as_admin(
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {} TO {}",
                line.ask_one("SELECT current_schema()"),
                line.user,
                database=name,
            ),
        )
    if others and changes:
        return fails(
            f"{RIGHTS.sentence} There are tables that belong to {_listed(others)}, so {line.user}"
            " cannot bring them up to date.",
            *(
                line.as_admin("REASSIGN OWNED BY {} TO {}", other, line.user, database=name)
                for other in others
                if other != "postgres"  # REASSIGN would take the server's own things too
            ),
            *(
                line.as_admin("ALTER TABLE {} OWNER TO {}", table, line.user, database=name)
                for table, _, owns, owner in found
                if not owns and owner == "postgres"
            ),
        )
    return None


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"
