"""Bringing a development database to the models without a migration file.

What only migrations know (triggers, functions) and alembic_version stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops

from respondeo.db import Base
from respondeo.migrating import TAKE_TURN
from respondeo.schema import LOCK_TIMEOUT_S, holdings

SCRATCH = "respondeo_models"
CHECKS = """
    SELECT relname, conname, pg_get_constraintdef(con.oid)
    FROM pg_constraint con JOIN pg_class c ON c.oid = conrelid
        JOIN pg_namespace n ON n.oid = connamespace
    WHERE contype = 'c' AND nspname = :schema
"""
Checks = dict[tuple[str, str], str]


class WouldLoseData(Exception):
    """The models do not have what the database has. `losses` are the statements that drop it."""

    def __init__(self, losses: list[str]) -> None:
        super().__init__(losses)
        self.losses = losses


def push(connection: sa.Connection, *, drop: bool = False) -> list[str]:
    """Change the tables in the running transaction. Returns the statements that did it.

    Raises WouldLoseData where a table or a column would have to go, unless `drop` allows it.
    """
    connection.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"))
    connection.execute(sa.text(TAKE_TURN))
    ours = {*holdings(connection).tables, *Base.metadata.tables}  # an extension's are none
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_server_default": True,
            "include_name": lambda name, kind, _parents: kind != "table" or name in ours,
        },
    )
    found = produce_migrations(context, Base.metadata).upgrade_ops
    changes = list(_flat(found)) if found else []
    losses = [said for change in changes if (said := _loss(change))]
    if losses and not drop:
        raise WouldLoseData(losses)
    statements: list[str] = []

    def keep(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(" ".join(statement.split()))

    operations = Operations(context)
    sa.event.listen(connection, "before_cursor_execute", keep)
    for change in changes:
        operations.invoke(change)
    sa.event.remove(connection, "before_cursor_execute", keep)
    return statements + _push_checks(connection)


def _flat(change: ops.MigrateOperation) -> Iterator[ops.MigrateOperation]:
    if isinstance(change, ops.OpContainer):
        for inner in change.ops:
            yield from _flat(inner)
    else:
        yield change


def _loss(change: ops.MigrateOperation) -> str | None:
    if isinstance(change, ops.DropTableOp):
        return f"DROP TABLE {change.table_name}"
    if isinstance(change, ops.DropColumnOp):
        return f"ALTER TABLE {change.table_name} DROP COLUMN {change.column_name}"
    return None


def _push_checks(connection: sa.Connection) -> list[str]:
    """Alembic compares no CHECK constraints, and our enumerations are such: we compare them."""
    schema = connection.scalar(sa.text("SELECT current_schema()"))
    present, wanted = _checks(connection, str(schema)), _modelled_checks(connection)
    quoted = connection.dialect.identifier_preparer.quote
    statements = [
        f"ALTER TABLE {quoted(table)} DROP CONSTRAINT {quoted(name)}"
        for table, name in present
        if table in Base.metadata.tables and present[table, name] != wanted.get((table, name))
    ] + [
        f"ALTER TABLE {quoted(table)} ADD CONSTRAINT {quoted(name)} {rule}"
        for (table, name), rule in wanted.items()
        if present.get((table, name)) != rule
    ]
    for statement in statements:
        connection.exec_driver_sql(statement)
    return statements


def _checks(connection: sa.Connection, schema: str) -> Checks:
    found = connection.execute(sa.text(CHECKS), {"schema": schema})
    return {(table, name): rule for table, name, rule in found}


def _modelled_checks(connection: sa.Connection) -> Checks:
    """What PostgreSQL makes of the models' constraints, from tables that never come to be."""
    scratch = connection.begin_nested()
    connection.execute(sa.text(f"CREATE SCHEMA {SCRATCH}"))
    translated = connection.execution_options(schema_translate_map={None: SCRATCH})
    Base.metadata.create_all(translated)
    found = _checks(connection, SCRATCH)
    scratch.rollback()
    return found
