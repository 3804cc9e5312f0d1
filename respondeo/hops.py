"""Where a request comes from: the hops between its client and us."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from respondeo.config import LOOPBACK, Network

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

ASKED = "respondeo.asked"
"""In the WSGI environment: the host that was asked, without its port, in small letters."""

# What proxies add, ours and other people's: X-Forwarded-For, X-Real-IP, CF-Connecting-IP, Via …
_PASSED_ON = re.compile(r"HTTP_(?:VIA|(?:X_)?FORWARDED(?:_.*)?|(?:X_.*|.*_)IP|X_ENVOY_.*)")


def is_here(environ: WSGIEnvironment) -> bool:
    """Whether a request comes from this machine, by its own names, not passed on; behind Edge.

    A proxy here that nobody configured speaks for people who are elsewhere, by the public name or
    with headers that say so; and a page from elsewhere, in a browser here, could call this machine
    by a name of its own.
    """
    by_name = environ[ASKED] in {*LOOPBACK, "[::1]"}
    here = environ["REMOTE_ADDR"] in {"127.0.0.1", "::1"}
    return by_name and here and not any(map(_PASSED_ON.fullmatch, environ))


def is_from(environ: WSGIEnvironment, networks: Iterable[Network]) -> bool:
    """Whether the next hop is in one of these networks: to be asked before Edge replaces it."""
    hop = address_of(str(environ.get("REMOTE_ADDR", "")))
    return hop is not None and any(hop in network for network in networks)


@lru_cache(10_000)
def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """An address in its one form: IPv4 is IPv4 even on a socket that speaks both."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
