"""The Flask application, with what all of it shares."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask.templating import Environment
from werkzeug.wrappers import Response as BaseResponse

LONGEST = 100  # characters
REMEMBERED = 5_000  # addresses; those of single results come and go


class SeldomSessions(SecureCookieSessionInterface):
    """Flask's own session, which a sign-in at a provider needs: few requests have its cookie."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """What the cookie says; see Flask."""
        if "HTTP_COOKIE" in request.environ and self.get_cookie_name(app) in request.cookies:
            return super().open_session(app, request)
        return self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Tell the browser what it has become; see Flask."""
        if session or session.accessed or session.modified:
            super().save_session(app, session, response)


class Templates(Environment):
    """Flask's templates. What they all know is complete before the first is loaded, so each has it
    in one dictionary: Jinja looks into it wherever macros are imported."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """What a template knows besides what it is given; see Jinja."""
        return {**self.globals, **(d or {})}


class Application(Flask):
    """Flask, which remembers addresses: they depend on nothing but what they are made of."""

    jinja_environment = Templates
    session_interface = SeldomSessions()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._address_of = lru_cache(REMEMBERED)(self._address)

    def url_for(self, endpoint: str, **values: Any) -> str:
        """The path of an endpoint with these values; see Flask."""
        if endpoint.startswith(".") or not all(map(_is_short, values.values())):
            return super().url_for(endpoint, **values)
        return self._address_of(endpoint, *values.items())

    def _address(self, endpoint: str, *values: tuple[str, Any]) -> str:
        return super().url_for(endpoint, **dict(values))

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Nothing here is a coroutine, so nothing is looked at before it is called."""
        return func


def vary_by(response: BaseResponse, *names: str) -> None:
    """Say that the answer depends on these headers of the request too."""
    told = response.headers.get("Vary", "")
    known = told.lower().split(", ")
    more = [name for name in names if name.lower() not in known]
    if more:
        response.headers["Vary"] = ", ".join(([told] if told else []) + more)


def _is_short(value: object) -> bool:
    """Whether an address of it may be remembered: who asks must not fill the memory."""
    if isinstance(value, str):
        return len(value) < LONGEST
    if isinstance(value, bool):  # `_external`: with the host that this request named
        return False
    return value is None or isinstance(value, UUID | int)  # None: `_anchor` and others, not given
