"""Quizzes as files: downloading one, and making one of a file after a look at it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from uuid import UUID

from flask import Response, current_app, make_response, render_template, request, send_file, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as BaseResponse

from respondeo.db import new_id, session
from respondeo.domain.completeness import problems
from respondeo.domain.draft import Draft
from respondeo.domain.errors import Invalid, Problem
from respondeo.domain.exchange import (
    FILE,
    LARGEST_FILE,
    exported,
    imported,
    imported_text,
    json_schema,
    place_in_words,
)
from respondeo.services import authoring
from respondeo.services.cards import UNTITLED
from respondeo.web import access
from respondeo.web.authoring.bp import bp
from respondeo.web.authoring.fields import editor_url
from respondeo.web.authoring.managing import id_of
from respondeo.web.authoring.wording import details
from respondeo.web.htmx import go_to
from respondeo.web.typed import printable

LARGEST_REQUEST = 3 * LARGEST_FILE  # bytes: a file, and what a form wraps around it
MOST_FAULTS = 50
LONGEST_NAME = 60  # characters of a file's name
LONGEST_SHOWN = 100_000  # characters of what was pasted, when it is shown again


def schema_url() -> str:
    """The public address of the schema."""
    return f"{current_app.extensions['settings'].app_url}{url_for('authoring.schema')}"


@bp.get("/schema.json")
@access.everybody
def schema() -> Response:
    """The JSON Schema of a quiz as a file."""
    text = json.dumps(json_schema(schema_url()), ensure_ascii=False, indent=2)
    response = Response(f"{text}\n", mimetype="application/schema+json")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@bp.get("/<uuid:quiz_id>/quiz.json")
@access.editors
def export(quiz_id: UUID) -> Response:
    """The draft as a file."""
    draft = authoring.editing(session(), access.viewer(), quiz_id).draft
    file = exported(draft, schema_url()).encode()
    response = send_file(
        io.BytesIO(file),
        mimetype="application/json",
        as_attachment=True,
        download_name=file_name(draft.title),
    )
    response.headers["Cache-Control"] = "private, no-store"
    return response


def file_name(title: str) -> str:
    """What the file is called after its title: letters and digits of any script."""
    name = "-".join(re.findall(r"\w+", title))[:LONGEST_NAME].strip("-_")
    return f"{name or 'quiz'}.json"


@bp.get("/import")
@access.allow("quiz:create")
def import_quiz() -> Response:
    """Where a file is chosen, or its text pasted."""
    access.myself()
    return import_page()


@bp.post("/import")
@access.allow("quiz:create")
def import_file() -> BaseResponse:
    """Show what a file would make, and what is wrong in it; make it when that was confirmed."""
    me = access.myself().id
    request.max_content_length = request.max_form_memory_size = LARGEST_REQUEST
    try:
        draft = sent(request.form)
        if request.form.get("action") != "create":
            return import_page(draft=draft)
        quiz = authoring.create_quiz(session(), me, draft, quiz_id=id_of(request.form, "quiz"))
    except RequestEntityTooLarge:
        return import_page(
            Invalid(Problem(FILE, f"At most {LARGEST_FILE // 1_000_000} MB are read."))
        )
    except Invalid as invalid:
        return import_page(invalid)
    session().commit()
    return go_to(editor_url(quiz.id))


def sent(form: MultiDict[str, str]) -> Draft:
    """The draft in the file that was chosen, or else in the text. Raises Invalid."""
    chosen = request.files.get("file")
    if chosen is not None and chosen.filename:
        return imported(chosen.read())
    return imported_text(form.get("document", ""))


def import_page(invalid: Invalid | None = None, draft: Draft | None = None) -> Response:
    """The form; with the faults of what was sent (422), or with what it would make."""
    faults = told(invalid.problems) if invalid else []
    page = render_template(
        "authoring/import.html",
        faults=faults[:MOST_FAULTS],
        more_faults=len(faults) - MOST_FAULTS,
        pasted=pasted() if invalid else "",
        draft=draft,
        title=(draft.title.strip() or UNTITLED) if draft else "",
        details=details(draft) if draft else [],
        unfinished=told(problems(draft)) if draft else [],
        document=draft.model_dump_json(by_alias=True, ensure_ascii=True) if draft else "",
        quiz_id=new_id(),
    )
    return make_response(page, 422 if invalid else 200)


def told(found: Sequence[Problem]) -> list[tuple[str, str]]:
    """Where and what to do; both may hold words of the file."""
    return [(printable(place_in_words(one.path)), printable(one.message)) for one in found]


def pasted() -> str:
    """What was pasted, to be mended; not where it was too much to be read."""
    try:
        text = printable(request.form.get("document", ""), lines=True)
    except RequestEntityTooLarge:
        return ""
    return text if len(text) <= LONGEST_SHOWN else ""
