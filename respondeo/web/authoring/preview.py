"""Playing a draft: each step is a form that carries, signed, where the preview stands."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, current_app, make_response, render_template, request
from itsdangerous import BadSignature, URLSafeSerializer

from respondeo.db import session
from respondeo.domain.errors import CannotGoOn, Invalid
from respondeo.services import previewing
from respondeo.services.previewing import Preview, Subject
from respondeo.web import access
from respondeo.web.authoring.bp import bp
from respondeo.web.authoring.fields import editor_url, field_id
from respondeo.web.htmx import page_or_fragment
from respondeo.web.taking.forms import AnswerForm, NextForm, checked
from respondeo.web.taking.ways import way_of_preview

PLACES = {"title": "Title", "description": "Description", "heroImageUrl": "Cover picture"}


@bp.get("/<uuid:quiz_id>/preview")
@access.editors
def preview(quiz_id: UUID) -> Response:
    """What players would be getting into, and one button; or what is missing for that."""
    subject = previewing.subject(session(), access.viewer(), quiz_id)
    page = render_template(
        "authoring/preview.html",
        title=subject.draft.title.strip(),
        quiz=previewing.facts(subject),
        missing=missing(subject),
        editor_url=editor_url(quiz_id),
    )
    return not_kept(make_response(page))


@bp.post("/<uuid:quiz_id>/preview")
@access.editors
def play_preview(quiz_id: UUID) -> Response:
    """One step of a preview (`?step=`): start, answer, next, or look where it stands."""
    viewer, step = access.viewer(), request.args.get("step", "look")
    subject = previewing.subject(session(), viewer, quiz_id)
    try:
        if step == "start":
            return shown(previewing.begun(viewer, subject))
        going = previewing.continued(viewer, subject, opened(quiz_id))
    except CannotGoOn as refused:
        return show(quiz_id, 422, sentence=str(refused))
    if step == "answer":
        return answered(going)
    if step == "next":
        form = NextForm(request.form)
        checked(form, "question")
        previewing.leave_feedback(going, form.question.data or None)
    return shown(going)


def answered(going: Preview) -> Response:
    """Take the answer that was sent; without one, the question again with what is missing."""
    form = AnswerForm(request.form)
    checked(form, "question")
    try:
        checked(form, "answer")
        previewing.take_answer(going, form.question.data, form.answer.data)
    except Invalid as invalid:
        return shown(going, form.question.data, error=str(invalid))
    return shown(going, form.question.data)


def shown(going: Preview, answered: UUID | None = None, *, error: str | None = None) -> Response:
    """Where the preview stands, and at its end the result."""
    quiz_id = going.subject.quiz_id
    standing = previewing.standing(going, answered)
    if standing.status == "over":
        return show(quiz_id, result=previewing.result(going))
    way = way_of_preview(quiz_id, signed(going))
    return show(quiz_id, 422 if error else 200, play=standing, way=way, error=error)


def show(quiz_id: UUID, status: int = 200, **seen: Any) -> Response:
    """The page of a preview, or its part that changes."""
    nothing = {"play": None, "result": None, "sentence": None, "error": None}
    response = page_or_fragment(
        "authoring/preview_play.html",
        "play",
        status,
        quiz_id=quiz_id,
        editor_url=editor_url(quiz_id),
        **(nothing | seen),
    )
    return not_kept(response)


def not_kept(response: Response) -> Response:
    """A draft, and how somebody played it, stay in no cache."""
    response.headers["Cache-Control"] = "no-store"
    return response


def missing(subject: Subject) -> list[tuple[str, str, str]]:
    """What keeps the draft from being played: where, what to do, and the address of the field."""
    return [
        (
            place_of(problem.path),
            problem.message,
            editor_url(subject.quiz_id, field_id(subject.draft, problem.path)),
        )
        for problem in subject.problems
    ]


def place_of(path: str) -> str:
    """Where in the draft a problem's path leads, in words: `questions.0.text` is Question 1."""
    first, *rest = path.split(".")
    if first != "questions":
        return PLACES.get(first, "Details")
    return f"Question {int(rest[0]) + 1}" if rest else "Questions"


# -- the state in the form -------------------------------------------------------------------------


def signature(quiz_id: UUID) -> URLSafeSerializer:
    """What this person's previews of this quiz are signed with: another's is not valid."""
    whose = f"preview of {quiz_id} by {access.viewer().user_id}"
    return URLSafeSerializer(current_app.extensions["settings"].secret_key, salt=whose)


def signed(going: Preview) -> str:
    """Where the preview stands, for its next form."""
    return signature(going.subject.quiz_id).dumps(previewing.state_of(going))


def opened(quiz_id: UUID) -> dict[str, Any]:
    """What the form carried. Raises CannotGoOn where we did not sign it for this person here."""
    try:
        state = signature(quiz_id).loads(request.form.get("state", ""))
    except BadSignature:
        raise CannotGoOn from None
    if not isinstance(state, dict):
        raise CannotGoOn
    return state
