"""What a backup holds, read from its SQL before anything is done with it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from respondeo.schema import VERSION_TABLE

COPY = re.compile(rb"COPY (\S+) .*FROM stdin;\n")
END_OF_DATA = b"\\.\n"
COMPLETE = b"-- PostgreSQL database dump complete\n"
# What would end the transaction in which all of it is restored, or leave the database.
LEAVING = re.compile(rb"(BEGIN|START TRANSACTION|COMMIT|ROLLBACK|ABORT)( \w+)*;|\\c(onnect)?\b")


@dataclass(frozen=True)
class Contents:
    """revisions: of the schema; complete: whether pg_dump came to its end."""

    revisions: tuple[str, ...]
    complete: bool
    is_one_transaction: bool


def contents(lines: Iterable[bytes], schema: str) -> Contents:
    """Read a backup to its end."""
    versions = {f"{written}.{VERSION_TABLE}".encode() for written in (schema, f'"{schema}"')}
    revisions: list[str] = []
    table: bytes | None = None  # the one whose rows are being read
    complete, one_transaction = False, True
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
        elif LEAVING.match(line):
            one_transaction = False
    return Contents(tuple(revisions), complete, one_transaction)
