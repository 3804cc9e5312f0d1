"""Restoring a backup: all of it in one transaction, after it was read to its end once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from respondeo.backup.clients import Clients, Running, environment
from respondeo.backup.contents import RESTRICTION, contents
from respondeo.backup.formats import damaged, lines_of, understood
from respondeo.backup.words import BackupError, Progress
from respondeo.connection_string import ConnectionString
from respondeo.migrating import TAKE_TURN
from respondeo.schema import LOCK_TIMEOUT_S, Holdings

# psql's verbose form, in whatever language: ERROR:  55P03: canceling statement due to …
SAID = re.compile(r":  ([0-9A-Z]{5}): (.*)")
FINE = {"00", "01"}  # classes of notices and warnings
LOCK_NOT_AVAILABLE = "55P03"
READ_ONLY = "25006"
# The file's statements run in our transaction. One that committed in the middle of it would leave
# us without the tables that were dropped: this row, which refers to none, lets nobody commit until
# we have taken it away. One that rolled back would go on outside, where nothing may be written.
WHOLE = "respondeo_whole"
GUARD = f"""
CREATE TEMP TABLE {WHOLE}
    (a int PRIMARY KEY, b int REFERENCES {WHOLE} DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP;
INSERT INTO {WHOLE} VALUES (1, 2);
"""  # noqa: S608 - a constant
LOST = 2  # psql's exit status where the connection went


class InUse(BackupError):
    """Somebody else holds a table for too long."""


class Restoring:
    """One backup, on its way into our schema of one database.

    By `clients` that can be restricted.
    """

    def __init__(self, to: ConnectionString, clients: Clients, file: Path) -> None:
        self._to = to
        self._clients = clients
        self._file = file

    def check(self, schema: str, known: Collection[str]) -> tuple[str, ...]:
        """Read the file to its end. Returns the revisions of the schema in it.

        `known` are the revisions of this program. Raises BackupError where it cannot be restored.
        """
        found = contents(lines_of(self._file, self._clients, schema), schema)
        if not found.revisions:
            raise BackupError(
                f"{self._file} is no backup of Respondeo: it holds no {schema}.alembic_version."
            )
        if not found.complete:
            raise damaged(self._file, "its end is missing")
        if not found.is_plain:
            raise BackupError(
                f"{self._file} was not written by pg_dump alone: it rolls back, or has commands"
                " for psql. Nothing was changed."
            )
        if unknown := sorted(set(found.revisions) - set(known)):
            raise BackupError(
                f"{self._file} is of a newer version of Respondeo: this one does not know its"
                f" migration {', '.join(unknown)}. Install that version, then restore."
            )
        return found.revisions

    def run(self, present: Holdings, server: int) -> Progress:
        """Replace what is present by what the file holds. Raises BackupError, InUse.

        `server` is its major version.
        """
        progress = Progress("Restoring")
        words = [self._clients.path("psql"), "--no-psqlrc", "--quiet", "--no-password"]
        words += ["--set=ON_ERROR_STOP=1", "--set=VERBOSITY=verbose", "--file=-"]
        lines = lines_of(self._file, self._clients, present.schema)
        with environment(self._to) as env, Running(words, env, listens=True) as restoring:
            told = cast("IO[bytes]", restoring.process.stdin)
            # It breaks where psql has stopped at an error, which is said below.
            with suppress(BrokenPipeError):
                told.writelines(_before(present))
                told.write(f"\\restrict {secrets.token_hex()}\n".encode())
                for line in understood(lines, server):
                    if not RESTRICTION.fullmatch(line):  # we have restricted psql ourselves
                        told.write(line)
                        progress.add(len(line))
                # Only now is the file known to be whole: without this, nothing has happened.
                told.writelines(_after(present))
                told.close()
            if said := restoring.complaint():
                raise _refused(self._to.hide(said), lost=restoring.process.returncode == LOST)
        return progress


def _before(present: Holdings) -> Iterator[bytes]:
    yield b"SET statement_timeout = 0;\n"  # the role may have one, meant for requests
    yield b"SET default_transaction_read_only = on;\n"
    yield b"BEGIN READ WRITE;\n"
    yield GUARD.encode()
    yield f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s';\n".encode()
    yield f"{TAKE_TURN};\n".encode()
    for statement in present.clearing:
        yield f"{statement};\n".encode()


def _after(present: Holdings) -> Iterator[bytes]:
    # A session that was ended after the backup must not come back with it.
    yield f"DELETE FROM {present.quoted_schema}.session;\n".encode()  # noqa: S608 - a name, quoted
    yield f"DELETE FROM pg_temp.{WHOLE};\n".encode()  # noqa: S608 - a constant
    yield b"COMMIT;\n"


def _refused(said: str, *, lost: bool) -> BackupError:
    errors = [(state, words) for state, words in SAID.findall(said) if state[:2] not in FINE]
    state, words = errors[-1] if errors else ("", said.splitlines()[-1])
    if lost:  # it may have been after the last word, of which we then heard no answer
        return BackupError(
            f"The connection ended: {words}\n"
            "Either all of the backup is there now or nothing of it. Restore it again."
        )
    if WHOLE in words or state == READ_ONLY:
        return BackupError(
            "Nothing was restored and nothing was changed: the file ends the transaction in which"
            " all of it is restored. It was not written by pg_dump alone."
        )
    kind = InUse if state == LOCK_NOT_AVAILABLE else BackupError
    return kind(f"Nothing was restored and nothing was changed. PostgreSQL said: {words}")
