"""Why a provider could not be asked: in plain words, with what to do, and the cause for a log."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from json import JSONDecodeError

import requests
import urllib3

from respondeo.oidc.client import cause
from respondeo.oidc.http import TooLarge

CLOSED = {errno.ECONNREFUSED}
NO_WAY = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}
OWN_AUTHORITY = {18, 19, 20, 21}
"""What OpenSSL says of a certificate that nobody known vouches for (X509_V_ERR_…)."""
EXPIRED, OTHER_HOST = 10, 62

_REACH = "See that this server may go there: the port, a firewall, HTTPS_PROXY."
_BUSY = "See whether the provider is well and not too busy; then ask again."
NO_PROVIDER = "Is this the address of an OpenID provider, and not of a page before it?"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happened, and what to do; `cause` is for who looks deeper."""

    said: str
    todo: str
    cause: str = ""


def trouble_of(problem: BaseException) -> Trouble:
    """What went wrong between this server and a provider."""
    inside = list(_inside(problem))
    for explain in _EXPLANATIONS:
        for one in inside:
            words = explain(one)
            if words is not None:
                return Trouble(*words, cause(problem))
    return Trouble(
        "its answer cannot be read",
        f"{NO_PROVIDER} If it is one, report it as a fault of Respondeo.",
        cause(problem),
    )


def _inside(problem: BaseException) -> Iterator[BaseException]:
    """The error and all that it wraps: libraries put them into many places."""
    found: list[BaseException] = [problem]
    for one in found:
        yield one
        parts = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        found += [part for part in parts if isinstance(part, BaseException) and part not in found]


_Words = tuple[str, str] | None


def _name(one: BaseException) -> _Words:
    if not isinstance(one, socket.gaierror):
        return None
    if one.errno == socket.EAI_AGAIN:
        return "its name could not be looked up", "See that this server can ask a name server."
    return "nobody knows its name", "Check how the name is written, and this server's name server."


def _certificate(one: BaseException) -> _Words:
    if isinstance(one, ssl.SSLCertVerificationError):
        if one.verify_code == EXPIRED:
            return (
                "its certificate has expired",
                "Renew it; or see whether this server's clock is right.",
            )
        if one.verify_code == OTHER_HOST or "match" in str(one.verify_message):
            return (
                "its certificate is for another name",
                "Use the name that the certificate is for.",
            )
        if one.verify_code in OWN_AUTHORITY:
            return (
                "its certificate is not trusted: no authority known here has signed it",
                "For an authority of your own, name its certificate in REQUESTS_CA_BUNDLE.",
            )
        return f"its certificate is not trusted: {one.verify_message}", "Mend the certificate."
    return None


def _tls(one: BaseException) -> _Words:
    if isinstance(one, (ssl.SSLError, requests.exceptions.SSLError)):
        return "it does not speak TLS there", "Check the port; is it https at all?"
    return None


def _proxy(one: BaseException) -> _Words:
    if isinstance(one, (requests.exceptions.ProxyError, urllib3.exceptions.ProxyError)):
        return "the proxy did not let us through", "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY."
    return None


def _connection(one: BaseException) -> _Words:
    number = one.errno if isinstance(one, OSError) else None
    if number in CLOSED:
        return "it refuses connections", "Check the port, and that the provider is running."
    if number in NO_WAY:
        return "there is no way to it from this server", _REACH
    return None


def _late(one: BaseException) -> _Words:
    if isinstance(one, (requests.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError)):
        return "it was not reached in time", _REACH
    return ("no answer in time", _BUSY) if isinstance(one, requests.Timeout) else None


def _hung_up(one: BaseException) -> _Words:
    broken = (ConnectionError, requests.ConnectionError, http.client.HTTPException)
    return ("it hung up before its answer was whole", _BUSY) if isinstance(one, broken) else None


def _answer(one: BaseException) -> _Words:
    if isinstance(one, requests.TooManyRedirects):
        return "it leads on to another address", "Use the address that it leads to."
    if isinstance(one, requests.HTTPError) and one.response is not None:
        return _status(one.response.status_code)
    if isinstance(one, TooLarge):
        return "its answer is far too large", NO_PROVIDER
    if isinstance(one, (JSONDecodeError, UnicodeDecodeError)):
        return "its answer is not JSON", NO_PROVIDER
    addresses = (
        requests.exceptions.InvalidURL,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidSchema,
    )
    if isinstance(one, addresses):
        return "that is no address", "Mend it at the provider."
    return None


def _status(code: int) -> _Words:
    phrase = HTTPStatus(code).phrase if code in list(HTTPStatus) else "unknown"
    said = f"it answers {code} ({phrase.lower()})"
    if code >= 500:
        return said, _BUSY
    if code == 404:
        return said, "There is nothing there: compare the address with the provider's own."
    return said, "See whether the provider lets this server ask."


_EXPLANATIONS: tuple[Callable[[BaseException], _Words], ...] = (
    _proxy, _name, _certificate, _tls, _connection, _late, _hung_up, _answer,
)  # fmt: skip
"""What tells most comes first: a look-up that fails is a connection that fails as well."""
