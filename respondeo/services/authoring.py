"""Authoring: publishing a draft as the next version, publication, deleting.

`publish` is the only place that writes questions and answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain.access import Viewer, may_see
from respondeo.domain.document import Details, Document
from respondeo.domain.document import Question as QuestionDocument
from respondeo.domain.errors import NotAllowed, NotFound, SignInRequired
from respondeo.models import (
    Answer,
    Question,
    Quiz,
    QuizAttempt,
    QuizBoard,
    QuizDraft,
    QuizVersion,
    QuizVersionQuestion,
)
from respondeo.services import standings


def create_quiz(session: Session, author_id: UUID, document: Document) -> Quiz:
    """A new quiz with this draft; nobody else sees it until it is published."""
    quiz = Quiz(author_id=author_id)
    session.add(quiz)
    session.flush()
    session.add(QuizBoard(quiz_id=quiz.id))
    session.add(
        QuizDraft(quiz_id=quiz.id, document=_stored(document), updated_by=author_id, revision=1)
    )
    session.flush()
    return quiz


def editable(session: Session, viewer: Viewer, quiz_id: UUID) -> Quiz:
    """The quiz, for somebody who may edit it. Raises NotFound, SignInRequired, NotAllowed."""
    quiz = session.get(Quiz, quiz_id)
    if quiz is None or not may_see(
        viewer, quiz.author_id, quiz.published_at, database_time(session)
    ):
        raise NotFound
    if not viewer.may_edit(quiz.author_id):
        if viewer.is_guest:
            raise SignInRequired
        raise NotAllowed("You may not edit this quiz.")
    return quiz


def save_draft(session: Session, viewer: Viewer, quiz_id: UUID, document: Document) -> QuizDraft:
    """Replace the draft. Raises NotFound, NotAllowed."""
    quiz = _locked(session, viewer, quiz_id)
    if not viewer.may_edit(quiz.author_id):
        raise NotAllowed("You may not edit this quiz.")
    draft = session.get_one(QuizDraft, quiz.id, with_for_update=True)
    draft.document = _stored(document)
    draft.revision += 1
    draft.updated_by = viewer.user_id
    draft.updated_at = database_time(session)
    return draft


def publish(
    session: Session, viewer: Viewer, quiz_id: UUID, *, at: datetime | None = None
) -> QuizVersion:
    """Make the draft the next version, visible from `at` (None: keep the date there is, else now).

    A draft that says what the current version says makes no version. Open attempts keep theirs.
    Raises NotFound, NotAllowed.
    """
    quiz = _locked(session, viewer, quiz_id)
    if not viewer.may_publish(quiz.author_id):
        raise NotAllowed("You may not publish this quiz.")
    draft = session.get_one(QuizDraft, quiz.id)
    version = _version_of(session, quiz, Document.model_validate(draft.document))
    now = database_time(session)
    quiz.current_version_id = version.id
    quiz.published_at = at or quiz.published_at or now
    quiz.updated_at = now
    return version


def unpublish(session: Session, viewer: Viewer, quiz_id: UUID) -> None:
    """Take the quiz out of sight; attempts and points stay. Raises NotFound, NotAllowed."""
    quiz = _locked(session, viewer, quiz_id)
    if not viewer.may_publish(quiz.author_id):
        raise NotAllowed("You may not unpublish this quiz.")
    quiz.published_at = None


def delete_quiz(session: Session, viewer: Viewer, quiz_id: UUID) -> None:
    """Delete the quiz with its attempts and correct the boards. Raises NotFound, NotAllowed."""
    quiz = _locked(session, viewer, quiz_id)
    if not viewer.may_delete(quiz.author_id):
        raise NotAllowed("You may not delete this quiz.")
    standings.lock_open_attempts(session, QuizAttempt.quiz_id == quiz_id)
    standings.forget_quiz(session, quiz_id)
    session.execute(
        sa.delete(Quiz).where(Quiz.id == quiz_id).execution_options(synchronize_session=False)
    )
    session.expire_all()


def _locked(session: Session, viewer: Viewer, quiz_id: UUID) -> Quiz:
    """The quiz, if it exists for this viewer, kept for us alone. Raises NotFound."""
    # Keeps everybody from starting, but lets those who are completing refer to the quiz: they
    # hold their attempt, and deleting waits for it next.
    lock = {"key_share": True}  # FOR NO KEY UPDATE
    quiz = session.get(Quiz, quiz_id, with_for_update=lock, populate_existing=True)
    now = database_time(session)
    if quiz is None or not may_see(viewer, quiz.author_id, quiz.published_at, now):
        raise NotFound
    return quiz


def _stored(document: Document) -> dict[str, object]:
    return document.model_dump(mode="json", by_alias=True)


# -- versions ----------------------------------------------------------------------------------


def _version_of(session: Session, quiz: Quiz, document: Document) -> QuizVersion:
    """The current version if it says just this, else a new one."""
    current = quiz.current_version_id and session.get(QuizVersion, quiz.current_version_id)
    published = _published_questions(session, current.id) if current else {}
    question_ids = [
        row_id if wording == question else None
        for question in document.questions
        for row_id, wording in [published.get(question.uid, (None, None))]
    ]
    if (
        current
        and _details_of(current) == _details(document)
        and question_ids == [row_id for row_id, _ in published.values()]
    ):
        return current
    last = session.scalar(
        sa.select(sa.func.max(QuizVersion.number)).where(QuizVersion.quiz_id == quiz.id)
    )
    version = QuizVersion(
        quiz_id=quiz.id,
        number=(last or 0) + 1,
        question_count=len(document.questions),
        **_details(document).model_dump(),
    )
    session.add(version)
    session.flush()
    for position, (question, kept) in enumerate(zip(document.questions, question_ids, strict=True)):
        session.add(
            QuizVersionQuestion(
                quiz_version_id=version.id,
                position=position,
                question_id=kept or _insert_question(session, quiz.id, question),
            )
        )
    session.flush()
    return version


def _details(document: Document) -> Details:
    return Details.model_validate(document.model_dump(include=set(Details.model_fields)))


def _details_of(version: QuizVersion) -> Details:
    return Details.model_validate({name: getattr(version, name) for name in Details.model_fields})


def _insert_question(session: Session, quiz_id: UUID, document: QuestionDocument) -> UUID:
    question = Question(
        quiz_id=quiz_id,
        uid=document.uid,
        kind=document.kind,
        text=document.text,
        image_url=document.image_url,
        explanation=document.explanation,
    )
    session.add(question)
    session.flush()
    session.add_all(
        Answer(
            question_id=question.id,
            uid=answer.uid,
            position=position,
            text=answer.text,
            is_correct=answer.is_correct,
        )
        for position, answer in enumerate(document.answers)
    )
    return question.id


def _published_questions(
    session: Session, version_id: UUID
) -> Mapping[UUID, tuple[UUID, QuestionDocument]]:
    """The version's questions as documents with their row ids, by uid, in order."""
    questions = session.scalars(
        sa.select(Question)
        .join(QuizVersionQuestion, QuizVersionQuestion.question_id == Question.id)
        .where(QuizVersionQuestion.quiz_version_id == version_id)
        .order_by(QuizVersionQuestion.position)
    ).all()
    answers = session.scalars(
        sa.select(Answer)
        .where(Answer.question_id.in_([question.id for question in questions]))
        .order_by(Answer.position)
    ).all()
    return {
        question.uid: (
            question.id,
            QuestionDocument.model_validate(
                {
                    "uid": question.uid,
                    "kind": question.kind,
                    "text": question.text,
                    "image_url": question.image_url,
                    "explanation": question.explanation,
                    "answers": [
                        {"uid": a.uid, "text": a.text, "is_correct": a.is_correct}
                        for a in answers
                        if a.question_id == question.id
                    ],
                }
            ),
        )
        for question in questions
    }
