"""Signing in as a demo person, and signing out."""

from __future__ import annotations

from urllib.parse import quote, urlsplit
from uuid import UUID

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from respondeo.db import session
from respondeo.domain.errors import Invalid, NotFound, Problem
from respondeo.extensions import limiter
from respondeo.services import identity
from respondeo.web import access
from respondeo.web.auth.demo import DEMO_PEOPLE
from respondeo.web.auth.leaving import goodbye

bp = Blueprint("auth", __name__)

LONGEST_ADDRESS = 3000


def is_demo() -> bool:
    """Demo people exist in the demo only, and only for who sits at this machine."""
    return (
        current_app.extensions["settings"].app_env == "demo"
        and request.remote_addr in {"127.0.0.1", "::1"}
        and "X-Forwarded-For" not in request.headers
    )


def local_path(target: str | None) -> str:
    """Where to go after signing in: a path of ours, never another site.

    Browsers read a backslash as a slash and skip control characters, so both are refused; and
    servers refuse an address that is too long.
    """
    home = url_for("pages.home")
    if not target or "\\" in target or any(character < " " for character in target):
        return home
    if len(quote(target, errors="replace")) > LONGEST_ADDRESS:
        return home
    try:
        parts = urlsplit(target)
    except ValueError:  # half an IPv6 address
        return home
    is_ours = not parts.scheme and not parts.netloc and target.startswith("/")
    return target if is_ours and not target.startswith("//") else home


def begin_session(
    user_id: UUID,
    target: str | None,
    *,
    provider_id: str | None = None,
    id_token: str | None = None,
) -> Response:
    """Sign this browser in and send it to `target`, if that is a path of ours.

    The session is always a new one; whoever was signed in before is signed out.
    """
    before = access.person()
    if before is not None:
        identity.sign_out(session(), before.session_id)
    token = identity.sign_in(
        session(),
        user_id,
        ip_address=request.remote_addr,
        user_agent=request.headers.get("User-Agent", "").replace("\0", ""),
        provider_id=provider_id,
        id_token=id_token,
    )
    session().commit()
    response = redirect(local_path(target), 303)
    access.set_session_cookie(response, token)
    return response


@bp.get("/sign-in")
@access.everybody
def sign_in() -> Response | str:
    """The ways to sign in."""
    target = local_path(request.args.get("next"))
    if access.person() is not None:
        return redirect(target, 303)
    return ways_to_sign_in(target)


def ways_to_sign_in(target: str, *, wrong: bool = False, email: str = "") -> str:
    """The page. wrong: the e-mail or the password that was sent is."""
    return render_template(
        "auth/sign_in.html",
        people=DEMO_PEOPLE if is_demo() else [],
        providers=current_app.extensions["settings"].oidc_providers,
        local=current_app.extensions["settings"].auth_local,
        next=target,
        wrong=wrong,
        email=email,
    )


@bp.post("/sign-in")
@access.everybody
@limiter.limit("30 per minute")
def sign_in_as() -> Response:
    """Sign in as one of the demo people."""
    if not is_demo():
        raise NotFound("There are no demo people here.")
    chosen = next((p for p in DEMO_PEOPLE if p.key == request.form.get("person")), None)
    if chosen is None:
        raise Invalid(Problem("person", "Choose one of the demo people."))
    user = identity.user_by_email(session(), chosen.email)
    if user is None:
        raise NotFound("The demo people are missing. Run `make demo` again.")
    return begin_session(user.id, request.form.get("next"))


@bp.post("/sign-out")
@access.everybody
def sign_out() -> Response:
    """End the session, here and in the table; then the provider's, where it has one."""
    person = access.person()
    ended = None
    if person is not None:
        ended = identity.sign_out(session(), person.session_id)
        session().commit()
    access.as_nobody()
    response = goodbye(ended) or redirect(url_for("pages.home"), 303)
    access.drop_session_cookie(response)
    return response
