"""Is it set, can it be parsed, does the host resolve, is the port open."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Iterator
from pathlib import Path

from respondeo.connection_string import ConnectionString, Host
from respondeo.database_trouble import AWAY
from respondeo.db import CONNECT_TIMEOUT_S
from respondeo.doctor.findings import Finding, fails, passes, warns
from respondeo.doctor.line import NEAR, PATIENCE_S, Line, sentence, within
from respondeo.doctor.patient import Patient

EXAMPLE = "DATABASE_URL='postgresql://quiz_app:PASSWORD@localhost:5432/quiz_app'"
ENCODE = (
    "python3 -c 'import getpass, urllib.parse;"
    ' print(urllib.parse.quote(getpass.getpass("Password: "), safe=""))\''
)


def is_set(patient: Patient) -> Iterator[Finding]:
    if not patient.url:
        yield fails("DATABASE_URL is not set. Put a line like this into .env:", EXAMPLE)
    elif patient.embedded:
        yield passes("DATABASE_URL is not set: the embedded PostgreSQL is used.")
    else:
        yield passes("DATABASE_URL is set.")


def can_be_parsed(patient: Patient) -> Iterator[Finding]:
    assert patient.url
    try:
        patient.main = Line("DATABASE_URL", ConnectionString.parse(patient.url))
    except ValueError as flaw:
        mend = [EXAMPLE]
        if "%" in str(flaw):  # the flaw tells how such a character is written
            mend.insert(0, ENCODE)
        yield fails(f"DATABASE_URL cannot be understood: {sentence(str(flaw))}", *mend)
        return
    yield passes(f"It leads to {patient.line.string}.")


def resolves(patient: Patient) -> Iterator[Finding]:
    """Each host; one of several that cannot be found is a warning."""
    hosts = patient.line.hosts
    if not hosts:
        yield passes("It names no host: a socket on this machine, where libpq looks for it.")
    elif "hostaddr" in patient.line.string.parameters:
        yield passes("hostaddr gives the address: nothing to look up.")
    else:
        lost = {host: problem for host in hosts if (problem := _unresolved(host))}
        patient.lost = set(lost)
        yield from _each(list(lost.values()), warn=len(lost) < len(hosts))
        if found := [_resolved(host) for host in hosts if host not in lost]:
            yield passes(f"{'; '.join(found)}.")


def _each(problems: list[Finding], *, warn: bool) -> Iterator[Finding]:
    """The problems of several hosts; what they mean together is said once."""
    for number, problem in enumerate(problems):
        if warn:
            yield warns(problem.says, *problem.mend)
        else:
            says = problem.says if number else f"{AWAY.sentence} {problem.says}"
            yield fails(says, *problem.mend)


def _resolved(host: Host) -> str:
    if host.is_socket:
        return f"{host.name} is a folder"
    address = _addresses(host)[0]
    return f"{host.name} is an address" if address == host.name else f"{host.name} is {address}"


def _unresolved(host: Host) -> Finding | None:
    if host.is_socket:
        if host.name.startswith("@") or Path(host.name).is_dir():
            return None
        return fails(
            f"There is no folder {host.name} on this machine, where its socket should be.",
            "pg_lsclusters",
            "ls -d /var/run/postgresql /tmp/.s.PGSQL.*",
        )
    try:
        _addresses(host)
    except TimeoutError:
        why = "no name server answered in time"
    except OSError as error:
        why = str(error.strerror or error)
    else:
        return None
    return fails(
        f"The host {host.name} cannot be found: {why}.", f"getent hosts {shlex.quote(host.name)}"
    )


def _addresses(host: Host) -> list[str]:
    """All addresses of a name. Raises OSError, TimeoutError."""
    found = within(
        PATIENCE_S, lambda: socket.getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM)
    )
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def port_is_open(patient: Patient) -> Iterator[Finding]:
    """Each host that was found; the first that answers is the one that will be used."""
    string = patient.line.string
    hosts = tuple(host for host in patient.line.hosts if host not in patient.lost)
    if "hostaddr" in string.parameters:
        addresses = string.parameters["hostaddr"].split(",")
        hosts = tuple(Host(name, host.port) for name, host in zip(addresses, hosts, strict=False))
    if not patient.line.hosts:
        yield passes("Not looked at: it is libpq that knows the socket.")
        return
    closed = {host: problem for host in hosts if (problem := _closed(host))}
    patient.reached = [host for host in hosts if host not in closed]
    yield from _each(list(closed.values()), warn=bool(patient.reached))
    if patient.reached:
        yield passes(f"{' and '.join(map(str, patient.reached))} answers.")


def _closed(host: Host) -> Finding | None:
    try:
        knock(host).close()
    except TimeoutError:
        return fails(
            f"{host} does not answer at all: a firewall in between drops what is sent, or this is"
            " not its address.",
            f"nc -vz -w 3 {shlex.quote(host.name)} {host.port}",
        )
    except OSError as error:
        why = str(error.strerror or error).lower()
        return fails(f"Nothing answers at {host}: {why}.", *_start(host))
    return None


def knock(host: Host) -> socket.socket:
    """An open connection to a host. Raises OSError."""
    if host.is_socket:
        name = str(host)
        with_timeout = socket.socket(socket.AF_UNIX)
        with_timeout.settimeout(CONNECT_TIMEOUT_S)
        try:
            with_timeout.connect(f"\0{name[1:]}" if name.startswith("@") else name)
        except OSError:
            with_timeout.close()
            raise
        return with_timeout
    return socket.create_connection((host.name, host.port), CONNECT_TIMEOUT_S)


def _start(host: Host) -> list[str]:
    """How one sees whether a server runs there, and starts it."""
    asked = f"pg_isready -h {shlex.quote(host.name)} -p {host.port}"
    if host.is_socket or host.name in NEAR:
        return [asked, "sudo systemctl start postgresql", "docker compose up -d db"]
    return [asked]
