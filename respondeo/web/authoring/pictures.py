"""Uploading a picture for a quiz."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from respondeo.db import session
from respondeo.domain.errors import Invalid, Problem
from respondeo.extensions import limiter
from respondeo.services import media, pictures
from respondeo.services.pictures import Use
from respondeo.web import access
from respondeo.web.authoring.bp import bp
from respondeo.web.htmx import page_or_fragment
from respondeo.web.uploads import form_field, sent_file, whose_pictures


@bp.post("/<uuid:quiz_id>/pictures")
@access.editors
@limiter.limit("30 per minute; 300 per hour", key_func=whose_pictures)
def upload_picture(quiz_id: UUID) -> Response:
    """Store a picture, and say by which path the quiz can refer to it."""
    path, problem, use = None, None, Use.QUESTION
    try:
        use = _use(form_field("use"))
        path = pictures.stored(session(), sent_file("picture"), use)
    except Invalid as invalid:
        problem = str(invalid)
    session().commit()
    if path:
        media.remove_unused(session())
        session().commit()
    return page_or_fragment(
        "authoring/picture.html",
        "picture",
        status=422 if problem else 200,
        quiz_id=quiz_id,
        use=use,
        path=path,
        problems={"picture": problem} if problem else {},
    )


def _use(text: str) -> Use:
    try:
        return Use(text)
    except ValueError:
        raise Invalid(Problem("use", "The form is incomplete. Reload the page.")) from None
