"""Versions: a published document as rows, and rows as a document.

The only place that writes questions and answers; `authoring.publish` is who asks for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from threading import Lock
from uuid import UUID

import sqlalchemy as sa
from cachetools import LRUCache, cached
from sqlalchemy.orm import Session

from respondeo.domain.document import Answer as AnswerDocument
from respondeo.domain.document import Details, Document
from respondeo.domain.document import Question as QuestionDocument
from respondeo.models import Answer, Question, Quiz, QuizVersion, QuizVersionQuestion

CACHED_DOCUMENTS = 64


def version_of(session: Session, quiz: Quiz, document: Document) -> QuizVersion:
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
    return _new_version(session, quiz, document, question_ids)


def _by_id(_session: Session, version_id: UUID) -> UUID:
    return version_id


@cached(LRUCache(CACHED_DOCUMENTS), key=_by_id, lock=Lock())
def published_document(session: Session, version_id: UUID) -> Document:
    """What a version says, as the document it was made of; an editor asks at every save."""
    return published_documents(session, [version_id])[version_id]


def published_documents(session: Session, version_ids: Sequence[UUID]) -> dict[UUID, Document]:
    """What versions say, by their ids; as many queries for many as for one."""
    versions = session.scalars(sa.select(QuizVersion).where(QuizVersion.id.in_(version_ids)))
    questions = _questions_of(session, version_ids)
    return {
        version.id: Document.model_validate(
            {
                **_details_of(version).model_dump(),
                "questions": tuple(wording for _, wording in questions[version.id]),
            }
        )
        for version in versions
    }


def _new_version(
    session: Session, quiz: Quiz, document: Document, question_ids: list[UUID | None]
) -> QuizVersion:
    """One more version; `question_ids` are the rows that stay, in order, None for a new one."""
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
    new = [
        _question_row(quiz.id, question)
        for question, kept in zip(document.questions, question_ids, strict=True)
        if kept is None
    ]
    session.add_all(new)
    session.flush()
    rows = {row.uid: row.id for row in new}
    for question in document.questions:
        if question.uid in rows:
            session.add_all(_answer_rows(rows[question.uid], question))
    session.add_all(
        QuizVersionQuestion(
            quiz_version_id=version.id,
            position=position,
            question_id=kept or rows[question.uid],
        )
        for position, (question, kept) in enumerate(
            zip(document.questions, question_ids, strict=True)
        )
    )
    session.flush()
    return version


def _details(document: Document) -> Details:
    return Details.model_validate(document.model_dump(include=set(Details.model_fields)))


def _details_of(version: QuizVersion) -> Details:
    return Details.model_validate({name: getattr(version, name) for name in Details.model_fields})


def _question_row(quiz_id: UUID, document: QuestionDocument) -> Question:
    return Question(
        quiz_id=quiz_id,
        uid=document.uid,
        kind=document.kind,
        text=document.text,
        image_url=document.image_url,
        image_alt=document.image_alt,
        explanation=document.explanation,
    )


def _answer_rows(question_id: UUID, document: QuestionDocument) -> list[Answer]:
    return [
        Answer(
            question_id=question_id,
            uid=answer.uid,
            position=position,
            text=answer.text,
            is_correct=answer.is_correct,
        )
        for position, answer in enumerate(document.answers)
    ]


def _published_questions(
    session: Session, version_id: UUID
) -> Mapping[UUID, tuple[UUID, QuestionDocument]]:
    """The version's questions as documents with their row ids, by uid, in order."""
    found = _questions_of(session, [version_id])[version_id]
    return {wording.uid: (row_id, wording) for row_id, wording in found}


def _questions_of(
    session: Session, version_ids: Sequence[UUID]
) -> Mapping[UUID, list[tuple[UUID, QuestionDocument]]]:
    """The questions of versions as documents with their row ids, in order."""
    of_these = QuizVersionQuestion.quiz_version_id.in_(version_ids)
    answers: dict[UUID, list[AnswerDocument]] = defaultdict(list)
    asked = sa.select(QuizVersionQuestion.question_id).where(of_these)
    for row in session.scalars(
        sa.select(Answer).where(Answer.question_id.in_(asked)).order_by(Answer.position)
    ):
        answers[row.question_id].append(
            AnswerDocument(uid=row.uid, text=row.text, is_correct=row.is_correct)
        )
    found: dict[UUID, list[tuple[UUID, QuestionDocument]]] = defaultdict(list)
    for version_id, question in session.execute(
        sa.select(QuizVersionQuestion.quiz_version_id, Question)
        .join(Question, Question.id == QuizVersionQuestion.question_id)
        .where(of_these)
        .order_by(QuizVersionQuestion.quiz_version_id, QuizVersionQuestion.position)
    ):
        found[version_id].append((question.id, _wording(question, answers[question.id])))
    return found


def _wording(question: Question, answers: list[AnswerDocument]) -> QuestionDocument:
    return QuestionDocument.model_validate(
        {
            "uid": question.uid,
            "kind": question.kind,
            "text": question.text,
            "image_url": question.image_url,
            "image_alt": question.image_alt,
            "explanation": question.explanation,
            "answers": tuple(answers),
        }
    )
