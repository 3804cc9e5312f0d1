"""What a driver and a server say of a trouble, understood: each kind from words of real servers."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from respondeo.database_trouble import (
    AWAY,
    BUSY,
    CERTIFICATE,
    MISSING,
    NO_SSL,
    PASSWORD,
    SCHEMA,
    SSL,
    Trouble,
    explain,
)

# What servers say while one connects, collected from PostgreSQL, libpq and poolers.
CONNECTING = [
    ('FATAL:  password authentication failed for user "respondeo"', PASSWORD),
    ("fe_sendauth: no password supplied", PASSWORD),
    ('FATAL:  role "respondeo" does not exist', PASSWORD),
    ('FATAL:  Peer authentication failed for user "respondeo"', PASSWORD),
    (
        'FATAL:  no pg_hba.conf entry for host "192.0.2.1", user "u", database "d", SSL encryption',
        PASSWORD,
    ),
    (
        'FATAL:  no pg_hba.conf entry for host "192.0.2.1", user "u", database "d", no encryption',
        SSL,
    ),
    ('FATAL:  no pg_hba.conf entry for host "192.0.2.1", user "u", database "d", SSL off', SSL),
    (
        'FATAL:  pg_hba.conf rejects connection for host "[local]", user "u", no encryption',
        PASSWORD,
    ),
    ("ERROR:  connection is insecure (try using `sslmode=require`)", SSL),
    ("FATAL:  SSL connection is required. Please specify SSL options and retry.", SSL),
    ("FATAL:  SSL required", SSL),
    ("server does not support SSL, but SSL was required", NO_SSL),
    ("SSL error: certificate verify failed", CERTIFICATE),
    ('server certificate for "db.example" does not match host name "db"', CERTIFICATE),
    ("host name must be specified for a verified SSL connection", CERTIFICATE),
    ('root certificate file "/root/.postgresql/root.crt" does not exist', CERTIFICATE),
    ('FATAL:  database "respondeo" does not exist', MISSING),
    ("FATAL:  sorry, too many clients already", BUSY),
    ('FATAL:  too many connections for role "respondeo"', BUSY),
    ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER", BUSY),
    ("FATAL:  no more connections allowed (max_client_conn)", BUSY),
    ("Connection refused\n\tIs the server running on that host?", AWAY),
    ("connection timeout expired", AWAY),
    ("FATAL:  the database system is starting up", AWAY),
    ("FATAL:  the database system is shutting down", AWAY),
    ("FATAL:  the database system is in recovery mode", AWAY),
    ("server closed the connection unexpectedly", AWAY),
    ("SSL SYSCALL error: EOF detected", AWAY),
    ("consuming input failed: SSL connection has been closed unexpectedly", AWAY),
    ("SSL error: unexpected eof while reading", AWAY),
    ("failed to resolve host 'db': Name or service not known", AWAY),
]


@pytest.mark.parametrize(("said", "trouble"), CONNECTING, ids=[said[:45] for said, _ in CONNECTING])
def test_what_a_driver_says_while_connecting_is_understood(said: str, trouble: Trouble) -> None:
    cause = psycopg.OperationalError(
        f'connection to server at "192.0.2.1", port 5432 failed: {said}'
    )
    assert explain(OperationalError("SELECT 1", {}, cause)) is trouble


@pytest.mark.parametrize(
    ("cause", "trouble"),
    [
        (pg.InvalidPassword(), PASSWORD),
        (pg.InvalidAuthorizationSpecification(), PASSWORD),
        (pg.InvalidCatalogName(), MISSING),
        (pg.UndefinedTable(), SCHEMA),
        (pg.UndefinedColumn(), SCHEMA),
        (pg.LockNotAvailable(), BUSY),
        (pg.QueryCanceled(), BUSY),
        (pg.DeadlockDetected(), BUSY),
        (pg.SerializationFailure(), BUSY),
        (pg.TooManyConnections(), BUSY),
        (pg.AdminShutdown(), AWAY),
        (pg.CrashShutdown(), AWAY),
        (pg.CannotConnectNow(), AWAY),
        (pg.IdleInTransactionSessionTimeout(), AWAY),
        (pg.ReadOnlySqlTransaction(), AWAY),
        (pg.UniqueViolation(), None),
        (pg.DivisionByZero(), None),
        (pg.SyntaxError(), None),
        (pg.UndefinedFunction(), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_the_server_answers_is_understood(cause: pg.Error, trouble: Trouble | None) -> None:
    assert explain(DBAPIError("SELECT 1", {}, cause)) is trouble


def test_waiting_for_a_connection_of_our_own_is_busy() -> None:
    assert explain(PoolTimeout("QueuePool limit")) is BUSY


def test_every_trouble_says_what_to_do_in_plain_words() -> None:
    for trouble in (AWAY, BUSY, CERTIFICATE, MISSING, NO_SSL, PASSWORD, SCHEMA, SSL):
        assert trouble.sentence.endswith(".")
        assert "should" in trouble.sentence or trouble in (AWAY, BUSY)
        assert 1 <= trouble.retry_seconds <= 60
