"""The edge: security headers, the cross-site guard, whom to believe about addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

from respondeo.config import LOOPBACK, Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OTHER_HOST = "respondeo.other_host"
_PORT = re.compile(r":[0-9]{1,5}$")
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' https: data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def init_security(app: Flask, settings: Settings) -> None:
    """Guard every request and put the headers on every response."""
    url = urlsplit(settings.app_url)
    hosts = accepted_hosts(settings.app_url)
    app.config.from_mapping(
        PREFERRED_URL_SCHEME=url.scheme,
        SESSION_COOKIE_SECURE=url.scheme == "https",
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.wsgi_app = Edge(  # type: ignore[method-assign]
        app.wsgi_app, settings.trusted_proxies, settings.app_url
    )

    @app.before_request
    def refuse_other_hosts() -> None:
        if request.environ[OTHER_HOST]:
            abort(400, "This server does not answer for the host in that address.")

    @app.before_request
    def refuse_other_sites() -> None:
        if request.method in UNSAFE and not is_same_site(
            request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin"), hosts
        ):
            abort(403, "This request came from another site, so it was not carried out.")

    always = headers_of_every_response(settings)

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in always.items():
            response.headers.setdefault(name, value)
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "private, no-cache"
        return response


def headers_of_every_response(settings: Settings) -> dict[str, str]:
    """What pages, errors and static files alike carry."""
    if settings.app_url.startswith("https:"):
        return HEADERS | {"Strict-Transport-Security": "max-age=31536000"}
    return HEADERS


def accepted_hosts(app_url: str) -> frozenset[str]:
    """The hosts (with port) that requests may name: the public one; on loopback all its names."""
    url = urlsplit(app_url)
    if url.hostname not in LOOPBACK:
        return frozenset({url.netloc})
    port = f":{url.port}" if url.port else ""
    return frozenset(f"{name}{port}" for name in LOOPBACK)


def is_same_site(sec_fetch_site: str | None, origin: str | None, hosts: Iterable[str]) -> bool:
    """Whether an unsafe request comes from our own pages, by what the browser says of it."""
    if sec_fetch_site is not None:
        return sec_fetch_site in {"same-origin", "none"}
    return origin is not None and _netloc(origin) in hosts


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # half an IPv6 address
        return ""


class Edge:
    """What the application sees of the outside: the client's address, the host, the scheme.

    Only proxies that are configured are believed about the address. Scheme and host are the public
    address's, whatever a header says; a request that names another host is marked as such.
    """

    def __init__(
        self,
        app: WSGIApplication,
        proxies: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network],
        app_url: str,
    ) -> None:
        self.app = app
        self.proxies = tuple(proxies)
        self.url = urlsplit(app_url)
        self.names = frozenset(_PORT.sub("", host) for host in accepted_hosts(app_url))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        environ["wsgi.url_scheme"] = self.url.scheme
        environ["REMOTE_ADDR"] = self._client(environ)
        asked = environ.get("HTTP_HOST", "").lower()
        environ[OTHER_HOST] = _PORT.sub("", asked) not in self.names
        environ["HTTP_HOST"] = self.url.netloc if environ[OTHER_HOST] else asked
        return self.app(environ, start_response)

    def _client(self, environ: WSGIEnvironment) -> str:
        address = str(environ.get("REMOTE_ADDR", ""))
        for hop in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            if not self._is_proxy(address) or not _is_address(hop.strip()):
                break
            address = hop.strip()
        return address

    def _is_proxy(self, address: str) -> bool:
        return _is_address(address) and any(
            ipaddress.ip_address(address) in network for network in self.proxies
        )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
