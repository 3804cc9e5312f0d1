"""What a backup holds, read from its SQL before anything is done with it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from respondeo.schema import VERSION_TABLE

COPY = re.compile(rb"COPY (\S+) .*FROM stdin;\n")
END_OF_DATA = b"\\.\n"
COMPLETE = b"-- PostgreSQL database dump complete\n"
RESTRICTION = re.compile(rb"\\(un)?restrict \w+\n")
# What would undo what was restored so far (a COMMIT fails, see restoring.py), or is meant for psql,
# not the server: to connect elsewhere, to run something in the shell.
STRANGE = re.compile(rb"\s*(ROLLBACK|ABORT)(\s+\w+)*\s*;|\\", re.IGNORECASE)


@dataclass(frozen=True)
class Contents:
    """revisions: of the schema; complete: whether pg_dump came to its end; is_plain: whether there
    is nothing in it that pg_dump does not write.
    """

    revisions: tuple[str, ...]
    complete: bool
    is_plain: bool


def contents(lines: Iterable[bytes], schema: str) -> Contents:
    """Read a backup to its end."""
    versions = {f"{written}.{VERSION_TABLE}".encode() for written in (schema, f'"{schema}"')}
    revisions: list[str] = []
    table: bytes | None = None  # the one whose rows are being read
    complete, plain = False, True
    for line in lines:
        if table is not None:
            if line == END_OF_DATA:
                table = None
            elif table in versions:
                revisions.append(line.decode().strip())
        elif found := COPY.fullmatch(line):
            table = found[1]
        elif line == COMPLETE:
            complete = True
        elif STRANGE.match(line) and not RESTRICTION.fullmatch(line):
            plain = False
    return Contents(tuple(revisions), complete, plain)
