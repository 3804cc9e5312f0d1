"""Every request as an operator sees it: its reference, its line in the log, its metrics.

A reference is what a player quotes from an error page, what `X-Request-ID` says, and what every
line of the log about that request carries. A proxy of ours may have chosen it; nobody else may.
"""

from __future__ import annotations

import re
import secrets
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask, request

from respondeo.config import Settings
from respondeo.hops import is_from
from respondeo.logs import answering

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from prometheus_client import Counter, Histogram

REFERENCE = "respondeo.reference"
ROUTE = "respondeo.route"
PATH = "respondeo.path"
UNKNOWN = "unknown"
STATIC = "/static/"

# Read out over a telephone: no letter that looks like another one or like a digit.
_LETTERS = b"23456789abcdefghjkmnpqrstvwxyz"
_LETTER_OF = bytes(_LETTERS[byte % len(_LETTERS)] for byte in range(256))
_LENGTH = 12
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{8,64}")
_METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}


def init_observing(app: Flask, settings: Settings) -> None:
    """Observe every request. To be called last: nothing answers before it."""
    app.wsgi_app = Observed(app.wsgi_app, settings)  # type: ignore[method-assign]

    @app.url_value_preprocessor
    def note_the_route(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        rule, environ = request.url_rule, request.environ
        if rule is not None:
            environ[ROUTE] = rule.rule
            free = values and any(isinstance(value, str) for value in values.values())
            environ[PATH] = None if free else request.path


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
        self.log = structlog.get_logger()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        environ[REFERENCE] = called = self._reference(environ)
        answering.set(called)
        started = time.perf_counter()
        status = "500"

        def start(said: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status
            status = said[:3]
            return start_response(said, [*headers, ("X-Request-ID", called)], exc_info)

        try:
            return self.app(environ, start)
        finally:
            self._note(environ, int(status), time.perf_counter() - started)

    def _note(self, environ: WSGIEnvironment, status: int, seconds: float) -> None:
        """Log and count a request that has been answered."""
        asked = environ.get("REQUEST_METHOD", "")
        method = asked if asked in _METHODS else "other"
        place = where(environ)
        self.log.info("request", method=method, **place, status=status, ms=round(seconds * 1000, 1))
        answered, took = _counters(method, place["route"], status)
        answered.inc()
        took.observe(seconds)

    def _reference(self, environ: WSGIEnvironment) -> str:
        told = environ.get("HTTP_X_REQUEST_ID")
        if told and _ACCEPTED.fullmatch(told) and is_from(environ, self.proxies):
            return str(told)
        return secrets.token_bytes(_LENGTH).translate(_LETTER_OF).decode()


@lru_cache(10_000)
def _counters(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """What counts such requests, and what measures them."""
    from respondeo import metrics

    return (
        metrics.REQUESTS.labels(method, route, status),
        metrics.SECONDS.labels(method, route),
    )
