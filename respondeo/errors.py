"""Errors, in one place: a domain error, an HTTP error or the database's trouble becomes a page
or a fragment that says what happened, what is safe and what to do."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, current_app, make_response, render_template, request, url_for
from flask_limiter import RateLimitExceeded
from jinja2_fragments.flask import render_block
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from respondeo import database_trouble, health, observing
from respondeo.api import refusals
from respondeo.application import vary_by
from respondeo.db import abandon
from respondeo.domain.errors import (
    AttemptOpen,
    AttemptOver,
    CannotGoOn,
    DomainError,
    Invalid,
    NewerRevision,
    NoAttemptsLeft,
    NotAllowed,
    NotFound,
    NotOfThisQuiz,
    NotThisAnswer,
    NotThisQuestion,
    ProviderAway,
    ProviderWrong,
    SignInFailed,
    SignInRefused,
    SignInRequired,
    TooMany,
    UnpublishedChanges,
)
from respondeo.extensions import limiter
from respondeo.security import own_origins
from respondeo.web import access
from respondeo.web.auth.views import local_path
from respondeo.web.htmx import go_to

STATUS: dict[type[DomainError], int] = {
    NotFound: 404,
    NotAllowed: 403,
    NoAttemptsLeft: 409,
    AttemptOver: 409,
    NotThisQuestion: 409,
    NewerRevision: 409,
    CannotGoOn: 409,
    AttemptOpen: 409,
    NotOfThisQuiz: 409,
    UnpublishedChanges: 409,
    NotThisAnswer: 409,
    Invalid: 422,
    TooMany: 429,
    SignInRefused: 403,
    ProviderWrong: 502,
    ProviderAway: 504,
    SignInFailed: 400,  # after its kinds
}


@dataclass(frozen=True, slots=True)
class Explained:
    """What an error page says. `safe` is what nobody needs to worry about."""

    status: int
    title: str
    sentence: str
    safe: str | None = None
    retry_seconds: int | None = None
    action: tuple[str, str] | None = None
    """Where to go on, and what the link says."""


WORDS = {
    400: ("That did not work", "The request could not be understood."),
    403: ("Not allowed", "You may not do this."),
    404: ("Nothing here", "There is no such page, or it is not open to you. Check the address."),
    405: ("That did not work", "This address does not answer to that kind of request."),
    409: ("Not now", "This cannot be done any more."),
    413: ("Too large", "What you sent is larger than we accept."),
    422: ("Please check", "Something in the form is missing or wrong."),
    429: ("A little slower", "Too many requests. Wait a minute, then try again."),
    500: ("Something broke", "The fault is ours, and it has been noted."),
    503: ("The database is away", "Please wait a moment."),
}
SIGN_IN_TITLE = "Signing in did not work"
SAFE_ANSWERS = "Every answer you confirmed is safe."
RETRY_SECONDS = 5


def init_errors(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(DomainError, on_domain_error)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(RateLimitExceeded, on_rate_limit)
    app.register_error_handler(PoolTimeout, on_database_trouble)
    app.register_error_handler(DBAPIError, on_database_trouble)
    app.register_error_handler(Exception, on_bug)


def on_domain_error(error: DomainError) -> BaseResponse:
    status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
    if refusals.is_asked():
        return refusals.of_rule(error, status)
    if isinstance(error, SignInRequired):
        return go_to(url_for("auth.sign_in", next=_page_asked_from()))
    if isinstance(error, SignInFailed):
        back = url_for("auth.sign_in", next=error.target)
        return show(Explained(status, SIGN_IN_TITLE, str(error), action=(back, "Back to sign-in")))
    response = show(Explained(status, WORDS[status][0], str(error)))
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _page_asked_from() -> str:
    """Where to come back to: this page, or the one that held the form."""
    if request.method in {"GET", "HEAD"} and request.headers.get("HX-Request") != "true":
        return local_path(request.full_path.rstrip("?"))
    try:
        held = urlsplit(request.referrer or "")
    except ValueError:  # half an IPv6 address
        return url_for("pages.home")
    ours = own_origins(current_app.extensions["settings"].app_url)
    return local_path(held.path if f"{held.scheme}://{held.netloc}" in ours else None)


def on_rate_limit(error: RateLimitExceeded) -> BaseResponse:
    window = error.limit.limit.get_expiry()
    reached = limiter.current_limit
    left = math.ceil(reached.reset_at - time.time()) if reached else window
    seconds = min(max(1, left), window)
    return on_domain_error(TooMany(f"Too many requests. {_wait(seconds)}", seconds))


def _wait(seconds: int) -> str:
    if seconds > 90:
        return f"Wait {-(-seconds // 60)} minutes, then try again."
    return f"Wait {seconds} second{'' if seconds == 1 else 's'}, then try again."


def on_http_error(error: HTTPException) -> BaseResponse:
    status = error.code or 500
    if status < 400:
        return error.get_response()
    title, sentence = WORDS.get(status, WORDS[400 if status < 500 else 500])
    if refusals.is_asked():
        sentence = refusals.WORDS.get(status, sentence)
    # Only our own descriptions are for people; werkzeug's talk about the server.
    if error.description != type(error).description:
        sentence = error.description or sentence
    response = show(Explained(status, title, sentence))
    for name, value in error.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            response.headers[name] = value
    return response


def on_database_trouble(error: DBAPIError | PoolTimeout) -> BaseResponse:
    """503 where the database is away or too busy; any other fault of a query is a bug."""
    trouble = database_trouble.explain(error)
    if trouble is None:
        return on_bug(error)
    if trouble is database_trouble.SCHEMA:  # an upgrade does not help where a newer one was made
        abandon()
        trouble = health.trouble(current_app) or trouble
    cause = getattr(error, "orig", None)
    structlog.get_logger().error(
        "database trouble",
        kind=trouble.kind,
        **observing.where(request.environ),
        sqlstate=getattr(cause, "sqlstate", None),
        said=str(cause or error).splitlines()[0],
    )
    response = show(
        Explained(503, trouble.title, trouble.sentence, SAFE_ANSWERS, trouble.retry_seconds)
    )
    response.headers["Retry-After"] = str(trouble.retry_seconds)
    return response


def on_bug(error: Exception) -> BaseResponse:
    structlog.get_logger().exception(
        "unhandled", **observing.where(request.environ), exc_info=error
    )
    return show(Explained(500, *WORDS[500], safe=SAFE_ANSWERS))


def show(explained: Explained) -> Response:
    """The error as a whole page, as a small alert where htmx asked for a fragment, or as JSON."""
    abandon()
    noted = observing.reference() if explained.status >= 500 else None
    if refusals.is_asked():
        return refusals.shown(explained.status, explained.sentence, reference=noted)
    if explained.status >= 500 or not _is_known_who_asks():
        access.as_nobody()
    url, text = explained.action or _way_on(explained)
    context = {
        "status": explained.status,
        "title": explained.title,
        "sentence": explained.sentence,
        "safe": explained.safe,
        "retry_seconds": explained.retry_seconds,
        "action_url": url,
        "action_text": text,
        "reference": noted,
    }
    if request.headers.get("HX-Request") == "true":
        response = make_response(render_block("errors/error.html", "fragment", **context))
    else:
        response = make_response(render_template("errors/error.html", **context))
    response.status_code = explained.status
    vary_by(response, "HX-Request")
    return response


def _way_on(explained: Explained) -> tuple[str, str]:
    """Where to go from an error: an address that will not answer with the next error."""
    if explained.retry_seconds:
        return _page_asked_from(), "Try again"
    asking = access.viewer()
    if asking.is_guest or asking.may("quiz:browse"):
        return url_for("pages.home"), "All quizzes"
    return url_for("settings.profile"), "Your settings"


def _is_known_who_asks() -> bool:
    """Error pages need no database: where it is away, they are for nobody in particular."""
    try:
        access.viewer()
    except SQLAlchemyError:
        return False
    return True
