"""Poolers: what stands between, what DATABASE_URL says of it, where DATABASE_DIRECT_URL leads."""

from __future__ import annotations

from collections.abc import Iterator

from respondeo.connection_string import POOLER, ConnectionString
from respondeo.doctor import entering
from respondeo.doctor.findings import Finding, State, fails, passes, warns
from respondeo.doctor.line import Line, sentence
from respondeo.doctor.patient import Patient
from respondeo.doctor.reach import ENCODE
from respondeo.doctor.rights import may_not_create, may_not_write
from respondeo.pooler import Pooler, between

# A cluster is known by a number made with it, a database by its oid.
SAME = """
    SELECT (SELECT system_identifier FROM pg_control_system()),
        (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def pooler(patient: Patient) -> Iterator[Finding]:
    line = patient.line
    patient.pooler = between(line.connection, line.connect)
    said = line.string.pooled
    if patient.pooler is Pooler.TRANSACTION:
        yield (
            passes("A pooler in transaction mode, as DATABASE_URL says.")
            if said
            else fails(
                "A pooler in transaction mode stands in between, and DATABASE_URL does not say so:"
                " settings of one request would reach another.",
                line.written(**{POOLER: "true"}),
            )
        )
    elif said:
        found = "no pooler" if patient.pooler is Pooler.NONE else "a pooler in session mode"
        yield warns(
            f"DATABASE_URL says {POOLER}=true, but there is {found} in between. That works, but no"
            " request is stopped that takes too long.",
            line.written(**{POOLER: None}),
        )
    elif patient.pooler is Pooler.SESSION:
        yield passes("A pooler or proxy that leaves each client its session.")
    else:
        yield passes("None in between.")


def direct(patient: Patient) -> Iterator[Finding]:
    """What upgrades, backups and restores need: the server itself, and the same database."""
    if patient.direct_url is None:
        yield _none(patient)
        return
    try:
        string = ConnectionString.parse(patient.direct_url)
        line = patient.direct = Line("DATABASE_DIRECT_URL", string)
    except ValueError as flaw:
        yield fails(
            f"DATABASE_DIRECT_URL cannot be understood: {sentence(str(flaw))}",
            *([ENCODE] if "%" in str(flaw) else []),
            _server_itself(Line("DATABASE_DIRECT_URL", patient.line.string)),
        )
        return
    for finding in (entering.let_in(line), entering.exists(line)):
        if finding.state is State.FAILS:
            yield fails(f"{string}: {finding.says}", *finding.mend)
            return
    if string.pooled or between(line.connection, line.connect) is Pooler.TRANSACTION:
        yield fails(
            "DATABASE_DIRECT_URL leads through a pooler in transaction mode, where no lock of an"
            " upgrade would hold. Name the server itself.",
            _server_itself(line),
        )
        return
    yield from _leads_there(patient, line)


def _none(patient: Patient) -> Finding:
    line = patient.line
    if line.string.pooled or patient.pooler is Pooler.TRANSACTION:
        return fails(
            "DATABASE_DIRECT_URL is not set, and DATABASE_URL leads through a pooler: upgrades,"
            " backups and restores need the server itself.",
            _server_itself(Line("DATABASE_DIRECT_URL", line.string)),
        )
    return passes("DATABASE_DIRECT_URL is not set, and not needed: DATABASE_URL is direct.")


def _server_itself(line: Line) -> str:
    string = line.string
    return (
        "DATABASE_DIRECT_URL='postgresql://"
        f"{string.user or 'quiz_app'}:PASSWORD@HOST-OF-POSTGRESQL:5432/{string.database}'"
    )


def _leads_there(patient: Patient, line: Line) -> Iterator[Finding]:
    if patient.line.open() and patient.line.ask(SAME) != line.ask(SAME):
        yield fails(
            f"DATABASE_DIRECT_URL leads to another database than DATABASE_URL: {line.string}, not"
            f" {patient.line.string}. Upgrades would go there.",
            patient.line.written().replace("DATABASE_URL=", "DATABASE_DIRECT_URL=", 1),
        )
        return
    problem = may_not_create(line) or may_not_write(line, changes=True)
    patient.owning = None if problem else line
    yield problem or passes(f"{line.string} is the same database, and locks hold there.")
