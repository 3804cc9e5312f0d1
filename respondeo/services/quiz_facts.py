"""Quizzes as programs read them: lists, one quiz, and for its editors its questions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.access import Viewer
from respondeo.domain.draft import Draft
from respondeo.domain.errors import NotFound
from respondeo.models import (
    Answer,
    Question,
    Quiz,
    QuizDraft,
    QuizVersion,
    QuizVersionQuestion,
    User,
)
from respondeo.services import catalogue
from respondeo.services.catalogue import Filters


@dataclass(frozen=True, slots=True)
class Facts:
    """A quiz as it is published, or its draft where it never was. Authors as others see them."""

    id: UUID
    title: str
    description: str
    hero_image_url: str | None
    author_id: UUID | None
    author_shown: str | None
    author_image: str | None
    language: str
    difficulty: str
    max_attempts: int | None
    time_limit_seconds: int
    randomize_questions: bool
    randomize_answers: bool
    feedback: str
    reveal: str
    published_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int | None
    version_id: UUID | None
    question_count: int


@dataclass(frozen=True, slots=True)
class KeyedAnswer:
    """An answer with its key, for editors."""

    id: UUID
    text: str
    is_correct: bool


@dataclass(frozen=True, slots=True)
class KeyedQuestion:
    """A question with its key, for editors; `order` is its place, from 0."""

    id: UUID
    text: str
    image_url: str | None
    image_alt: str | None
    explanation: str | None
    order: int
    answers: tuple[KeyedAnswer, ...]


@dataclass(frozen=True, slots=True)
class Edited:
    """What only those may read who may edit the quiz; `revision` is its draft's."""

    revision: int
    questions: tuple[KeyedQuestion, ...]


def page_of_quizzes(
    session: Session,
    viewer: Viewer,
    filters: Filters,
    *,
    author_id: UUID | None,
    offset: int,
    limit: int,
) -> tuple[list[Facts], int]:
    """The quizzes this viewer may see, newest first, from `offset` on; and how many in all."""
    found = catalogue.narrowed(_facts(viewer), filters)
    if author_id is not None:
        found = found.where(Quiz.author_id == author_id)
    total = session.execute(sa.select(sa.func.count()).select_from(found.subquery())).scalar_one()
    if offset >= total:
        return [], total
    newest = (Quiz.published_at.desc().nulls_first(), Quiz.id.desc())
    ids = found.with_only_columns(Quiz.id).order_by(*newest).limit(limit).offset(offset)
    rows = session.execute(_facts(viewer).where(Quiz.id.in_(ids)).order_by(*newest))
    return [_from(row) for row in rows.mappings()], total


def facts(session: Session, viewer: Viewer, quiz_id: UUID) -> Facts:
    """One quiz, if this viewer may see it. Raises NotFound."""
    row = session.execute(_facts(viewer).where(Quiz.id == quiz_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(catalogue.NO_SUCH_QUIZ)
    return _from(row)


def _facts(viewer: Viewer) -> sa.Select[*tuple[Any, ...]]:
    now = sa.func.now()  # of the database, and an index can be searched by it
    return (
        catalogue.quizzes(drafts=catalogue.sees_drafts(viewer))
        .add_columns(
            User.public_name.label("author_shown"),
            User.public_image.label("author_image"),
            Quiz.created_at,
            Quiz.updated_at,
            QuizVersion.number.label("version"),
            Quiz.current_version_id.label("version_id"),
        )
        .where(catalogue.visible_to(viewer, now))
    )


def _from(row: Mapping[Any, Any]) -> Facts:
    return Facts(**{name: row[name] for name in Facts.__dataclass_fields__})


def edited(session: Session, quiz: Facts) -> Edited:
    """The questions with their keys: of the version that is published, else of the draft."""
    draft = session.get_one(QuizDraft, quiz.id, populate_existing=True)
    if quiz.version_id is None:
        return Edited(draft.revision, _drafted(Draft.model_validate(draft.document)))
    return Edited(draft.revision, _published(session, quiz.version_id))


def _drafted(draft: Draft) -> tuple[KeyedQuestion, ...]:
    return tuple(
        KeyedQuestion(
            id=question.uid,
            text=question.text,
            image_url=question.image_url,
            image_alt=question.image_alt,
            explanation=question.explanation,
            order=place,
            answers=tuple(
                KeyedAnswer(answer.uid, answer.text, answer.is_correct)
                for answer in question.answers
            ),
        )
        for place, question in enumerate(draft.questions)
    )


def _published(session: Session, version_id: UUID) -> tuple[KeyedQuestion, ...]:
    of_this = QuizVersionQuestion.quiz_version_id == version_id
    answers: dict[UUID, list[KeyedAnswer]] = defaultdict(list)
    for question_id, answer_id, text, is_correct in session.execute(
        sa.select(Answer.question_id, Answer.id, Answer.text, Answer.is_correct)
        .join(QuizVersionQuestion, QuizVersionQuestion.question_id == Answer.question_id)
        .where(of_this)
        .order_by(Answer.position)
    ):
        answers[question_id].append(KeyedAnswer(answer_id, text, is_correct))
    return tuple(
        KeyedQuestion(
            id=question.id,
            text=question.text,
            image_url=question.image_url,
            image_alt=question.image_alt,
            explanation=question.explanation,
            order=place,
            answers=tuple(answers[question.id]),
        )
        for question, place in session.execute(
            sa.select(Question, QuizVersionQuestion.position)
            .join(QuizVersionQuestion, QuizVersionQuestion.question_id == Question.id)
            .where(of_this)
            .order_by(QuizVersionQuestion.position)
        )
    )
