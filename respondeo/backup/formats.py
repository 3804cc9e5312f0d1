"""The formats of a backup, by the ending of its name, each read as lines of SQL."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO, cast

from respondeo.backup.clients import Clients, Running
from respondeo.backup.words import BackupError


class Format(StrEnum):
    """What a name may end in."""

    PLAIN = ".sql"
    GZIP = ".sql.gz"
    CUSTOM = ".dump"


SINCE_17 = b"SET transaction_timeout = 0;\n"
_CHOICES = ".sql (plain SQL), .sql.gz (the same, compressed) or .dump (PostgreSQL's custom format)"


def format_of(file: Path) -> Format:
    """The format that a name asks for. Raises BackupError."""
    for known in Format:
        if file.name.endswith(known) and file.name != known:
            return known
    raise BackupError(f"The name of a backup ends in {_CHOICES}: {file.name} does not.")


def lines_of(file: Path, clients: Clients, schema: str) -> Iterator[bytes]:
    """A backup as the SQL that makes what it holds of `schema`. Raises BackupError.

    Only who has read to the end without an error knows that the file is whole.
    """
    try:
        if format_of(file) is Format.CUSTOM:
            yield from _archived(file, clients, schema)
        else:
            opener = gzip.open if format_of(file) is Format.GZIP else open
            with cast("IO[bytes]", opener(file, "rb")) as lines:
                yield from without_schema(lines, schema)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise damaged(file, str(error)) from error
    except OSError as error:
        raise BackupError(f"{file} cannot be read: {error.strerror or error}.") from error


def without_schema(lines: Iterable[bytes], schema: str) -> Iterator[bytes]:
    """The schema is there already wherever this is restored, also by hand with psql."""
    making = {f"CREATE SCHEMA {written};\n".encode() for written in (schema, f'"{schema}"')}
    return (line for line in lines if line not in making)


def understood(lines: Iterable[bytes], server: int) -> Iterator[bytes]:
    """Without what newer programs say and a server of this major version does not know."""
    return (line for line in lines if server >= 17 or line != SINCE_17)


def damaged(file: Path, said: str) -> BackupError:
    """The file is not what its ending says, or a part of it is missing."""
    return BackupError(
        f"{file} is damaged, cut off, or no backup: {said}.\n"
        "Nothing was changed. Take another copy of it, or another backup."
    )


def _archived(file: Path, clients: Clients, schema: str) -> Iterator[bytes]:
    file.open("rb").close()  # says by itself what pg_restore would say in its own words
    kept = ["--no-owner", "--no-privileges", "--no-comments", f"--schema={schema}"]
    with Running([clients.path("pg_restore"), *kept, "--file=-", str(file)]) as reading:
        yield from cast("IO[bytes]", reading.process.stdout)
        said = reading.complaint()
    if said and "unsupported version" in said:
        raise BackupError(
            f"{file} was made by a newer pg_dump than the programs here, which are of PostgreSQL"
            f" {clients.version[0]}.{clients.version[1]}.\n"
            "Nothing was changed. Install newer ones, such as the package postgresql-client."
        )
    if said:
        raise damaged(file, said.splitlines()[-1])
