"""What the server is: its version, its encoding, its clock."""

from __future__ import annotations

import time
from collections.abc import Iterator

from respondeo.doctor.findings import Finding, fails, passes, warns
from respondeo.doctor.patient import Patient

OLDEST = 15
APART_S = 2.0


def version(patient: Patient) -> Iterator[Finding]:
    number, shown = patient.line.ask(
        "SELECT current_setting('server_version_num')::int, current_setting('server_version')"
    )[0]
    if number < OLDEST * 10_000:
        yield fails(
            f"PostgreSQL {shown} is too old: Respondeo needs {OLDEST} or later. On the database's"
            " machine, if it is Debian or Ubuntu:",
            "sudo apt install postgresql",
            f"sudo pg_upgradecluster {_cluster(number)} main",
        )
    else:
        yield passes(f"PostgreSQL {shown}.")


def _cluster(number: int) -> str:
    """How Debian calls it: 14 for 140011, 9.6 for 90624."""
    return str(number // 10_000) if number >= 100_000 else f"9.{number // 100 % 100}"


def encoding(patient: Patient) -> Iterator[Finding]:
    line = patient.line
    found = line.ask_one("SELECT current_setting('server_encoding')")
    if found == "UTF8":
        yield passes("UTF8.")
        return
    name = line.string.database
    yield fails(
        f"{name} is encoded in {found}, which has no room for the letters of every language. An"
        " encoding cannot be changed: make another database, and lead DATABASE_URL there.",
        line.as_admin(
            "CREATE DATABASE {} OWNER {} ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0",
            f"{name}_utf8",
            line.user,
        ),
    )


def clocks(patient: Patient) -> Iterator[Finding]:
    """All time is the database's; this machine's is in signed cookies and tokens of providers."""
    before = time.time()
    theirs = float(
        patient.line.ask_one("SELECT extract(epoch FROM clock_timestamp())::double precision")
    )
    after = time.time()
    apart = theirs - (before + after) / 2
    if abs(apart) > APART_S + (after - before) / 2:
        yield warns(
            f"The database's clock is {abs(apart):.0f} seconds"
            f" {'ahead of' if apart > 0 else 'behind'} this machine's. Quizzes follow the"
            " database's, signing in follows this one's. Let both ask a time server:",
            "sudo timedatectl set-ntp true",
        )
    else:
        yield passes("The database's clock and this machine's agree.")
