"""Moves the database from revision to revision: one process at a time, each step in a transaction.

A session lock keeps two deploys apart, so this goes to the server itself (DATABASE_DIRECT_URL),
past any transaction pooler. Who waits for a table that players use gives up soon and tries again: a
queue behind an upgrade would stop them all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import RevisionStep
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from click import ClickException
from flask import Flask
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError

from respondeo import database_trouble, pooler, revisions
from respondeo.connection_string import ConnectionString
from respondeo.db import migration_engine

ADVISORY_LOCK = 0x5265_7370_6F6E_6465  # "Responde" as bytes: no other program asks for this one
LOCK_TIMEOUT_S = 4
STATEMENT_TIMEOUT_S = 600
ASK_AGAIN_S = 1  # while another one migrates
PAUSES_S = (1, 2, 4, 8)  # before trying again, where a table was in use

# For whoever changes the tables in one transaction beside the migrations: it never waits, see
# _is_our_turn.
TAKE_TURN = f"""DO $$ BEGIN
    IF NOT pg_try_advisory_xact_lock({ADVISORY_LOCK}) THEN
        RAISE lock_not_available USING MESSAGE = 'another upgrade, restore or reset is under way';
    END IF;
END $$"""

Say = Callable[[str], None]

HOLDER = """
    SELECT pid, host(client_addr), round(extract(epoch FROM clock_timestamp() - backend_start))::int
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted
        AND (classid::bigint << 32 | objid::bigint) = :lock
"""


class MigrationError(ClickException):
    """The database could not be moved. The message says why, and where it stands now."""


def quiet(_said: str) -> None:
    """For those who want to hear nothing."""


@contextmanager
def alone(
    app: Flask, say: Say = quiet, statement_timeout_s: int = STATEMENT_TIMEOUT_S
) -> Iterator[sa.Connection]:
    """A connection of the only process that may migrate now. Raises MigrationError,
    PooledError.

    statement_timeout_s: 0 for a step that may take as long as it takes.
    """
    with ExitStack() as stack:
        with _explained(app):
            pooler.refuse(ConnectionString.parse(app.config["DATABASE_DIRECT_URL"]))
            connection = stack.enter_context(migration_engine(app).connect())
            connection.execute(sa.text("SET statement_timeout = 0; SET lock_timeout = 0"))
            # Held until the connection closes: whoever else migrates waits for all of ours.
            _wait_for_turn(connection, say)
            connection.execute(sa.text(f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'"))
            connection.execute(sa.text(f"SET statement_timeout = '{statement_timeout_s}s'"))
            connection.commit()
        yield connection


def _wait_for_turn(connection: sa.Connection, say: Say) -> None:
    if _is_our_turn(connection):
        return
    holder = connection.execute(sa.text(HOLDER), {"lock": ADVISORY_LOCK}).first()
    who = f" (process {holder[0]} of the server, for {holder[2]} seconds)" if holder else ""
    connection.commit()
    say(f"Another upgrade is under way{who}. Waiting for it to end.")
    while not _is_our_turn(connection):
        time.sleep(ASK_AGAIN_S)
    say("It ended. Going on.")


def _is_our_turn(connection: sa.Connection) -> bool:
    """Whether we have the lock now.

    Who waited for it in the server would hold a snapshot, and CREATE INDEX CONCURRENTLY of the
    upgrade under way would wait for that: the server ends such a deadlock by ending the upgrade.
    """
    ours = connection.scalar(sa.text(f"SELECT pg_try_advisory_lock({ADVISORY_LOCK})"))
    connection.commit()
    return bool(ours)


# -- up and down ----------------------------------------------------------------------------------


def upgrade(
    app: Flask,
    target: str = "head",
    say: Say = quiet,
    statement_timeout_s: int = STATEMENT_TIMEOUT_S,
) -> None:
    """Go up to a revision; at once where the database is there. Raises MigrationError."""
    _Journey(app, say, statement_timeout_s).go(
        target, lambda scripts, stored: scripts._upgrade_revs(target, stored)
    )


def downgrade(app: Flask, target: str = "-1", say: Say = quiet) -> None:
    """Go down to a revision, or some steps (`-1`). Raises MigrationError."""
    _Journey(app, say, STATEMENT_TIMEOUT_S).go(
        target, lambda scripts, stored: scripts._downgrade_revs(target, stored)
    )


def losses(app: Flask, target: str) -> list[tuple[str, str]]:
    """What a downgrade takes away for good: the step and what, the first first.

    Raises MigrationError.
    """
    scripts = revisions.scripts(app.extensions["migrate"].directory)
    with _explained(app):
        stored = _stored(app)
        steps: Iterable[RevisionStep] = scripts._downgrade_revs(target, stored)  # type: ignore[arg-type]
    return [
        (_name(step), step.revision.module.loses) for step in steps if step.revision.module.loses
    ]


Steps = Callable[[ScriptDirectory, Any], Iterable[RevisionStep]]


class _Journey:
    """Some steps, told of as they are made."""

    def __init__(self, app: Flask, say: Say, statement_timeout_s: int) -> None:
        self.app = app
        self.say = say
        migration = app.extensions["migrate"]
        self.config = migration.migrate.get_config(migration.directory)
        self.config.attributes.update(say=say, statement_timeout_s=statement_timeout_s)
        self.scripts = ScriptDirectory.from_config(self.config)
        self.step: str | None = None
        self.made = 0

    def go(self, target: str, steps: Steps) -> None:
        self.say(f"The database: {ConnectionString.parse(self.app.config['DATABASE_DIRECT_URL'])}")
        with _explained(self.app, self):
            self._go_patiently(target, steps)
            stood = ", ".join(_stored(self.app)) or "the beginning"
        self.say(
            f"The database is at {stood}." if self.made else f"Nothing to do: it is at {stood}."
        )

    def _go_patiently(self, target: str, steps: Steps) -> None:
        for pause in (*PAUSES_S, None):
            try:
                self._go_once(target, steps)
            except DBAPIError as error:
                if not isinstance(error.orig, pg.LockNotAvailable) or pause is None:
                    raise
                self.say(f"A table is in use. Trying {self.step} again in {pause} s.")
                time.sleep(pause)
            else:
                return

    def _go_once(self, target: str, steps: Steps) -> None:
        with EnvironmentContext(
            self.config,
            self.scripts,
            fn=lambda stored, _context: self._told(steps(self.scripts, stored)),
            destination_rev=target,
        ):
            self.scripts.run_env()

    def _told(self, steps: Iterable[RevisionStep]) -> Iterator[RevisionStep]:
        """Alembic takes a step from here, makes it in a transaction, and comes for the next."""
        for step in steps:
            self.step = _name(step)
            self.say(f"{'Up' if step.is_upgrade else 'Down'}: {self.step} …")
            started = time.monotonic()
            yield step
            self.say(f"    done in {time.monotonic() - started:.1f} s")
            self.step = None
            self.made += 1


def _name(step: RevisionStep) -> str:
    return f"{step.revision.revision} ({revisions.title(step.revision)})"


def _stored(app: Flask) -> tuple[str, ...]:
    with migration_engine(app).connect() as connection:
        return revisions.stored(connection)


# -- what went wrong ------------------------------------------------------------------------------


@contextmanager
def _explained(app: Flask, journey: _Journey | None = None) -> Iterator[None]:
    """Every fault becomes a MigrationError that says where the database stands; a bug stays one."""
    try:
        yield
    except CommandError as error:
        raise MigrationError(_about_revisions(app, error)) from error
    except (DBAPIError, psycopg.Error) as error:
        step = journey.step if journey else None
        raise MigrationError(_about_database(app, error, step)) from error
    except Exception:
        if journey and journey.step:
            journey.say(f"Step {journey.step} failed. {_where(app)}")
        raise


def _about_revisions(app: Flask, error: CommandError) -> str:
    scripts = revisions.scripts(app.extensions["migrate"].directory)
    if said := revisions.several_heads(scripts):
        return f"{said} Join them: {revisions.JOIN}"
    unknown = revisions.standing(scripts, _stored(app)).unknown
    if unknown:
        return f"{database_trouble.NEWER.sentence} It is at {', '.join(unknown)}."
    return f"{error}. `flask db history` lists the revisions."


def _about_database(app: Flask, error: DBAPIError | psycopg.Error, step: str | None) -> str:
    string = ConnectionString.parse(app.config["DATABASE_DIRECT_URL"])
    if step is None:
        return database_trouble.told(error, string)
    lines = [f"Step {step} failed. It said: {database_trouble.said(error, string)}", _where(app)]
    cause = getattr(error, "orig", error)
    if isinstance(cause, pg.LockNotAvailable):
        lines.append(
            "A table was in use all the time. Look for an old transaction, or take a quiet hour:\n"
            f"  {IN_USE}"
        )
    elif isinstance(cause, pg.QueryCanceled):
        lines.append(
            "It took longer than a statement may. If that is as it should be, say so:\n"
            "  flask db upgrade --statement-timeout 0"
        )
    else:
        lines.append("Mend that, then run it again; what is done is not done twice.")
    return "\n".join(lines)


IN_USE = (
    'psql "$DATABASE_URL" -c "SELECT pid, state, xact_start, query FROM pg_stat_activity'
    ' WHERE xact_start IS NOT NULL ORDER BY xact_start"'
)


def _where(app: Flask) -> str:
    """Where the database stands after a step that failed."""
    try:
        stood = ", ".join(_stored(app)) or "the beginning"
    except DBAPIError:
        return "Nothing of it was kept; the database does not answer now."
    return f"Nothing of it was kept: the database is at {stood}."
