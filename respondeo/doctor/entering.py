"""Does the server let us in, and is there a database of that name."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from respondeo.database_trouble import BUSY, MISSING, PASSWORD, RIGHTS
from respondeo.doctor.findings import Finding, fails, passes
from respondeo.doctor.line import Line
from respondeo.doctor.patient import Patient

WHO_IS_CONNECTED = (
    "SELECT datname, usename, application_name, state, count(*) FROM pg_stat_activity"
    " GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC"
)


def authentication(patient: Patient) -> Iterator[Finding]:
    yield let_in(patient.line)


def let_in(line: Line) -> Finding:
    """Whether the server takes user and password; a missing database comes after that."""
    if line.open():
        return passes(f"{line.user} is let in.")
    assert line.refused
    trouble = line.trouble
    if trouble in {MISSING, RIGHTS}:
        return passes(f"{line.user} is who it says.")
    assert trouble
    said = f"{trouble.sentence} {line.said(line.refused)}"
    if trouble is PASSWORD:
        return fails(said, *_identify(line, str(line.refused).lower()))
    if trouble is BUSY:
        return fails(said, line.as_admin(WHO_IS_CONNECTED))
    return fails(said, *_look(line))


def _identify(line: Line, said: str) -> list[str]:
    if "peer authentication" in said:
        # A socket whose server asks the system who one is.
        return [line.written(host=None) if line.string.hosts else line.written()]
    # psql asks for the new password, so that no history keeps it.
    password = [line.as_admin(r"\password {}", line.user), line.written()]
    if "fatal:  role" in said:
        return [line.as_admin("CREATE ROLE {} LOGIN", line.user), *password]
    # Whoever gives a wrong password may besides hear that without encryption nobody comes in.
    if "pg_hba.conf" in said and "password" not in said:
        return [
            line.as_admin("SELECT * FROM pg_hba_file_rules"),
            _admit(line),
            line.as_admin("SELECT pg_reload_conf()"),
        ]
    return password


def _admit(line: Line) -> str:
    kind = "host" if line.sslmode == "disable" else "hostssl"
    rule = f"{kind} {line.string.database} {line.user} samenet scram-sha-256"
    return f"echo {shlex.quote(rule)} | sudo tee -a /etc/postgresql/*/main/pg_hba.conf"


def _look(line: Line) -> list[str]:
    host = next(iter(line.string.hosts), None)
    return [f"pg_isready -h {shlex.quote(host.name)} -p {host.port}"] if host else ["pg_isready"]


def database(patient: Patient) -> Iterator[Finding]:
    yield exists(patient.line)


def exists(line: Line) -> Finding:
    name = line.string.database
    if line.open() and not line.keeps_transactions():
        return fails(
            "A pooler in statement mode stands before it, and lets nobody have a transaction. Set"
            " in pgbouncer.ini, then reload it:",
            "pool_mode = transaction",
        )
    if line.open():
        return passes(f"{name} is there.")
    assert line.refused
    if line.trouble is RIGHTS:
        return fails(
            f"{RIGHTS.sentence} {line.said(line.refused)}",
            line.as_admin("GRANT CONNECT ON DATABASE {} TO {}", name, line.user),
        )
    return fails(
        f"{MISSING.sentence} {line.said(line.refused)}",
        line.as_admin("CREATE DATABASE {} OWNER {}", name, line.user),
        "flask db upgrade",
    )
