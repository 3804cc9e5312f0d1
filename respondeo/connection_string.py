"""Connection strings of PostgreSQL: `postgresql://user:password@host:5432/quiz_app?sslmode=require`.

The forms are libpq's (PostgreSQL documentation, 34.1.1.2) and the poolers' `?pgbouncer=true`. What
is wrong is said without quoting anything that could be a part of the password.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote, unquote

import psycopg
from psycopg import pq
from sqlalchemy.engine import URL

Row = tuple[Any, ...]

DEFAULT_PORT = 5432
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
POOLER = "pgbouncer"
SECRETS = ("sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")

_SWITCH = {"true": True, "1": True, "false": False, "0": False}
# Without those that would hide what is connected to in a file, or make it another protocol.
_PARAMETERS = {option.keyword.decode() for option in pq.Conninfo.get_defaults()} - {
    "service",
    "replication",
}
_ESCAPES = "In a user or password, write @ / ? # % as %40 %2F %3F %23 %25."


@dataclass(frozen=True, slots=True)
class Host:
    """One server: a name, an address, or the folder of a socket."""

    name: str
    port: int = DEFAULT_PORT

    @property
    def is_socket(self) -> bool:
        return self.name.startswith(("/", "@"))

    def __str__(self) -> str:
        if self.is_socket:
            return f"{self.name}/.s.PGSQL.{self.port}"
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


@dataclass(frozen=True, slots=True)
class ConnectionString:
    """What a string says. No hosts: libpq's own default, a socket on this machine."""

    user: str | None
    password: str | None = field(repr=False)
    hosts: tuple[Host, ...]
    database: str
    parameters: dict[str, str] = field(repr=False)
    pooled: bool
    """Whether it says that a pooler in transaction mode stands in between."""

    @classmethod
    def parse(cls, written: str) -> Self:
        """Understand a string. Raises ValueError, which names the flaw and never the password."""
        authority, path, query = _parts(written.strip())
        userinfo, _, places = authority.rpartition("@")
        user, _, password = userinfo.partition(":")
        parameters = _parameters(query)
        hosts = _hosts(places)
        if "host" in parameters:
            hosts = listed_hosts(parameters.pop("host"), parameters.pop("port", ""))
        elif "port" in parameters and hosts:
            raise ValueError("it names a port after the ?: put it after the host, as in host:5433")
        database = parameters.pop("dbname", "") or _decoded(path, "name of the database")
        if not database:
            raise ValueError("it names no database: put /quiz_app, or its name, after the host")
        return cls(
            parameters.pop("user", "") or _decoded(user, "user") or None,
            parameters.pop("password", "") or _decoded(password, "password") or None,
            hosts,
            database,
            parameters,
            _SWITCH[parameters.pop(POOLER, "false")],
        )

    @property
    def url(self) -> URL:
        """The same for SQLAlchemy with psycopg 3."""
        plain = len(self.hosts) == 1 and not self.hosts[0].is_socket
        return URL.create(
            "postgresql+psycopg",
            self.user,
            self.password,
            self.hosts[0].name if plain else None,
            self.hosts[0].port if plain else None,
            self.database,
            self.parameters if plain else self.parameters | _libpq_lists(self.hosts),
        )

    @property
    def keywords(self) -> dict[str, str]:
        """The same as libpq's keywords, without the password, which belongs in PGPASSWORD."""
        who = {"user": self.user} if self.user else {}
        return self.parameters | _libpq_lists(self.hosts) | who | {"dbname": self.database}

    def connect(self, *, autocommit: bool = True, **more: str) -> psycopg.Connection[Row]:
        """A plain connection, with `more` where the string says nothing. Raises psycopg.Error."""
        secret = {"password": self.password} if self.password else {}
        keywords: dict[str, Any] = more | self.keywords | secret
        return psycopg.connect(autocommit=autocommit, prepare_threshold=None, **keywords)

    def hide(self, text: str) -> str:
        """A text of somebody else's, such as the driver's, without any secret."""
        secrets = [self.password, *(self.parameters.get(name) for name in SECRETS)]
        for secret in filter(None, secrets):
            text = text.replace(secret, "…").replace(quote(secret, safe=""), "…")
        return text

    def __str__(self) -> str:
        """Where it leads, for people: without the password and the parameters."""
        user = f"{self.user}@" if self.user else ""
        return f"postgresql://{user}{','.join(map(str, self.hosts))}/{self.database}"


def _parts(text: str) -> tuple[str, str, str]:
    """Authority, path and query, still encoded."""
    if text[:1] in {'"', "'"}:
        raise ValueError("it stands in quotation marks: take them away")
    found = re.fullmatch(r"postgres(?:ql)?(?:\+psycopg)?://(.*)", text, re.DOTALL)
    if not found:
        raise ValueError("it must begin with postgresql:// or postgres://")
    rest = found[1]
    if re.search(r"[\s\x00-\x1f\x7f]", rest):
        raise ValueError("there is a space or a line break in it; a space is written %20")
    if "#" in rest:
        raise ValueError(f"there is a # in it. {_ESCAPES}")
    before, _, query = rest.partition("?")
    authority, _, path = before.partition("/")
    if "@" in path or "/" in path or ("@" not in authority and "@" in query):
        raise ValueError(f"there is an @ or / too many in it. {_ESCAPES}")
    return authority, path, query


def _decoded(text: str, what: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise ValueError(f"a % in the {what} must be written %25")
    try:
        plain = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ValueError(f"the {what} is not UTF-8 once its % signs are read") from None
    if found := re.search(r"[\x00-\x1f\x7f]", plain):
        raise ValueError(
            f"there is a %{ord(found[0]):02X} in the {what}, which stands for no letter: take it"
            " away"
        )
    return plain


def _hosts(places: str) -> tuple[Host, ...]:
    """`db.example.com:5432,[::1]:5433`; none is written as nothing."""
    return tuple(_host(place) for place in places.split(",")) if places else ()


def _host(place: str) -> Host:
    found = re.fullmatch(r"(?:\[([^\[\]]*)\]|([^:\[\]]+))(?::([^:]*))?", place)
    if not found:
        raise ValueError(
            "its host cannot be read: write host:5432, or [::1]:5432 for an IPv6 address."
            f" {_ESCAPES}"
        )
    bracketed, name, port = found.groups()
    if bracketed is not None:
        bracketed = _decoded(bracketed, "host")  # %25 stands before the name of an interface
        try:
            ipaddress.IPv6Address(bracketed)
        except ValueError:
            raise ValueError("what stands in brackets is no IPv6 address") from None
    return Host(bracketed or _decoded(name, "host"), _port(port))


def _port(text: str | None) -> int:
    if not text:
        return DEFAULT_PORT
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) <= 65535:
        raise ValueError(f"its port must be a number from 1 to 65535. {_ESCAPES}")
    return int(text)


def listed_hosts(names: str, ports: str) -> tuple[Host, ...]:
    """`?host=a,b&port=5432,5433`, as libpq has them: one port for all, or one for each.

    Raises ValueError.
    """
    hosts, numbers = names.split(","), [_port(port) for port in ports.split(",")]
    if len(numbers) not in {1, len(hosts)}:
        raise ValueError("port must name one port for all hosts, or one for each")
    numbers = numbers if len(numbers) == len(hosts) else numbers * len(hosts)
    return tuple(Host(name, port) for name, port in zip(hosts, numbers, strict=True))


def _libpq_lists(hosts: tuple[Host, ...]) -> dict[str, str]:
    if not hosts:
        return {}
    return {
        "host": ",".join(host.name for host in hosts),
        "port": ",".join(str(host.port) for host in hosts),
    }


def _parameters(query: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for written in filter(None, query.split("&")):
        name, equals, value = written.partition("=")
        if name not in _PARAMETERS | {POOLER}:
            raise ValueError(_unknown(name, query))
        if not equals:
            raise ValueError(f"{name} has no value: write {name}=…")
        if name in parameters:
            raise ValueError(f"it says {name} twice")
        parameters[name] = _decoded(value, name)
    if parameters.get("sslmode", "prefer") not in SSL_MODES:
        raise ValueError(f"sslmode must be one of {', '.join(SSL_MODES)}")
    if parameters.get(POOLER, "false") not in _SWITCH:
        raise ValueError(f"{POOLER} must be true or false")
    return parameters


def _unknown(name: str, query: str) -> str:
    """Names the parameter, unless it may be what follows a ? in the password."""
    if "@" in query or not re.fullmatch(r"[A-Za-z_]{1,40}", name):
        return f"what follows its ? cannot be read. {_ESCAPES}"
    if name == "ssl":
        return "PostgreSQL has no parameter “ssl”: write sslmode=require"
    return f"PostgreSQL has no parameter “{name}”: take it away"
