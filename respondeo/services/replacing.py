"""A whole quiz that a program sends: made, or put in place of what there is, and published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain.access import Viewer, refusal
from respondeo.domain.differences import differences
from respondeo.domain.document import Document
from respondeo.domain.draft import Draft
from respondeo.domain.errors import (
    NewerRevision,
    NotAllowed,
    NotFound,
    NotOfThisQuiz,
    SignInRequired,
    UnpublishedChanges,
)
from respondeo.models import Answer, Question, Quiz, QuizDraft
from respondeo.services import authoring
from respondeo.services.authoring import When
from respondeo.services.versions import published_document


@dataclass(frozen=True, slots=True)
class SentAnswer:
    """An answer as it was sent; `id`: the one it replaces."""

    id: UUID | None
    text: str
    is_correct: bool


@dataclass(frozen=True, slots=True)
class SentQuestion:
    """A question as it was sent; `id`: the one it replaces. image_alt: None keeps what is there."""

    id: UUID | None
    text: str
    image_url: str | None
    image_alt: str | None
    explanation: str | None
    answers: tuple[SentAnswer, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """A quiz as it was sent. details: all but its questions, by the document's field names.

    draft: whether it is to be out of sight; None leaves its publication as it is.
    """

    details: dict[str, Any]
    questions: tuple[SentQuestion, ...]
    published_at: datetime | None
    draft: bool | None
    revision: int | None


@dataclass(frozen=True, slots=True)
class _Known:
    """A question of this quiz: its uid, the words for its picture, its answers' uids by id."""

    uid: UUID
    image_alt: str | None
    answers: dict[UUID, UUID]


def create_whole(session: Session, viewer: Viewer, sent: Sent) -> Quiz:
    """A new quiz, published at once unless it is sent as a draft.

    Raises SignInRequired, NotAllowed, NotOfThisQuiz, Invalid.
    """
    if viewer.user_id is None:
        raise SignInRequired
    if not viewer.may("quiz:create"):
        raise NotAllowed(refusal("quiz:create"))
    quiz = authoring.create_quiz(session, viewer.user_id, _document(sent, {}))
    if not sent.draft:
        authoring.publish(session, viewer, quiz.id, at=sent.published_at or When.NOW)
    return quiz


def replace_whole(session: Session, viewer: Viewer, quiz_id: UUID, sent: Sent) -> Quiz:
    """Put what was sent in place of the draft, and publish it as the next version.

    What says the same as the published version changes no document: a draft that goes further
    stays. The publication changes only where `sent` says so.
    Raises NotFound, SignInRequired, NotAllowed, NewerRevision, UnpublishedChanges,
    NotOfThisQuiz, Invalid.
    """
    authoring.locked(session, viewer, quiz_id)
    quiz = authoring.editable(session, viewer, quiz_id)
    draft = session.get(QuizDraft, quiz_id, with_for_update=True, populate_existing=True)
    if draft is None:
        raise NotFound
    if sent.revision is not None and sent.revision != draft.revision:
        raise NewerRevision
    current = quiz.current_version_id
    published = published_document(session, current) if current else None
    before = Draft.model_validate(draft.document)
    if sent.revision is None and (published is None or differences(published, before)):
        raise UnpublishedChanges
    kept = published or before
    known = _known(session, quiz_id, before, [question.id for question in sent.questions])
    stay = {"feedback": kept.feedback, "reveal": kept.reveal}
    document = _document(sent, known, stay)
    if document != published:
        _publish(session, viewer, quiz, document)
    _set_publication(session, viewer, quiz, sent)
    return quiz


def _publish(session: Session, viewer: Viewer, quiz: Quiz, document: Document) -> None:
    """The next version; from when it is open stays as it was."""
    opens = quiz.published_at
    authoring.save_draft(session, viewer, quiz.id, document)
    authoring.publish(session, viewer, quiz.id)
    quiz.published_at = opens


def _set_publication(session: Session, viewer: Viewer, quiz: Quiz, sent: Sent) -> None:
    opens = quiz.published_at
    if sent.draft is True:
        opens = None
    elif sent.published_at is not None:
        opens = sent.published_at
    elif sent.draft is False and opens is None:
        opens = database_time(session)
    if opens == quiz.published_at:
        return
    if not viewer.may_publish(quiz.author_id):
        raise authoring.not_allowed(viewer, quiz.author_id, "quiz:edit-own", "quiz:publish")
    quiz.published_at = opens


def _known(
    session: Session, quiz_id: UUID, draft: Draft, named: Iterable[UUID | None]
) -> dict[UUID, _Known]:
    """Questions of this quiz by the ids they are known by: the draft's uids, all versions' ids."""
    known = {
        question.uid: _Known(
            question.uid,
            question.image_alt,
            {answer.uid: answer.uid for answer in question.answers},
        )
        for question in draft.questions
    }
    ids = [one for one in named if one is not None]
    rows = sa.select(Question.id, Question.uid, Question.image_alt).where(
        Question.quiz_id == quiz_id, Question.id.in_(ids)
    )
    for question_id, uid, image_alt in session.execute(rows):
        known[question_id] = _Known(uid, image_alt, {})
    answers = sa.select(Answer.question_id, Answer.id, Answer.uid).where(
        Answer.question_id.in_(ids)
    )
    for question_id, answer_id, uid in session.execute(answers):
        if question_id in known:
            known[question_id].answers[answer_id] = uid
    return known


def _document(
    sent: Sent, known: dict[UUID, _Known], stay: dict[str, Any] | None = None
) -> Document:
    """What was sent, as the document that is published. Raises NotOfThisQuiz, Invalid."""
    questions = [
        _question(question, known, f"questions.{place}")
        for place, question in enumerate(sent.questions)
    ]
    _demand_once([question["uid"] for question in questions], "question")
    return Document.model_validate({**(stay or {}), **sent.details, "questions": tuple(questions)})


def _question(sent: SentQuestion, known: dict[UUID, _Known], path: str) -> dict[str, Any]:
    there = known.get(sent.id) if sent.id is not None else None
    if sent.id is not None and there is None:
        raise NotOfThisQuiz(f"{path}.id is not the id of a question of this quiz. Leave it out.")
    answers = []
    for place, answer in enumerate(sent.answers):
        uid = there.answers.get(answer.id) if there and answer.id is not None else None
        if answer.id is not None and uid is None:
            raise NotOfThisQuiz(
                f"{path}.answers.{place}.id is not the id of an answer of this question."
                " Leave it out."
            )
        answers.append(
            {"uid": uid or uuid4(), "text": answer.text, "is_correct": answer.is_correct}
        )
    _demand_once([answer["uid"] for answer in answers], "answer")
    alt = sent.image_alt or (there.image_alt if there else None)
    return {
        "uid": there.uid if there else uuid4(),
        "text": sent.text,
        "image_url": sent.image_url,
        "image_alt": alt if sent.image_url else None,
        "explanation": sent.explanation,
        "answers": tuple(answers),
    }


def _demand_once(uids: Sequence[object], noun: str) -> None:
    if len(set(uids)) < len(uids):
        raise NotOfThisQuiz(f"One {noun} is named twice. Each id may be given once.")
