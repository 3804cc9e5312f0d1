"""Does the server let us in, and is there a database of that name."""

from __future__ import annotations

import ipaddress
import re
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
    # Whoever gives a wrong password may besides hear that without encryption nobody comes in.
    if trouble is PASSWORD and "pg_hba.conf" in line.told(line.refused):
        return turned_away(line, said)
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
    return password


def turned_away(line: Line, said: str) -> Finding:
    """That no rule of the server's lets us in, or one keeps us out, and how that is changed."""
    told = line.told(str(line.refused))
    look = line.as_admin("SELECT * FROM pg_hba_file_rules")
    read = line.as_admin("SELECT pg_reload_conf()")
    if "rejects" in told:  # the first rule that fits counts: none at the end would help
        return fails(
            f"{said} A line of its pg_hba.conf says “reject” to this user, database or machine."
            " Take it out of the file that the second command names, on the database's machine:",
            look,
            line.as_admin("SHOW hba_file"),
            read,
        )
    return fails(
        f"{said} Its pg_hba.conf has no line for this user, database and machine. Add one, on the"
        " database's machine:",
        look,
        f"echo {shlex.quote(_rule(line, told))} | sudo tee -a"
        f""" "$({line.as_admin_there} -Atc 'SHOW hba_file')\"""",
        read,
    )


def _rule(line: Line, told: str) -> str:
    """The line that is missing, for the address that the server sees us at, and no other."""
    who = f"{line.string.database} {line.user}"
    seen = re.search(r'for host "([^"]+)"', told)
    if seen is None or seen[1] == "[local]":
        return f"local {who} scram-sha-256"
    kind = "hostssl" if "SSL encryption" in told else "host"
    return f"{kind} {who} {ipaddress.ip_network(seen[1])} scram-sha-256"


def _look(line: Line) -> list[str]:
    host = next(iter(line.hosts), None)
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
