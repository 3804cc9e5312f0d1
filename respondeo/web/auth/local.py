"""Signing in with an e-mail and a password."""

from __future__ import annotations

from flask import current_app, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from respondeo.db import session
from respondeo.domain.claims import LONGEST_EMAIL
from respondeo.domain.errors import NotFound
from respondeo.models.user import LOCAL
from respondeo.services import passwords
from respondeo.web import access
from respondeo.web.auth.guesses import limit_guesses, was_no_guess
from respondeo.web.auth.views import begin_session, bp, local_path, ways_to_sign_in


def is_local() -> bool:
    """Whether people sign in with a password here."""
    return bool(current_app.extensions["settings"].auth_local)


def claimed_email() -> str:
    """The address in the form."""
    return request.form.get("email", "")


@bp.post("/sign-in/local")
@access.everybody
@limit_guesses(claimed_email)
def sign_in_local() -> Response:
    """Sign in with an e-mail and a password; what is wrong of the two is not told."""
    if not is_local():
        raise NotFound("Nobody signs in with a password here.")
    target = request.form.get("next")
    user_id = passwords.verify(session(), claimed_email(), request.form.get("password", ""))
    if user_id is None:
        shown = "".join(filter(str.isprintable, claimed_email()))[:LONGEST_EMAIL]
        return make_response(ways_to_sign_in(local_path(target), wrong=True, email=shown), 422)
    was_no_guess()
    return begin_session(user_id, target, provider_id=LOCAL)


@bp.get("/sign-in/local")
@access.everybody
def sign_in_local_again() -> Response:
    """The address of a form that was wrong leads back to the form."""
    return redirect(url_for("auth.sign_in"), 303)
