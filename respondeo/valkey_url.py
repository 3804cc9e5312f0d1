"""The address of a Valkey or Redis server: which forms there are, and what is wrong with one."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, urlsplit

SCHEMES = {
    "valkey": "redis",
    "valkeys": "rediss",
    "redis": "redis",
    "rediss": "rediss",
    "unix": "unix",
}
TLS_OPTIONS = {"ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile"}
CERTIFICATES = {"none", "optional", "required"}
SPECIAL = "; in a password, write / as %2F, # as %23, ? as %3F, @ as %40"


def checked(value: str) -> str:
    """The address as the client takes it: `valkey://cache` becomes `redis://cache`.

    Raises ValueError, which names the flaw and quotes nothing: the address holds a password.
    """
    scheme, separator, rest = value.strip().partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in SCHEMES:
        raise ValueError(f"it must begin with {', '.join(f'{name}://' for name in SCHEMES)}")
    address = f"{SCHEMES[scheme]}://{rest}"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"its host or its port cannot be read{SPECIAL}") from None
    if parts.fragment or "#" in rest:
        raise ValueError(f"it has a #{SPECIAL}")
    if scheme == "unix":
        _check_socket(parts)
    else:
        _check_host(host, parts)
    if parts.username and parts.password is None:
        raise ValueError("a password stands after a colon: valkey://:password@host")
    _check_options(parts)
    return address


def _check_host(host: str | None, parts: SplitResult) -> None:
    if not host:
        raise ValueError(f"it names no host{SPECIAL}")
    database = parts.path.removeprefix("/")
    if database and not (database.isascii() and database.isdecimal()):
        raise ValueError(f"after the host stands the number of a database, or nothing{SPECIAL}")


def _check_socket(parts: SplitResult) -> None:
    if parts.hostname or parts.path in {"", "/"}:
        raise ValueError("it must name a socket by its whole path: unix:///run/valkey/valkey.sock")


def _check_options(parts: SplitResult) -> None:
    known = {"db"} | (TLS_OPTIONS if parts.scheme == "rediss" else set())
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if options.keys() - known:
        raise ValueError(f"after the ? stands an option that is none of {', '.join(sorted(known))}")
    database = options.get("db", "0")
    if not (database.isascii() and database.isdecimal()):
        raise ValueError("db is the number of a database")
    if options.get("ssl_cert_reqs", "required") not in CERTIFICATES:
        raise ValueError(f"ssl_cert_reqs is one of {', '.join(sorted(CERTIFICATES))}")
