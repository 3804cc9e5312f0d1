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

from respondeo.domain.access import GUEST, Viewer
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
from respondeo.prepared import Reader, Source, session_of
from respondeo.services import cards, catalogue
from respondeo.services.catalogue import Filters, Named


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


@dataclass(frozen=True, slots=True)
class PageOfFacts:
    """Some quizzes of a list, and how many it has in all."""

    quizzes: tuple[Facts, ...]
    total: int


def page_of_quizzes(
    source: Source,
    viewer: Viewer,
    filters: Filters,
    *,
    author_id: UUID | None,
    offset: int,
    limit: int,
) -> Named[PageOfFacts]:
    """The quizzes this viewer may see, newest first, from `offset` on."""

    def make(session: Session, viewer: Viewer, filters: Filters) -> PageOfFacts:
        return _page(session, viewer, filters, author_id=author_id, offset=offset, limit=limit)

    if isinstance(source, Reader):
        which = ("facts", author_id, offset, limit)
        found = catalogue.kept_list(
            source, viewer, filters, lambda s, v, f, _: make(s, v, f), *which
        )
        if found:
            return found[0]
    return Named(make(session_of(source), viewer, filters), None)


def _page(
    session: Session,
    viewer: Viewer,
    filters: Filters,
    *,
    author_id: UUID | None,
    offset: int,
    limit: int,
) -> PageOfFacts:
    found = catalogue.narrowed(_facts(viewer), filters)
    if author_id is not None:
        found = found.where(Quiz.author_id == author_id)
    total = sa.select(sa.func.count()).select_from(found.subquery()).scalar_subquery()
    newest = (Quiz.published_at.desc().nulls_first(), Quiz.id.desc())
    ids = found.with_only_columns(Quiz.id).order_by(*newest).limit(limit).offset(offset)
    page = _facts(viewer).add_columns(total.label("total"))
    rows = session.execute(page.where(Quiz.id.in_(ids)).order_by(*newest)).mappings().all()
    if rows or not offset:
        return PageOfFacts(tuple(map(_from, rows)), rows[0]["total"] if rows else 0)
    return PageOfFacts((), session.execute(sa.select(total)).scalar_one())


def facts(source: Source, viewer: Viewer, quiz_id: UUID) -> Named[Facts]:
    """One quiz, if this viewer may see it. Raises NotFound."""
    if isinstance(source, Reader) and (at := catalogue.moment(source)):
        public = catalogue.kept(
            source, at, ("facts", quiz_id), lambda session: _one(session, EVERYBODY, quiz_id)
        )
        if public.found is not None:
            return Named(public.found, public.name)
    found = _one(session_of(source), viewer, quiz_id)
    if found is None:
        raise NotFound(catalogue.NO_SUCH_QUIZ)
    return Named(found, None)


EVERYBODY = Viewer(GUEST, frozenset())


def _one(session: Session, viewer: Viewer, quiz_id: UUID) -> Facts | None:
    row = session.execute(_facts(viewer).where(Quiz.id == quiz_id)).mappings().one_or_none()
    return _from(row) if row else None


def _facts(viewer: Viewer) -> sa.Select[*tuple[Any, ...]]:
    # Asked once, in a query of its own: an index can be searched by it.
    now = sa.select(sa.func.clock_timestamp()).scalar_subquery()
    return (
        cards.quizzes(drafts=cards.sees_drafts(viewer))
        .add_columns(
            User.public_name.label("author_shown"),
            User.public_image.label("author_image"),
            Quiz.created_at,
            Quiz.updated_at,
            QuizVersion.number.label("version"),
            Quiz.current_version_id.label("version_id"),
        )
        .where(cards.visible_to(viewer, now))
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
