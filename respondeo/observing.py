"""Every request as an operator sees it: its reference, its line in the log, its metrics.

A reference is what a player quotes from an error page, what `X-Request-ID` says, and what every
line of the log about that request carries. A proxy of ours may have chosen it; nobody else may.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask, request

from respondeo.config import Settings
from respondeo.hops import is_from

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REFERENCE = "respondeo.reference"
ROUTE = "respondeo.route"
PATH = "respondeo.path"
UNKNOWN = "unknown"
STATIC = "/static/"

# Read out over a telephone: no letter that looks like another one or like a digit.
_LETTERS = "23456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 12
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{8,64}")
_METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}


def init_observing(app: Flask, settings: Settings) -> None:
    """Observe every request. To be called last: nothing answers before it."""
    app.wsgi_app = Observed(app.wsgi_app, settings)  # type: ignore[method-assign]

    @app.url_value_preprocessor
    def note_the_route(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        if request.url_rule is not None:
            request.environ[ROUTE] = request.url_rule.rule
            free = any(isinstance(value, str) for value in (values or {}).values())
            request.environ[PATH] = None if free else request.path


def reference() -> str:
    """What this request is called in the log."""
    return str(request.environ.get(REFERENCE, ""))


def where(environ: WSGIEnvironment) -> dict[str, str]:
    """What the log says of the address: the route, and the path where it holds only ids of ours."""
    is_file = environ.get("PATH_INFO", "").startswith(STATIC)
    route = environ.get(ROUTE) or (STATIC if is_file else UNKNOWN)
    path = environ.get(PATH)
    return {"route": route, "path": path} if path else {"route": route}


class Observed:
    """The application, with each request named, logged and counted.

    No address of a client, query, form or header is logged, and a path only where it holds
    nothing but ids: what else somebody types into the address may be about them.
    """

    def __init__(self, app: WSGIApplication, settings: Settings) -> None:
        self.app = app
        self.proxies = settings.trusted_proxies

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        environ[REFERENCE] = called = self._reference(environ)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(reference=called)
        started = time.perf_counter()
        status = "500"

        def start(said: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status
            status = said[:3]
            return start_response(said, [*headers, ("X-Request-ID", called)], exc_info)

        try:
            return self.app(environ, start)
        finally:
            note(environ, int(status), time.perf_counter() - started)

    def _reference(self, environ: WSGIEnvironment) -> str:
        told = environ.get("HTTP_X_REQUEST_ID", "")
        if _ACCEPTED.fullmatch(told) and is_from(environ, self.proxies):
            return str(told)
        return "".join(_LETTERS[byte % len(_LETTERS)] for byte in secrets.token_bytes(_LENGTH))


def note(environ: WSGIEnvironment, status: int, seconds: float) -> None:
    """Log and count a request that has been answered."""
    from respondeo import metrics

    asked = environ.get("REQUEST_METHOD", "")
    method = asked if asked in _METHODS else "other"
    place = where(environ)
    structlog.get_logger().info(
        "request", method=method, **place, status=status, ms=round(seconds * 1000, 1)
    )
    metrics.REQUESTS.labels(method, place["route"], status).inc()
    metrics.SECONDS.labels(method, place["route"]).observe(seconds)
