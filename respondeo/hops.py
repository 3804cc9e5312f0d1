"""Where a request comes from: the hops between its client and us."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from respondeo.config import Network

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

HERE = "respondeo.here"
"""In the WSGI environment: whether it comes from this machine, by its own names, not passed on."""


def is_from(environ: WSGIEnvironment, networks: Iterable[Network]) -> bool:
    """Whether the next hop is in one of these networks: to be asked before Edge replaces it."""
    hop = address_of(str(environ.get("REMOTE_ADDR", "")))
    return hop is not None and any(hop in network for network in networks)


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """An address in its one form: IPv4 is IPv4 even on a socket that speaks both."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
