"""The ids of the editor's fields: where a problem of a draft is shown."""

from __future__ import annotations

import re
from uuid import UUID

from flask import url_for

from respondeo.domain.draft import Draft


def editor_url(quiz_id: UUID, anchor: str | None = None) -> str:
    """The editor of a quiz, or a field in it."""
    return url_for("authoring.edit", quiz_id=quiz_id, _anchor=anchor)


def field_id(draft: Draft, path: str) -> str:
    """The id of the element that a problem's path means, as `q-<uid>-text` for `questions.0.text`.

    Without the question (`questions`), the id of the list.
    """
    parts = path.split(".")
    if parts[0] != "questions":
        return dashed(parts[0])
    if len(parts) < 2:
        return "questions"
    question = draft.questions[int(parts[1])]
    if len(parts) > 3:
        return answer_id(question.uid, question.answers[int(parts[3])].uid)
    return question_id(question.uid, *parts[2:3])


def question_id(uid: UUID, field: str | None = None) -> str:
    """The id of a question's card, or of a field in it."""
    return f"q-{uid}-{dashed(field)}" if field else f"q-{uid}"


def answer_id(question_uid: UUID, uid: UUID) -> str:
    """The id of the field that holds an answer's text."""
    return f"q-{question_uid}-a-{uid}-text"


def dashed(name: str) -> str:
    """`heroImageUrl` or `hero_image_url` as `hero-image-url`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", "-", name).lower()
