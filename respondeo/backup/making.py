"""Making a backup: pg_dump's view of one moment, in a file that is there whole or not at all."""

from __future__ import annotations

import gzip
import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, cast

from respondeo.backup.clients import Clients, Running, environment
from respondeo.backup.formats import Format, format_of, understood, without_schema
from respondeo.backup.words import BackupError, Progress
from respondeo.connection_string import ConnectionString

# Who was signed in, and how often somebody asked. Nobody misses them, and addresses and identity
# providers' tokens are better in one place less.
LEFT_OUT = ("session", "rate_limit")
CHUNK = 1 << 16


def back_up(
    to: ConnectionString, clients: Clients, schema: str, server: int, target: Path | None
) -> Progress:
    """Write a backup to `target`, or as plain SQL to the standard output. Raises BackupError.

    A file is replaced at the end, in one step; its owner alone may read it. `server` is the major
    version of the server.
    """
    kind = Format.PLAIN if target is None else format_of(target)
    progress = Progress("Backing up")
    with environment(to) as env, Running(_words(clients, schema, kind), env) as dumping:
        dumped = cast("IO[bytes]", dumping.process.stdout)
        plain = understood(without_schema(dumped, schema), server)
        read = _chunks(dumped) if kind is Format.CUSTOM else plain
        with nullcontext(sys.stdout.buffer) if target is None else _new(target) as out:
            _write(read, out, progress, compressed=kind is Format.GZIP)
            if said := dumping.complaint():
                raise BackupError(f"pg_dump could not finish. It said:\n{to.hide(said)}")
    return progress


def _words(clients: Clients, schema: str, kind: Format) -> list[str]:
    quoted = '"' + schema.replace('"', '""') + '"'
    return [
        clients.path("pg_dump"),
        f"--format={'custom' if kind is Format.CUSTOM else 'plain'}",
        f"--schema={quoted}",
        *(f"--exclude-table-data={quoted}.{table}" for table in LEFT_OUT),
        *("--no-owner", "--no-privileges", "--no-comments"),
        *("--no-password", "--lock-wait-timeout=60s"),
    ]


def _chunks(dumped: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: dumped.read(CHUNK), b"")


def _write(read: Iterable[bytes], out: IO[bytes], progress: Progress, *, compressed: bool) -> None:
    into = cast("IO[bytes]", gzip.GzipFile("", "wb", fileobj=out)) if compressed else out
    for piece in read:
        into.write(piece)
        progress.add(len(piece))
    if compressed:
        into.close()
    out.flush()


@contextmanager
def _new(target: Path) -> Iterator[IO[bytes]]:
    """A new file in the place of `target`, where nothing goes wrong; else all stays as it was."""
    target = target.resolve()
    if target.exists() and not target.is_file():
        raise BackupError(f"{target} is no file. Nothing was changed.")
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        beside.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except OSError as error:
        raise BackupError(
            f"{target} cannot be written: {error.strerror or error}. Nothing was changed."
        ) from error
    finally:
        beside.unlink(missing_ok=True)
