"""A save on an older revision: both texts of each part that differs, and the choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from respondeo.db import session
from respondeo.domain.draft import DraftQuestion
from respondeo.domain.edits import Edits, changed
from respondeo.services import authoring
from respondeo.services.authoring import Editing
from respondeo.web import access
from respondeo.web.authoring.forms import limit_typed
from respondeo.web.authoring.wording import LABELS


@dataclass(frozen=True, slots=True)
class Conflict:
    """A part that differs: `part` as fields call it, both as people read them.

    question: mine, where it is one; place: from 0, where mine stands.
    """

    part: str
    label: str
    mine: Any
    theirs: Any
    question: DraftQuestion | None = None
    place: int = 0


def choose_page(quiz_id: UUID, edits: Edits) -> BaseResponse:
    """Both texts and the choice; where nothing differs, the editor as it is stored."""
    editing = authoring.editing(session(), access.viewer(), quiz_id)
    found = [*_details(edits, editing), *_questions(edits, editing)]
    if not found and request.headers.get("HX-Request") != "true":
        return redirect(url_for("authoring.edit", quiz_id=quiz_id), 303)
    page = render_template(
        "authoring/conflict.html", editing=editing, conflicts=found, limit_typed=limit_typed
    )
    return Response(page, 409)


def _details(edits: Edits, editing: Editing) -> list[Conflict]:
    mine = changed(editing.draft, edits.details, "", [])
    return [
        Conflict(name, LABELS[name], getattr(mine, name), getattr(editing.draft, name))
        for name in edits.details
        if getattr(mine, name) != getattr(editing.draft, name)
    ]


def _questions(edits: Edits, editing: Editing) -> list[Conflict]:
    stored = {question.uid: question for question in editing.draft.questions}
    numbers = {question.uid: number for number, question in enumerate(editing.draft.questions, 1)}
    found = []
    for place, (uid, fields) in enumerate(edits.questions.items()):
        theirs = stored.get(uid)
        mine = changed(theirs or DraftQuestion(uid=uid), fields, "", [])
        if mine != theirs and uid != edits.removes:
            label = f"Question {numbers.get(uid, place + 1)}"
            found.append(Conflict(f"q-{uid}", label, mine, theirs, mine, place))
    return found
