"""Who is asking: the session cookie, the guest's token, and what views may demand."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar, cast
from uuid import UUID

from flask import Flask, Request, Response, current_app, g, request
from flask_login import UserMixin
from werkzeug.wrappers import Response as BaseResponse

from respondeo.config import Settings
from respondeo.db import ask_ahead, reader, session
from respondeo.domain.access import GUEST, Viewer, refusal
from respondeo.domain.errors import NotAllowed, SignInRequired
from respondeo.extensions import login_manager
from respondeo.prepared import Asked
from respondeo.services import authoring, identity
from respondeo.services.identity import Person

P = ParamSpec("P")
R = TypeVar("R")

GUEST_DAYS = 1


class SignedIn(UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    """The signed-in person, as Flask-Login knows them."""

    def __init__(self, person: Person) -> None:
        self.id = person.id
        self.person = person


def init_access(app: Flask, settings: Settings) -> None:
    """Load the person of each request, and renew sessions that are in use."""
    secure = settings.app_url.startswith("https:")
    prefix = "__Host-" if secure else ""
    app.config["SESSION_TOKEN_COOKIE"] = f"{prefix}respondeo_session"
    app.config["GUEST_TOKEN_COOKIE"] = f"{prefix}respondeo_guest"
    rules = settings.access_rules()
    app.extensions["access_rules"] = rules

    @login_manager.request_loader  # type: ignore[untyped-decorator]
    def load_person(request: Request) -> SignedIn | None:
        token = request.cookies.get(current_app.config["SESSION_TOKEN_COOKIE"])
        g.person = identity.person_of(reader(), token) if token else None
        return SignedIn(g.person) if g.person else None

    @app.after_request
    def renew(response: Response) -> Response:
        found: Person | None = g.get("person")
        if found is not None and found.renew and response.status_code < 400:
            # A sign-in or sign-out in this request has ended the session: nothing is renewed.
            if identity.renew_session(session(), found.session_id):
                set_session_cookie(response, request.cookies[app.config["SESSION_TOKEN_COOKIE"]])
            session().commit()
        return response


def person() -> Person | None:
    """The signed-in person, None where nobody is; looked up once a request."""
    if "person" not in g:
        login_manager._load_user()
    return cast("Person | None", g.person)


def viewer() -> Viewer:
    """Who is asking and what they may do; resolved once a request."""
    if "viewer" not in g:
        rules = current_app.extensions["access_rules"]
        somebody = person()
        role = rules.role_of(somebody.groups) if somebody else GUEST
        token = request.cookies.get(current_app.config["GUEST_TOKEN_COOKIE"])
        g.viewer = Viewer(
            role=role,
            permissions=rules.permissions_of(role),
            user_id=somebody.id if somebody else None,
            guest_token=identity.token_hash(token) if token and not somebody else None,
        )
    return cast("Viewer", g.viewer)


def as_nobody() -> None:
    """Answer the rest of this request as to a stranger: the database cannot say who it is."""
    rules = current_app.extensions["access_rules"]
    g.person = None
    g.viewer = Viewer(GUEST, rules.permissions_of(GUEST))


def allow(permission: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Only people who hold the permission get into the view; guests are asked to sign in."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            demand(permission)
            return view(*args, **kwargs)

        return declare(guarded, permission)

    return decorate


def asks_ahead(
    asks: Callable[..., Sequence[Asked]],
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """What the view asks first is read together with who is asking.

    asks: what that is, from what the view is called with. Stands above what says who may.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def asking(*args: P.args, **kwargs: P.kwargs) -> R:
            ask_ahead(*asks(**kwargs))
            return view(*args, **kwargs)

        return asking

    return decorate


def signed_in(view: Callable[P, R]) -> Callable[P, R]:
    """A view about oneself; guests are asked to sign in."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        myself()
        return view(*args, **kwargs)

    return declare(guarded, "signed in")


def myself() -> Person:
    """The signed-in person. Raises SignInRequired where nobody is."""
    somebody = person()
    if somebody is None:
        raise SignInRequired
    return somebody


def editors(view: Callable[P, R]) -> Callable[P, R]:
    """A view about a quiz (`quiz_id`) for those who may edit it.

    To others a quiz in sight is not theirs to change, and one out of sight does not exist.
    Guests are asked to sign in, whether there is such a quiz or not: their session may have ended.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if viewer().is_guest and not viewer().may("quiz:edit-any"):
            raise SignInRequired
        authoring.editable(session(), viewer(), cast("UUID", kwargs["quiz_id"]))
        return view(*args, **kwargs)

    return declare(guarded, "may edit")


AUTHORS = ("quiz:create", "quiz:edit-own", "quiz:edit-any")
REMOVERS = ("quiz:delete-own", "quiz:delete-any")


def authors(view: Callable[P, R]) -> Callable[P, R]:
    """A view about one's own quizzes, for those who may write or edit any."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        myself()
        demand_any(AUTHORS)
        return view(*args, **kwargs)

    return declare(guarded, "may write")


def removers(view: Callable[P, R]) -> Callable[P, R]:
    """A view for those who may delete quizzes; the service says which ones."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        demand_any(REMOVERS)
        return view(*args, **kwargs)

    return declare(guarded, "may delete")


def everybody(view: Callable[P, R]) -> Callable[P, R]:
    """A view that anybody may use; it says so, because every view must say who may."""
    return declare(view, "everybody")


def declare(view: Callable[P, R], who: str) -> Callable[P, R]:
    """Note on the view who may use it."""
    view.allowed = who  # type: ignore[attr-defined]
    return view


def demand(permission: str) -> None:
    """Raises SignInRequired or NotAllowed unless the viewer holds the permission."""
    asking = viewer()
    if not asking.may(permission):
        if asking.is_guest:
            raise SignInRequired
        raise NotAllowed(refusal(permission))


def demand_any(permissions: Sequence[str]) -> None:
    """Raises SignInRequired or NotAllowed unless the viewer holds one of the permissions."""
    if not any(viewer().may(permission) for permission in permissions):
        demand(permissions[0])


def set_session_cookie(response: BaseResponse, token: str) -> None:
    """Hand the session's token to the browser."""
    _set(response, "SESSION_TOKEN_COOKIE", token, identity.SESSION_LIFETIME.days)


def drop_session_cookie(response: BaseResponse) -> None:
    """Take the session's token away."""
    response.delete_cookie(
        current_app.config["SESSION_TOKEN_COOKIE"],
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )


def guest_with_token() -> tuple[Viewer, str]:
    """The guest who is about to play, with the token that their attempts belong to."""
    token = request.cookies.get(current_app.config["GUEST_TOKEN_COOKIE"])
    if not token or len(token) < 32:
        token = secrets.token_urlsafe(32)
    asking = viewer()
    g.viewer = Viewer(asking.role, asking.permissions, None, identity.token_hash(token))
    return g.viewer, token


def set_guest_cookie(response: BaseResponse, token: str) -> None:
    """Let a guest find their attempt again, for a day."""
    _set(response, "GUEST_TOKEN_COOKIE", token, GUEST_DAYS)


def _set(response: BaseResponse, name: str, value: str, days: int) -> None:
    response.set_cookie(
        current_app.config[name],
        value,
        max_age=days * 24 * 60 * 60,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
