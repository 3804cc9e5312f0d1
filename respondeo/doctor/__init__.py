"""The doctor: examines the database connection from the environment to the last index.

It needs no working application, changes nothing, and never says a password.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
from sqlalchemy.exc import DBAPIError

from respondeo.database_trouble import explain
from respondeo.doctor import entering, pooling, reach, rights, room, schema, server, tls
from respondeo.doctor.findings import Finding, State, fails, skipped
from respondeo.doctor.line import sentence
from respondeo.doctor.patient import Patient

__all__ = ["CHECKS", "Check", "Finding", "Patient", "Result", "State", "examine"]


@dataclass(frozen=True, slots=True)
class Check:
    """One question. Where one that it needs failed, it is not asked."""

    name: str
    title: str
    look: Callable[[Patient], Iterator[Finding]]
    needs: tuple[str, ...] = ()


CHECKS = (
    Check("set", "Set", reach.is_set),
    Check("parsed", "Understood", reach.can_be_parsed, ("set",)),
    Check("host", "Host", reach.resolves, ("parsed",)),
    Check("port", "Port", reach.port_is_open, ("host",)),
    Check("tls", "Encryption", tls.encryption, ("port",)),
    Check("authentication", "Authentication", entering.authentication, ("tls",)),
    Check("database", "Database", entering.database, ("authentication",)),
    Check("rights", "Rights", rights.rights, ("database",)),
    Check("version", "Version", server.version, ("database",)),
    Check("encoding", "Encoding", server.encoding, ("database",)),
    Check("clocks", "Clocks", server.clocks, ("database",)),
    Check("pooler", "Pooler", pooling.pooler, ("database",)),
    Check("direct", "Direct connection", pooling.direct, ("database",)),
    Check("migrations", "Migrations", schema.migrations, ("database",)),
    Check("tables", "Tables", schema.tables, ("migrations",)),
    Check("room", "Connections", room.room, ("database",)),
)


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found."""

    check: Check
    findings: tuple[Finding, ...]

    @property
    def state(self) -> State:
        """The worst of its findings."""
        return max((finding.state for finding in self.findings), key=list(State).index)


def examine(patient: Patient) -> Iterator[Result]:
    """Ask every question in order, and yield each answer as soon as it is known."""
    stopped: dict[str, Check] = {}
    for check in CHECKS:
        cause = next((stopped[name] for name in check.needs if name in stopped), None)
        if cause:
            findings: tuple[Finding, ...] = (
                skipped(f"Not looked at, because of “{cause.title}”."),
            )
        else:
            findings = _looked(check, patient)
        result = Result(check, findings)
        if cause or result.state is State.FAILS:
            stopped[check.name] = cause or check
        yield result
    patient.leave()


def _looked(check: Check, patient: Patient) -> tuple[Finding, ...]:
    """The findings; a database that goes away in the middle is one too."""
    try:
        return tuple(check.look(patient))
    except (psycopg.Error, DBAPIError) as error:
        said = patient.told(getattr(error, "orig", None) or error)
        trouble = explain(error)
        told = f"{trouble.sentence} It said: " if trouble else "This could not be looked at: "
        return (fails(sentence(told + said)),)
