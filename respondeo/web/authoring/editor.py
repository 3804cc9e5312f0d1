"""The editor: a new quiz, its draft as one form, saving any part of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from respondeo.db import session
from respondeo.domain.document import Difficulty, Language
from respondeo.domain.draft import LONGEST_TEXT, Draft, DraftQuestion
from respondeo.domain.edits import Edits
from respondeo.domain.errors import Invalid, NewerRevision, Problem
from respondeo.services import authoring
from respondeo.web import access
from respondeo.web.authoring.bp import bp
from respondeo.web.authoring.conflicts import choose_page
from respondeo.web.authoring.fields import answer_id, dashed, question_id
from respondeo.web.authoring.forms import clean, edits_of, limit_typed, revision_of
from respondeo.web.authoring.notes import changes_of, notes_of
from respondeo.web.authoring.sent_pictures import form_with_pictures
from respondeo.web.authoring.steps import new_question
from respondeo.web.htmx import page_or_fragment, wants_fragment

LARGEST_REQUEST = 16_000_000  # bytes: a whole draft, what a form wraps around it, a picture
MOST_FIELDS = 20_000
BLANK = UUID("00000000-0000-4000-8000-000000000000")
"""Stands for the uid of a question in the shape that new cards are made of."""


@bp.get("/new")
@access.allow("quiz:create")
def new() -> str:
    """One field, one button."""
    access.myself()
    return render_template("authoring/new.html", title="", problems={})


@bp.post("/new")
@access.allow("quiz:create")
def create() -> BaseResponse:
    """Make the draft with one empty question, and go where it is written."""
    me = access.myself().id
    title = clean(request.form.get("title", "")).replace("\0", "")[:LONGEST_TEXT]
    if not title.strip():
        problems = {"title": "Write a title. You can change it at any time."}
        page = render_template("authoring/new.html", title="", problems=problems)
        return make_response(page, 422)
    question = new_question(uuid4())
    quiz = authoring.create_quiz(session(), me, Draft(title=title, questions=(question,)))
    session().commit()
    return redirect(url_for("authoring.edit", quiz_id=quiz.id), 303)


@bp.get("/<uuid:quiz_id>/edit")
@access.editors
def edit(quiz_id: UUID) -> Response:
    """The draft as one form."""
    return editor_page(quiz_id)


@bp.post("/<uuid:quiz_id>/edit")
@access.editors
def save(quiz_id: UUID) -> BaseResponse:
    """Save what was sent of the draft, do what the button says; 303, or what changed around it."""
    if request.mimetype == "multipart/form-data":  # of others the parser limits nothing
        request.max_content_length = LARGEST_REQUEST
        request.max_form_parts = MOST_FIELDS
    edits = Edits()
    try:
        form = form_with_pictures()
        edits = edits_of(form)
        revision = revision_of(request.form)
        before = _removed(quiz_id, edits)
        saved = authoring.change_draft(
            session(), access.viewer(), quiz_id, edits.applied_to, revision=revision
        ).revision
    except NewerRevision:
        session().rollback()
        return choose_page(quiz_id, edits)
    except Invalid as invalid:
        session().rollback()
        return editor_page(quiz_id, edits=edits, invalid=invalid)
    session().commit()
    if wants_fragment():
        return editor_page(quiz_id, seen=saved)
    return editor_page(quiz_id, removed=before) if before else redirect(_next(quiz_id), 303)


def _removed(quiz_id: UUID, edits: Edits) -> tuple[DraftQuestion, int] | None:
    """The question that is about to be removed, as it was typed, and its place.

    Its only copy is then the page that offers to undo it, so that page is the answer, not a 303.
    """
    if edits.removes is None or wants_fragment():
        return None
    stored = authoring.editing(session(), access.viewer(), quiz_id).draft
    shown = edits.shown_on(stored)
    place = shown.position(edits.removes)
    return None if place is None else (shown.questions[place], place)


def _next(quiz_id: UUID) -> str:
    """Where the work goes on: at the question that a button was about, or the one it made."""
    verb, _, rest = request.form.get("action", "").partition(":")
    if verb in PAGES:
        return url_for(PAGES[verb], quiz_id=quiz_id)
    uid = rest[:36]
    questions: tuple[DraftQuestion, ...] = ()
    if verb in {"add", "duplicate"}:
        questions = authoring.editing(session(), access.viewer(), quiz_id).draft.questions
    anchor: str | None = f"q-{uid}"
    if verb == "add":
        anchor = question_id(questions[-1].uid, "text")
    elif verb == "duplicate":
        uids = [str(question.uid) for question in questions]
        anchor = f"q-{uids[min(uids.index(uid) + 1, len(uids) - 1)]}" if uid in uids else None
    elif verb == "picture":
        return url_for("authoring.edit", quiz_id=quiz_id, open=uid, _anchor=f"q-{uid}-image-url")
    elif verb not in {"up", "down", "insert", "answer", "lift", "drop"}:
        anchor = None
    return url_for("authoring.edit", quiz_id=quiz_id, _anchor=anchor)


def editor_page(
    quiz_id: UUID,
    *,
    edits: Edits | None = None,
    invalid: Invalid | None = None,
    removed: tuple[DraftQuestion, int] | None = None,
    seen: int | None = None,
) -> Response:
    """The editor; where a save was refused, with what was typed and what to do.

    seen: the revision that was saved, for a page that is not told what somebody saved since.
    """
    editing = authoring.editing(session(), access.viewer(), quiz_id)
    draft = edits.shown_on(editing.draft) if edits else editing.draft
    notes = notes_of(draft)
    faults = {id_of(problem): problem.message for problem in invalid.problems} if invalid else {}
    response = page_or_fragment(
        "authoring/editor.html",
        "faults" if invalid else "panel",
        status=422 if invalid else 200,
        editing=editing,
        revision=seen or editing.revision,
        draft=draft,
        notes=notes,
        noted={note.id: note for note in notes},
        incomplete={note.question for note in notes},
        changes=changes_of(editing),
        faults=faults,
        removed=removed,
        opened=request.args.get("open"),
        **CHOICES,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


# Pages that show the draft: their buttons save it first.
PAGES = {"preview": "authoring.preview", "publish": "authoring.publication"}

CHOICES: dict[str, Any] = {
    "blank": new_question(BLANK).model_copy(
        update={
            "answers": tuple(
                answer.model_copy(update={"uid": UUID(int=BLANK.int + place)})
                for place, answer in enumerate(new_question(BLANK).answers, 1)
            )
        }
    ),
    "difficulties": tuple(Difficulty),
    "languages": tuple(Language),
    "limit_typed": limit_typed,
    "longest": LONGEST_TEXT,
    "question_id": question_id,
    "answer_id": answer_id,
}


def id_of(problem: Problem) -> str:
    """The id of the field that could not be kept; its path tells questions by their uids."""
    match problem.path.split("."):
        case ["questions", uid, "answers", answer, *_]:
            return answer_id(UUID(uid), UUID(answer))
        case ["questions", uid, name]:
            return question_id(UUID(uid), name)
        case [name, *_]:
            return dashed(name)
        case _:
            return "questions"
