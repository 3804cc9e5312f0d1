"""Is the database at this version's revision, and are its tables, indexes and triggers whole."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.schema import AddConstraint, Constraint, CreateIndex, Index

from respondeo import (
    models,  # noqa: F401  (makes every table known)
    revisions,
)
from respondeo.database_trouble import NEWER, SCHEMA
from respondeo.db import Base
from respondeo.doctor.findings import Finding, fails, passes, warns
from respondeo.doctor.line import PATIENCE_S, Line
from respondeo.doctor.patient import Patient

UPGRADE = "flask db upgrade"


@dataclass(frozen=True, slots=True)
class Trigger:
    """One of the migrations'. without: what may happen where it is missing.

    does: all that is said of it after its table.
    """

    table: str
    name: str
    when: str
    does: str
    without: str
    kind: str = "TRIGGER"


_LAST = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
_STALE = "lists could show quizzes as they were"


TRIGGERS = (
    *(
        Trigger(
            table,
            "immutable",
            "BEFORE UPDATE OR DELETE",
            "FOR EACH ROW EXECUTE FUNCTION refuse_change_of_published()",
            "what was published could be changed",
        )
        for table in ("answer", "question", "quiz_version", "quiz_version_question")
    ),
    Trigger(
        "quiz",
        "current_version",
        "BEFORE INSERT OR UPDATE OF current_version_id, language, difficulty",
        "FOR EACH ROW EXECUTE FUNCTION tell_of_current_version()",
        "the list could count it by what an older version said",
    ),
    Trigger(
        "quiz",
        "renew_catalogue",
        "AFTER INSERT OR UPDATE OR DELETE",
        f"{_LAST} EXECUTE FUNCTION renew_catalogue()",
        _STALE,
        "CONSTRAINT TRIGGER",
    ),
    Trigger(
        "quiz",
        "renew_catalogue_emptied",
        "AFTER TRUNCATE",
        "FOR EACH STATEMENT EXECUTE FUNCTION renew_catalogue()",
        _STALE,
    ),
    Trigger(
        '"user"',
        "renew_catalogue",
        "AFTER UPDATE",
        f"{_LAST} EXECUTE FUNCTION renew_catalogue()",
        "lists could show authors by former names",
        "CONSTRAINT TRIGGER",
    ),
)

BROKEN_INDEXES = """
    SELECT c.relname::text, i.indisunique FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE NOT (i.indisvalid AND i.indisready) AND c.relnamespace = current_schema()::regnamespace
    ORDER BY 1
"""
CONSTRAINTS = """
    SELECT conname::text, conrelid::regclass::text, convalidated FROM pg_constraint
    WHERE connamespace = current_schema()::regnamespace
"""
FOUND_TRIGGERS = """
    SELECT tgrelid::regclass::text, tgname::text, tgenabled <> 'D' FROM pg_trigger
    WHERE NOT tgisinternal
"""


# -- migrations -----------------------------------------------------------------------------------


def migrations(patient: Patient) -> Iterator[Finding]:
    known = revisions.scripts()
    if said := revisions.several_heads(known):
        yield fails(f"{said} Join them:", revisions.JOIN)
        return
    line = patient.line
    with _alchemy(line) as connection:
        stored = revisions.stored(connection)
    found = revisions.standing(known, stored)
    newest = known.get_current_head()
    if found.unknown:
        yield fails(
            f"{NEWER.sentence} The database is at {', '.join(found.unknown)}; this version knows"
            f" revisions up to {newest}. To stay with this version, go back with the newer one:",
            f"flask db downgrade {newest}",
        )
    elif not stored:
        yield fails(f"{SCHEMA.sentence} {_nothing(line)}", UPGRADE)
    elif len(stored) > 1:
        yield fails(
            f"{SCHEMA.sentence} The database is at several revisions at once: {', '.join(stored)}.",
            "flask db heads",
            UPGRADE,
        )
    elif found.missing:
        steps = ", ".join(
            f"{script.revision} ({revisions.title(script)})" for script in found.missing
        )
        yield fails(f"{SCHEMA.sentence} It is at {stored[0]}; missing: {steps}.", UPGRADE)
    else:
        yield passes(f"At {newest}, the newest revision of this version.")


def _nothing(line: Line) -> str:
    tables = line.ask_one(
        "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
        " AND tablename = ANY(%s)",
        list(Base.metadata.tables),
    )
    if tables:
        return f"No migration was ever run on it, but {tables} tables of that name are there."
    return "It is empty."


# -- tables ---------------------------------------------------------------------------------------


def tables(patient: Patient) -> Iterator[Finding]:
    """Looked at by the user who may mend them."""
    line = patient.owning or patient.line
    found = [*_differences(line), *_broken_indexes(line), *_constraints(line), *_triggers(line)]
    yield from found
    if not found:
        yield passes(f"{len(Base.metadata.tables)} tables with their indexes and triggers.")


def _differences(line: Line) -> Iterator[Finding]:
    """What Alembic would migrate: nothing, where nobody changed the tables by hand."""
    with _alchemy(line) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_server_default": True, "include_object": _is_ours}
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sa.exc.SAWarning)  # about what is odd in the database
            differences = compare_metadata(context, Base.metadata)
    for difference in differences:
        for one in difference if isinstance(difference, list) else [difference]:
            yield _difference(line, one)


def _is_ours(_item: Any, _name: str | None, kind: str, reflected: bool, modelled: Any) -> bool:
    return not (kind == "table" and reflected and modelled is None)


def _difference(line: Line, change: tuple[Any, ...]) -> Finding:
    kind, what = change[0], change[-1]
    if kind == "remove_index" and not what.unique:
        return warns(
            f"There is an index that no migration made: {what.name}. It may stay if it is needed."
        )
    name, table = getattr(what, "name", ""), change[2] if len(change) > 2 else ""
    restore, look = "flask db restore FILE", "flask db check"
    problems: dict[str, Callable[[], tuple[str, str]]] = {
        "add_table": lambda: (f"The table {name} is missing. A backup has it:", restore),
        "add_column": lambda: (f"{table} has lost its column {name}. A backup has it:", restore),
        "add_index": lambda: (f"The index {name} is missing.", line.as_us(_create(what))),
        "add_constraint": lambda: (f"The constraint {name} is missing.", line.as_us(_add(what))),
        "add_fk": lambda: (f"The constraint {name} is missing.", line.as_us(_add(what))),
        "remove_index": lambda: (
            f"There is a unique index that no migration made, and it may refuse rows: {name}.",
            line.as_us(f'DROP INDEX CONCURRENTLY "{name}"'),
        ),
        "remove_column": lambda: (f"{table} has a column that no migration made: {name}.", look),
    }
    changed = f"{table}.{change[3]}" if len(change) > 4 else name
    other = (f"{changed} is not as the migrations made it ({kind}).", look)
    return fails(*problems.get(kind, lambda: other)())


def _create(index: Index) -> str:
    return _in_one_line(CreateIndex(index)).replace("INDEX ", "INDEX CONCURRENTLY ", 1)


def _add(constraint: Constraint) -> str:
    # Not isolated: that would take it out of the model's table, for the rest of this process.
    return _in_one_line(AddConstraint(constraint, isolate_from_table=False))


def _in_one_line(statement: CreateIndex | AddConstraint) -> str:
    written = statement.compile(dialect=sa.make_url("postgresql+psycopg://").get_dialect()())
    return " ".join(str(written).split())


def _broken_indexes(line: Line) -> Iterator[Finding]:
    for name, unique in line.ask(BROKEN_INDEXES):
        harm = "it guards nothing" if unique else "no query uses it"
        yield fails(
            f"The index {name} is not valid: its build did not end well, and {harm}.",
            line.as_us(f'REINDEX INDEX CONCURRENTLY "{name}"'),
        )


def _constraints(line: Line) -> Iterator[Finding]:
    """Alembic compares no checks."""
    found = {name: (table, valid) for name, table, valid in line.ask(CONSTRAINTS)}
    for table in Base.metadata.sorted_tables:
        for constraint in table.constraints:
            if isinstance(constraint, sa.CheckConstraint) and str(constraint.name) not in found:
                yield fails(
                    f"The constraint {constraint.name} is missing.", line.as_us(_add(constraint))
                )
    for name, (name_of_table, valid) in sorted(found.items()):
        if not valid:
            yield fails(
                f"The constraint {name} is not valid: rows from before it may break it.",
                line.as_us(f'ALTER TABLE {name_of_table} VALIDATE CONSTRAINT "{name}"'),
            )


def _triggers(line: Line) -> Iterator[Finding]:
    found = {(str(row[0]), str(row[1])): bool(row[2]) for row in line.ask(FOUND_TRIGGERS)}
    for one in TRIGGERS:
        enabled = found.get((one.table, one.name))
        if enabled is None:
            yield fails(
                f"{one.table} has lost its trigger {one.name}: {one.without}.",
                line.as_us(f"CREATE {one.kind} {one.name} {one.when} ON {one.table} {one.does}"),
            )
        elif not enabled:
            yield fails(
                f"The trigger {one.name} of {one.table} is switched off: {one.without}.",
                line.as_us(f"ALTER TABLE {one.table} ENABLE TRIGGER {one.name}"),
            )


@contextmanager
def _alchemy(line: Line) -> Iterator[sa.Connection]:
    """SQLAlchemy's view of the line's own connection, in a transaction: behind a pooler there may
    be no second one."""
    engine = sa.create_engine(
        "postgresql+psycopg://", creator=lambda: line.connection, poolclass=sa.StaticPool
    )
    line.connection.autocommit = False
    try:
        with engine.connect() as connection:
            connection.execute(sa.text(f"SET LOCAL statement_timeout = '{PATIENCE_S}s'"))
            yield connection
    finally:
        line.connection.rollback()
        line.connection.autocommit = True
