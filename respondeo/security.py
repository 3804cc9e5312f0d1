"""The edge: security headers, the cross-site guard, whom to believe about addresses."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from flask import Flask, Request, Response, abort, current_app, request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.sansio.http import parse_cookie
from werkzeug.utils import cached_property
from werkzeug.wsgi import LimitedStream

from respondeo.api import refusals
from respondeo.api.asking import KEY_HEADER
from respondeo.application import vary_by
from respondeo.config import LOOPBACK, Settings
from respondeo.hops import ASKED, address_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OTHER_HOST = "respondeo.other_host"
# Health checks ask by whatever address they know; these tell them nothing that depends on it.
FOR_CHECKS = frozenset({"/healthz", "/readyz", "/metrics"})
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
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def init_security(app: Flask, settings: Settings) -> None:
    """Guard every request and put the headers on every response."""
    url = urlsplit(settings.app_url)
    origins = own_origins(settings.app_url)
    app.config.from_mapping(
        PREFERRED_URL_SCHEME=url.scheme,
        SESSION_COOKIE_SECURE=url.scheme == "https",
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.request_class = BoundedRequest
    # The router's own redirects would name a host, and lose what a form sent.
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    app.wsgi_app = Edge(app.wsgi_app, settings)  # type: ignore[method-assign]

    @app.before_request
    def refuse_other_hosts() -> None:
        if request.environ[OTHER_HOST] and request.path not in FOR_CHECKS:
            abort(400, "This server does not answer for the host in that address.")

    @app.before_request
    def refuse_other_sites() -> None:
        is_unsafe = request.method in UNSAFE and not is_programs(request)
        if is_unsafe and not is_same_site(
            request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin"), origins
        ):
            abort(403, "This request came from another site, so it was not carried out.")

    @app.after_request
    def keep_out_of_shared_caches(response: Response) -> Response:
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "private, no-cache"
        if not response.headers["Cache-Control"].startswith("public"):
            vary_by(response, "Cookie")
        return response


def is_programs(request: Request) -> bool:
    """Whether a program asks the API: by a key, which no other site can make a browser send, and
    which overrides all cookies; or with nothing that says who it is."""
    cookie = current_app.config["SESSION_TOKEN_COOKIE"]
    return refusals.is_asked() and (KEY_HEADER in request.headers or cookie not in request.cookies)


def own_names(app_url: str) -> frozenset[str]:
    """The host names that are ours: the public one; on loopback all its names."""
    host = urlsplit(app_url).hostname or ""
    if host in LOOPBACK:
        return frozenset(LOOPBACK)
    return frozenset({f"[{host}]" if ":" in host else host})


def own_origins(app_url: str) -> frozenset[str]:
    """What browsers call us in `Origin`: scheme, host, and port unless it is the usual one."""
    url = urlsplit(app_url)
    port = f":{url.port}" if url.port else ""
    return frozenset(f"{url.scheme}://{name}{port}" for name in own_names(app_url))


def is_same_site(sec_fetch_site: str | None, origin: str | None, origins: Container[str]) -> bool:
    """Whether an unsafe request comes from our own pages, by what the browser says of it.

    Browsers say nothing in `Sec-Fetch-Site` to plain http outside loopback; there `Origin` decides.
    """
    if sec_fetch_site is not None:
        return sec_fetch_site in {"same-origin", "none"}
    return origin is not None and origin in origins


class BoundedStream(LimitedStream):
    """A body that does not say its length: beyond the limit it is refused, not cut off."""

    def readall(self) -> bytes:
        read = super().readall()
        if self.is_exhausted and self._stream.read(1):
            self.on_exhausted()
        return read


class BoundedRequest(Request):
    """A request whose body keeps to the limit also where it comes in chunks."""

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies. Werkzeug looks through all headers for them."""
        sent = parse_cookie(self.environ.get("HTTP_COOKIE"), cls=ImmutableMultiDict)
        return cast("ImmutableMultiDict[str, str]", sent)

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body. Raises RequestEntityTooLarge where it is read beyond the limit."""
        limit = self.max_content_length
        ends = "wsgi.input_terminated" in self.environ
        if limit is None or self.content_length is not None or not ends:
            return super().stream
        return cast("IO[bytes]", BoundedStream(self.environ["wsgi.input"], limit, is_max=True))


class Edge:
    """What the application sees of the outside, and what the outside always hears from it.

    Only proxies that are configured are believed about the client's address. Scheme and host are
    the public address's, whatever a header says; a request that names another host is marked as
    such. Every response carries the security headers: pages, errors and static files alike.
    """

    def __init__(self, app: WSGIApplication, settings: Settings) -> None:
        self.app = app
        self.proxies = settings.trusted_proxies
        self.url = urlsplit(settings.app_url)
        self.names = own_names(settings.app_url)
        always = dict(HEADERS)
        if self.url.scheme == "https":
            always["Strict-Transport-Security"] = "max-age=31536000"
        self.headers = {name.lower(): (name, value) for name, value in always.items()}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        environ["wsgi.url_scheme"] = self.url.scheme
        environ["REMOTE_ADDR"] = self._client(environ)
        asked = _PORT.sub("", environ.get("HTTP_HOST", "").lower())
        environ[OTHER_HOST] = asked not in self.names
        environ[ASKED] = asked
        environ["HTTP_HOST"] = self.url.netloc

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            said = {name.lower() for name, _ in headers}
            more = [item for name, item in self.headers.items() if name not in said]
            return start_response(status, [*headers, *more], exc_info)

        return self.app(environ, start)

    def _client(self, environ: WSGIEnvironment) -> str:
        """The nearest address that is no proxy of ours; what stands before it is hearsay."""
        client = address_of(str(environ.get("REMOTE_ADDR", "")))
        if client is None:  # a server on a Unix socket knows no address
            return ""
        passed_on = environ.get("HTTP_X_FORWARDED_FOR")
        for told in reversed(passed_on.split(",") if passed_on else ()):
            if not any(client in network for network in self.proxies):
                break
            hop = address_of(told.strip())
            if hop is None:
                break
            client = hop
        return str(client)
