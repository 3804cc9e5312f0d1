"""Password and sessions."""

from __future__ import annotations

from uuid import UUID

from flask import current_app, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from respondeo.db import session
from respondeo.domain.errors import Invalid, NotFound
from respondeo.services import passwords, sessions
from respondeo.web import access
from respondeo.web.auth.guesses import limit_own_guesses, was_no_guess
from respondeo.web.settings.bp import bp, done

DONE = {
    "password": "Your password is changed. Every other browser is signed out.",
    "session": "That browser is signed out.",
    "others": "Every other browser is signed out.",
}


@bp.get("/security")
@access.signed_in
def security() -> str:
    """Password and sessions."""
    return show_security()


def show_security(problems: dict[str, str] | None = None) -> str:
    """The page; problems: what is wrong with the fields of the form."""
    myself = access.myself()
    return render_template(
        "settings/security.html",
        tab="settings.security",
        sessions=sessions.sessions_of(session(), myself.id, myself.session_id),
        may_change_password=may_change_password(),
        shortest=passwords.SHORTEST,
        done=done(DONE),
        problems=problems or {},
    )


def may_change_password() -> bool:
    """Whether passwords are used here and the person has one."""
    on = current_app.extensions["settings"].auth_local
    return on and passwords.has_password(session(), access.myself().id)


@bp.post("/security")
@access.signed_in
@limit_own_guesses(lambda: access.myself().id)
def change_password() -> Response:
    """Change one's password; every other browser is signed out."""
    if not may_change_password():
        raise NotFound("You have no password here.")
    myself, form = access.myself(), request.form
    try:
        passwords.change_password(
            session(),
            myself.id,
            form.get("current", ""),
            form.get("new", ""),
            session_id=myself.session_id,
        )
    except Invalid as refused:
        problems = {problem.path: problem.message for problem in refused.problems}
        session().rollback()
        if "current" not in problems:
            was_no_guess()
        return make_response(show_security(problems), 422)
    was_no_guess()
    session().commit()
    return back("password")


@bp.post("/security/end-session")
@access.signed_in
def end_session() -> Response:
    """Sign one other browser out."""
    try:
        ended = UUID(request.form.get("session", ""))
    except ValueError as error:
        raise NotFound("You have no such session.") from error
    sessions.end_session(session(), access.myself().id, ended)
    session().commit()
    return back("session")


@bp.post("/security/end-other-sessions")
@access.signed_in
def end_other_sessions() -> Response:
    """Sign every other browser out."""
    myself = access.myself()
    sessions.end_sessions(session(), myself.id, but=myself.session_id)
    session().commit()
    return back("others")


def back(what: str) -> Response:
    """Back to the page, which says what was done."""
    return redirect(url_for("settings.security", done=what), 303)
