"""What is wrong with the database, in plain words, from what the driver said.

The same sentences stand on the 503 page, in `/readyz`, in the log of a start and in `flask db
doctor`; only the doctor adds names and commands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from respondeo.connection_string import ConnectionString


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind of trouble; `sentence` is for whoever looks at the page."""

    kind: str
    title: str
    sentence: str
    retry_seconds: int = 5


AWAY = Trouble(
    "away",
    "The database is away",
    "Respondeo cannot reach its database. It may be restarting.",
)
PASSWORD = Trouble(
    "authentication",
    "The database refuses us",
    "The database does not accept the user or the password it was given. Whoever runs this"
    " Respondeo should check DATABASE_URL.",
    30,
)
MISSING = Trouble(
    "missing",
    "The database is missing",
    "The server runs, but it has no database of that name. Whoever runs this Respondeo should"
    " create it, then run `flask db upgrade`.",
    30,
)
SSL = Trouble(
    "ssl",
    "The database does not let us in",
    "The database lets us in with encryption only, or not at all. Whoever runs this Respondeo"
    " should ask `flask db doctor` which it is: often DATABASE_URL lacks `?sslmode=require`.",
    30,
)
NO_SSL = Trouble(
    "ssl",
    "The database knows no encryption",
    "The connection should be encrypted, but the database cannot do that. Whoever runs this"
    " Respondeo should switch encryption on there, or take `sslmode` out of DATABASE_URL.",
    30,
)
CERTIFICATE = Trouble(
    "ssl",
    "The database cannot prove itself",
    "The certificate of the database is not the one that was expected. Whoever runs this"
    " Respondeo should check `sslmode`, `sslrootcert` and the host in DATABASE_URL.",
    30,
)
SCHEMA = Trouble(
    "schema",
    "The database is not up to date",
    "The database does not have the tables that this version needs. Whoever runs this Respondeo"
    " should run `flask db upgrade`.",
    30,
)
NEWER = Trouble(
    "newer",
    "The database is of a newer version",
    "The database was brought up to date by a newer version than this one. Whoever runs this"
    " Respondeo should start that version again.",
    30,
)
RIGHTS = Trouble(
    "rights",
    "The database does not allow that",
    "The user of the database may not do what Respondeo has to. Whoever runs this Respondeo should"
    " give it the rights that `flask db doctor` names.",
    30,
)
BUSY = Trouble(
    "busy",
    "Very busy",
    "The database did not answer in time. Nothing was half done.",
    2,
)

BY_SQLSTATE: dict[type[pg.Error], Trouble] = {
    pg.InvalidPassword: PASSWORD,
    pg.InvalidAuthorizationSpecification: PASSWORD,
    pg.InvalidCatalogName: MISSING,
    pg.InsufficientPrivilege: RIGHTS,
    pg.UndefinedTable: SCHEMA,
    pg.UndefinedColumn: SCHEMA,
    pg.LockNotAvailable: BUSY,
    pg.QueryCanceled: BUSY,
    pg.DeadlockDetected: BUSY,
    pg.SerializationFailure: BUSY,
    pg.TooManyConnections: BUSY,
    pg.ReadOnlySqlTransaction: AWAY,  # a standby that is about to take over
}

# The server ended the connection.
ENDED = (pg.AdminShutdown, pg.CrashShutdown, pg.IdleInTransactionSessionTimeout)

# While connecting there is no SQLSTATE, only words (libpq's, in English whatever the locale
# of the server: the embedded and the packaged servers send these in C). The first that fits a line.
BY_WORDS = (
    ("not currently accepting connections", AWAY),
    # Said of every connection that is not encrypted, also where none could be.
    ('host "[local]"', PASSWORD),
    ("no encryption", SSL),
    ("ssl off", SSL),
    ("ssl connection is required", SSL),
    ("ssl required", SSL),
    ("connection is insecure", SSL),
    ("does not support ssl", NO_SSL),
    ("valid client certificate", PASSWORD),
    ("certificate authentication failed", PASSWORD),
    ("certificate", CERTIFICATE),
    ("host name must be specified", CERTIFICATE),
    ("permission denied for database", RIGHTS),
    ("authentication failed", PASSWORD),
    ("no password supplied", PASSWORD),
    ("pg_hba.conf", PASSWORD),
    ("fatal:  role", PASSWORD),
    ("no such user", PASSWORD),
    ("fatal:  database", MISSING),
    ("no such database", MISSING),
    ("too many clients", BUSY),
    ("too many connections", BUSY),
    ("remaining connection slots", BUSY),
    ("no more connections", BUSY),
)


# Of what several attempts met, that which says least; the last one least of all.
LEAST = (SSL, NO_SSL, AWAY)


def explain(error: DBAPIError | PoolTimeout | pg.Error) -> Trouble | None:
    """The trouble behind an error, or None where the fault is in our own query."""
    if isinstance(error, PoolTimeout):
        return BUSY
    cause = error.orig if isinstance(error, DBAPIError) else error
    for kind, trouble in BY_SQLSTATE.items():
        if isinstance(cause, kind):
            return trouble
    ended = isinstance(error, DBAPIError) and error.connection_invalidated
    if ended or isinstance(cause, ENDED):
        return AWAY
    if isinstance(cause, pg.OperationalError):
        return while_connecting(str(cause))
    return None


def while_connecting(said: str) -> Trouble:
    """The trouble behind the driver's words."""
    return furthest(said)[0]


def furthest(said: str) -> tuple[Trouble, str]:
    """Of several attempts the one that got furthest: its trouble, and what was said of it.

    One host is tried after the other, and each with encryption and without: a wrong password on a
    server that insists on encryption is first refused for the password, then for the encryption.
    Without a rule, on a server without encryption, `sslmode=allow` is refused for both.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    known = [(trouble, line) for line in lines if (trouble := _in_line(line.lower()))]
    known.sort(key=lambda found: LEAST.index(found[0]) if found[0] in LEAST else -1)
    return known[0] if known else (AWAY, "; ".join(lines))


def plainly(said: str) -> str:
    """The driver's words without where they were said, which the reader knows."""
    text = re.sub(r"^- host: .*?, hostaddr: .*?: ", "", said.strip())
    text = re.sub(r"^(?:connection failed: )?(?:connection to server .*? failed: )?", "", text)
    return re.sub(r"^(?:FATAL|ERROR):\s+", "", text)


def said(error: DBAPIError | pg.Error, string: ConnectionString) -> str:
    """The driver's first line, without a secret of the string's."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return string.hide(plainly(str(cause).strip().splitlines()[0]))


def told(error: DBAPIError | pg.Error, string: ConnectionString) -> str:
    """What a command says at its end: the trouble, where it is one, and the driver's words."""
    trouble = explain(error)
    why = f"{trouble.sentence}\n" if trouble else ""
    return f"{why}PostgreSQL said: {said(error, string)}\n`flask db doctor` says more."


def _in_line(line: str) -> Trouble | None:
    return next((trouble for words, trouble in BY_WORDS if words in line), None)
