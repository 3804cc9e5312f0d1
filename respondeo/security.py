"""The edge: security headers, the cross-site guard, whom to believe about addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

from respondeo.config import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOOPBACK = ("127.0.0.1", "localhost")
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
        TRUSTED_HOSTS=list(hosts),
        PREFERRED_URL_SCHEME=url.scheme,
        SESSION_COOKIE_SECURE=url.scheme == "https",
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.wsgi_app = ClientAddress(  # type: ignore[method-assign]
        app.wsgi_app, settings.trusted_proxies, url.scheme
    )

    @app.before_request
    def refuse_other_sites() -> None:
        if request.method in UNSAFE and not is_same_site(
            request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin"), hosts
        ):
            abort(403, "This request came from another site, so it was not carried out.")

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if url.scheme == "https":
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "private, no-cache"
        return response


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
    return origin is not None and urlsplit(origin).netloc in hosts


class ClientAddress:
    """Sets REMOTE_ADDR to the client's address, believing only proxies that are configured.

    The scheme is the public address's, whatever a header says.
    """

    def __init__(
        self,
        app: WSGIApplication,
        proxies: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network],
        scheme: str,
    ) -> None:
        self.app = app
        self.proxies = tuple(proxies)
        self.scheme = scheme

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        environ["wsgi.url_scheme"] = self.scheme
        environ["REMOTE_ADDR"] = self._client(environ)
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
