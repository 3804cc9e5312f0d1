"""Profile, picture and the name that others see."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from respondeo.db import session
from respondeo.domain.errors import Invalid
from respondeo.domain.names import HIDDEN_NAME, LONGEST_CHOSEN, LONGEST_REAL
from respondeo.extensions import limiter
from respondeo.services import media, people
from respondeo.web import access
from respondeo.web.settings.bp import bp, done
from respondeo.web.typed import printable
from respondeo.web.uploads import form_field, sent_file, whose_pictures

DONE = {
    "name": "Your name is saved.",
    "shown": "Saved. This is what others see from now on.",
    "picture": "Your picture is saved.",
}


@bp.get("/")
@access.signed_in
def profile() -> Response:
    """Profile, picture and the name that others see."""
    return profile_page()


def profile_page(
    invalid: Invalid | None = None, typed: Mapping[str, str] | None = None
) -> Response:
    """The page; where a form of it was refused, with what was typed and what to do."""
    mine = people.profile(session(), access.myself().id)
    typed = typed or {}
    problems = {problem.path: problem.message for problem in invalid.problems} if invalid else {}
    page = render_template(
        "settings/profile.html",
        tab="settings.profile",
        profile=mine,
        typed={
            "name": printable(typed.get("name", mine.name)),
            "shown_as": typed.get("shown_as", mine.shown_as),
            "display_name": printable(typed.get("display_name", mine.display_name or "")),
        },
        problems=problems,
        done=done(DONE),
        hidden_name=HIDDEN_NAME,
        longest={"display_name": LONGEST_CHOSEN, "name": LONGEST_REAL},
    )
    return make_response(page, 422 if invalid else 200)


@bp.post("/name")
@access.signed_in
def change_name() -> BaseResponse:
    """Change one's real name, where it is kept here."""
    try:
        people.change_name(session(), access.myself().id, request.form.get("name", ""))
    except Invalid as invalid:
        return profile_page(invalid, request.form)
    session().commit()
    return redirect(url_for("settings.profile", done="name"), 303)


@bp.post("/shown")
@access.signed_in
def change_shown() -> BaseResponse:
    """Choose what others see."""
    try:
        people.change_shown(
            session(),
            access.myself().id,
            shown_as=request.form.get("shown_as", ""),
            display_name=request.form.get("display_name", ""),
        )
    except Invalid as invalid:
        return profile_page(invalid, request.form)
    session().commit()
    return redirect(url_for("settings.profile", done="shown"), 303)


@bp.post("/picture")
@access.signed_in
@limiter.limit("20 per minute", key_func=whose_pictures)
def change_picture() -> BaseResponse:
    """Upload a picture, or use the provider's, or none."""
    me = access.myself().id
    try:
        use = form_field("use")
        if use == "provider":
            people.use_provider_image(session(), me)
        elif use == "initials":
            people.use_initials(session(), me)
        else:
            people.use_upload(session(), me, media.encoded(sent_file("picture"), fit=media.PERSON))
    except Invalid as invalid:
        return profile_page(invalid)
    session().commit()
    media.remove_unused(session())
    session().commit()
    return redirect(url_for("settings.profile", done="picture"), 303)
