"""Connections left on the server against what the workers will open."""

from __future__ import annotations

from collections.abc import Iterator

from respondeo.db import MAX_OVERFLOW
from respondeo.doctor.findings import Finding, fails, passes, warns
from respondeo.doctor.patient import Patient
from respondeo.pooler import Pooler

# Whose connections count: ours that run already will be among those the workers open. The limits
# of a role and of a database are -1 where there are none.
ROOM = """
    SELECT current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0),
        count(*) FILTER (WHERE NOT ours),
        (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user),
        (SELECT datconnlimit FROM pg_database WHERE datname = current_database())
    FROM (
        SELECT datname = current_database() AND usename = current_user
            AND application_name LIKE 'respondeo%' AS ours
        FROM pg_stat_activity WHERE datid IS NOT NULL AND pid <> pg_backend_pid()
    ) connected
"""


def room(patient: Patient) -> Iterator[Finding]:
    wanted = patient.workers * (patient.threads + MAX_OVERFLOW + patient.counters)
    sum_ = (
        f"{patient.workers} workers with {patient.threads} threads open up to {wanted} connections"
    )
    line = patient.line
    if patient.pooler is Pooler.TRANSACTION:
        yield passes(f"{sum_} to the pooler: its max_client_conn must be larger.")
        return
    total, others, of_role, of_database = line.ask(ROOM)[0]
    limits = {
        f"the role {line.user}": of_role,
        f"the database {line.string.database}": of_database,
        "the server": total,
    }
    whose, most = min(
        ((name, limit) for name, limit in limits.items() if limit >= 0), key=lambda pair: pair[1]
    )
    if wanted > most:
        yield fails(f"{sum_}; {whose} takes {most}.", *_more(patient, whose, wanted, most))
    elif wanted > total - others:
        yield warns(
            f"{sum_}; the server takes {total}, and others hold {others} of them now.",
            *_more(patient, "the server", wanted + others, total - others),
        )
    else:
        yield passes(f"{sum_}; the server has {total - others} to give.")


def _more(patient: Patient, whose: str, wanted: int, most: int) -> list[str]:
    line = patient.line
    fewer = _fewer(patient, most)
    if whose.startswith("the role"):
        return [
            line.as_admin("ALTER ROLE {} CONNECTION LIMIT -1", line.user),
            fewer,
        ]
    if whose.startswith("the database"):
        return [
            line.as_admin("ALTER DATABASE {} CONNECTION LIMIT -1", line.string.database),
            fewer,
        ]
    enough = 50 * (-(-(wanted + 10) // 50))
    return [
        line.as_admin(f"ALTER SYSTEM SET max_connections = {enough}"),
        "sudo systemctl restart postgresql",
        fewer,
    ]


def _fewer(patient: Patient, most: int) -> str:
    """Threads, or else workers, that do with as many connections."""
    around = MAX_OVERFLOW + patient.counters
    threads = most // patient.workers - around
    if threads > 0:
        return f"WEB_THREADS={threads}"
    return f"WEB_CONCURRENCY={max(1, most // (patient.threads + around))}"
