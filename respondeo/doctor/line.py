"""A line to a database: the connection string, and one connection that the checks share."""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, LiteralString, TypeVar
from urllib.parse import quote

import psycopg
from psycopg import pq, sql

from respondeo.connection_string import (
    DEFAULT_PORT,
    POOLER,
    SECRETS,
    ConnectionString,
    Host,
    Row,
    listed_hosts,
)
from respondeo.database_trouble import Trouble, furthest, plainly
from respondeo.db import CONNECT_TIMEOUT_S

PATIENCE_S = 5
NEAR = {"localhost", "127.0.0.1", "::1"}
T = TypeVar("T")


class Line:
    """The database that one variable leads to."""

    def __init__(self, variable: str, string: ConnectionString) -> None:
        """Raises ValueError where hosts and ports of the environment do not fit together."""
        self.variable = variable
        self.string = string
        self.hosts = string.hosts or _unnamed(string)
        self.refused: psycopg.Error | None = None
        self._connection: psycopg.Connection[Row] | None = None

    # -- talking to it

    def connect(self, *, autocommit: bool = True, **changes: str) -> psycopg.Connection[Row]:
        """A new connection, with some parameters changed. Raises psycopg.Error."""
        changed = replace(self.string, parameters=self.string.parameters | changes)
        return changed.connect(
            autocommit=autocommit,
            connect_timeout=str(CONNECT_TIMEOUT_S),
            application_name="respondeo doctor",
        )

    def open(self) -> bool:
        """Whether the server let us in; `refused` is what it said where it did not. Asks once."""
        if self._connection is None and self.refused is None:
            try:
                self._connection = self.connect()
            except psycopg.Error as error:
                self.refused = error
        return self._connection is not None

    @property
    def connection(self) -> psycopg.Connection[Row]:
        assert self._connection is not None, "asked before open()"
        return self._connection

    @property
    def trouble(self) -> Trouble | None:
        """Why we were not let in."""
        return furthest(str(self.refused))[0] if self.refused else None

    def ask(self, query: LiteralString, *values: object) -> list[Row]:
        """The rows of a query, in a transaction of its own: a pooler may be in between."""
        with self.connection.transaction():
            self.connection.execute(f"SET LOCAL statement_timeout = '{PATIENCE_S}s'")
            return self.connection.execute(query, values or None).fetchall()

    def ask_one(self, query: LiteralString, *values: object) -> Any:
        """The one value of a query."""
        return self.ask(query, *values)[0][0]

    def keeps_transactions(self) -> bool:
        """Whether one can have a transaction: not so behind a pooler in statement mode."""
        try:
            self.ask("SELECT 1")
        except psycopg.Error as error:
            return "transaction" not in str(error).lower()
        return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    # -- speaking of it

    @property
    def sslmode(self) -> str:
        return self.string.parameters.get("sslmode") or os.environ.get("PGSSLMODE") or "prefer"

    @property
    def user(self) -> str:
        if self._connection is not None:
            return self._connection.info.user
        return self.string.user or os.environ.get("PGUSER") or os.environ.get("USER") or "respondeo"

    @property
    def is_near(self) -> bool:
        """Whether every host is this machine."""
        return all(host.is_socket or host.name in NEAR for host in self.hosts)

    def told(self, error: BaseException | str) -> str:
        """What an error says, in one line and without a secret."""
        text = furthest(str(error))[1]
        return self.string.hide(plainly(text) if self.string.hosts else text)

    def said(self, error: BaseException) -> str:
        """The same as a sentence."""
        return sentence(f"It said: {self.told(error)}")

    def written(self, **changes: str | None) -> str:
        """The variable with some parameters set, or taken away (None). PASSWORD stands for it."""
        pooled = {POOLER: "true"} if self.string.pooled else {}
        hidden = {name: "SECRET" for name in SECRETS if name in self.string.parameters}
        parameters: dict[str, str | None] = {
            **self.string.parameters,
            **hidden,
            **pooled,
            **changes,
        }
        kept = "&".join(
            f"{name}={quote(value, safe='/:,')}" for name, value in parameters.items() if value
        )
        secret = ":PASSWORD" if self.string.password else ""
        place = _place(self.string, secret)
        address = f"postgresql://{place}" + (("&" if "?" in place else "?") + kept if kept else "")
        return f"{self.variable}={shlex.quote(address)}"

    def as_admin(self, statement: str, *names: str, database: str = "postgres") -> str:
        """A command that runs a statement as the server's superuser; `{}` are names."""
        composed = statement.format(*(sql.Identifier(name).as_string() for name in names))
        words = f"-d {shlex.quote(database)} -c {shlex.quote(composed)}"
        host = next(iter(self.hosts), None)
        if host is None or self.is_near:
            return f"{self.as_admin_there} {words}"
        return f"psql -h {shlex.quote(host.name)}{self._port} -U postgres {words}"

    @property
    def as_admin_there(self) -> str:
        """psql for the server's superuser, on the server's own machine."""
        return f"sudo -u postgres psql{self._port}"

    @property
    def _port(self) -> str:
        host = next(iter(self.hosts), None)
        return f" -p {host.port}" if host and host.port != DEFAULT_PORT else ""

    def as_us(self, statement: str) -> str:
        """A command that runs a statement as the user of the string. psql asks for the password."""
        address = f"postgresql://{_place(self.string, '')}"
        return f"psql {shlex.quote(address)} -c {shlex.quote(statement)}"


def _unnamed(string: ConnectionString) -> tuple[Host, ...]:
    """Where libpq goes when the string names no host: `hostaddr`, or what the environment says."""
    usual = {one.keyword.decode(): (one.val or b"").decode() for one in pq.Conninfo.get_defaults()}
    told = usual | string.parameters
    places = told["hostaddr"] or told["host"]
    return listed_hosts(places, told["port"]) if places else ()


def _place(string: ConnectionString, secret: str) -> str:
    """`user:PASSWORD@host:5432/quiz_app`, written as a part of an address."""
    user = f"{quote(string.user, safe='')}{secret}@" if string.user else ""
    database = quote(string.database, safe="")
    if any(host.is_socket for host in string.hosts):
        hosts = ",".join(quote(host.name, safe="/") for host in string.hosts)
        ports = ",".join(str(host.port) for host in string.hosts)
        return f"{user}/{database}?host={hosts}&port={ports}"
    return f"{user}{','.join(map(_shown, string.hosts))}/{database}"


def _shown(host: Host) -> str:
    return str(host).replace("%", "%25").removesuffix(f":{DEFAULT_PORT}")


def within(seconds: float, call: Callable[[], T]) -> T:
    """What `call` returns or raises. Raises TimeoutError where it takes longer."""
    outcome: list[T | BaseException] = []

    def run() -> None:
        try:
            outcome.append(call())
        except BaseException as error:  # raised again below, in the asking thread
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise TimeoutError
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def sentence(text: str) -> str:
    """With the full stop that somebody else's words may lack."""
    return text if text.endswith((".", "?", "!")) else f"{text}."
