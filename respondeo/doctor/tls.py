"""TLS: what sslmode asks for, what the server does, whether its certificate is the right one."""

from __future__ import annotations

import ipaddress
import shlex
import ssl
import struct
from collections.abc import Iterator
from contextlib import suppress

import psycopg

from respondeo.connection_string import Host
from respondeo.database_trouble import (
    AWAY,
    CERTIFICATE,
    NO_SSL,
    SSL,
    Trouble,
    while_connecting,
)
from respondeo.doctor.entering import turned_away
from respondeo.doctor.findings import Finding, fails, passes, warns
from respondeo.doctor.line import Line
from respondeo.doctor.patient import Patient
from respondeo.doctor.reach import knock

SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # PostgreSQL documentation, 54.7
SYSTEM_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def encryption(patient: Patient) -> Iterator[Finding]:
    line = patient.line
    let_in = line.open()
    trouble = line.trouble
    if line.refused and trouble in {SSL, NO_SSL, CERTIFICATE}:
        yield _refused(line, line.refused, trouble)
    elif line.refused and _is_something_else(str(line.refused)):
        host = next(iter(patient.reached), None)
        yield fails(
            f"{AWAY.sentence} What answers at {host or 'its socket'} is no PostgreSQL server.",
            f"sudo ss -ltnp 'sport = :{host.port}'" if host else "sudo ss -lxp",
        )
    elif let_in:
        yield _as_it_is(patient, encrypted=bool(line.connection.pgconn.ssl_in_use))
    else:
        yield passes(f"Nothing against it (sslmode={line.sslmode}): {_offer(patient)}.")


def _is_something_else(said: str) -> bool:
    return "invalid response to SSL negotiation" in said or "expected authentication" in said


def _refused(line: Line, refused: psycopg.Error, trouble: Trouble) -> Finding:
    said = f"{trouble.sentence} {line.said(refused)}"
    if trouble is SSL:
        if not _would_help(line):
            return turned_away(line, f"{said} With encryption it refuses us too.")
        return fails(said, line.written(sslmode="require"))
    if trouble is NO_SSL:
        return fails(
            said,
            *_switch_on(line),
            line.written(sslmode=None, sslrootcert=None),
        )
    if "does not match host name" in str(refused):
        said += " Write the host as the certificate has it."
    if "host name must be specified" in str(refused):
        said += " Write the host before the /, as the certificate has it; hostaddr may stay."
    return fails(said, *_about_certificates(line, str(refused)))


def _would_help(line: Line) -> bool:
    """Whether it is the missing encryption that the server minds."""
    try:
        line.connect(sslmode="require").close()
    except psycopg.Error as error:
        told = str(error)
        return "pg_hba.conf" not in told and while_connecting(told) is not NO_SSL
    return True


def _about_certificates(line: Line, said: str) -> list[str]:
    look = [
        f"openssl s_client -starttls postgres -connect {shlex.quote(str(host))} -showcerts"
        " </dev/null | openssl x509 -noout -subject -issuer -dates -ext subjectAltName"
        for host in line.hosts[:1]
    ]
    if "root certificate file" in said or line.string.parameters.get("sslrootcert") is None:
        return [line.written(sslrootcert=SYSTEM_CERTIFICATES), *look]
    return look


def _as_it_is(patient: Patient, *, encrypted: bool) -> Finding:
    line = patient.line
    asked = f"sslmode={line.sslmode}"
    if encrypted:
        checked = {
            "verify-full": "the certificate and its name are right",
            "verify-ca": "the certificate is right, its name is not looked at",
        }.get(line.sslmode, "the certificate is not looked at")
        return passes(f"Encrypted ({asked}): {_offer(patient)}; {checked}.")
    if line.is_near or line.connection.info.hostaddr in {"127.0.0.1", "::1"}:
        return passes(f"Not encrypted ({asked}), and it does not leave this machine.")
    offers = spoken(patient.reached[0]) if patient.reached else None
    if offers:
        return warns(
            f"Not encrypted ({asked}), although the server can do {offers}. Who listens in between"
            " reads everything.",
            line.written(sslmode="require"),
        )
    return warns(
        f"Not encrypted ({asked}): the server knows no TLS. Who listens in between reads"
        " everything.",
        *_switch_on(line),
    )


def _switch_on(line: Line) -> list[str]:
    return [line.as_admin("ALTER SYSTEM SET ssl = on"), line.as_admin("SELECT pg_reload_conf()")]


def _offer(patient: Patient) -> str:
    host = patient.reached[0] if patient.reached else None
    if host is None or host.is_socket:
        return "a socket on this machine"
    return spoken(host) or "the server knows no TLS"


def spoken(host: Host) -> str | None:
    """Version and cipher that a server chooses; None where it knows no TLS."""
    if host.is_socket:
        return None
    with suppress(OSError), knock(host) as plain:
        plain.sendall(SSL_REQUEST)
        if plain.recv(1) == b"S":
            with _anybody().wrap_socket(plain, server_hostname=_name(host)) as encrypted:
                return f"{encrypted.version()}, {(encrypted.cipher() or ('?',))[0]}"
    return None


def _anybody() -> ssl.SSLContext:
    """To look only: libpq is the one that checks certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _name(host: Host) -> str | None:
    try:
        ipaddress.ip_address(host.name)
    except ValueError:
        return host.name
    return None
