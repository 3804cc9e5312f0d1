"""An author's own quizzes, and what goes when one is deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from cachetools import LRUCache
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain.access import Viewer, is_public, may_see
from respondeo.domain.completeness import problems
from respondeo.domain.differences import differences
from respondeo.domain.draft import Draft
from respondeo.domain.errors import NotFound
from respondeo.models import Quiz, QuizAttempt, QuizBoard, QuizDraft, QuizVersion, User
from respondeo.services import taking
from respondeo.services.authoring import not_allowed
from respondeo.services.cards import UNTITLED
from respondeo.services.versions import published_documents

PAGE_SIZE = 30
STATES = ("draft", "scheduled", "published")
# A draft's revision says one thing for good, and reading a long one takes time.
_COUNTED: LRUCache[tuple[UUID, int], int] = LRUCache(4096)
_COUNTING = Lock()
EDITED, PLAYED, TITLE = SORTS = ("edited", "played", "title")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list is narrowed to; empty strings narrow nothing."""

    q: str = ""
    state: str = ""
    whose: str = ""
    """`all` for everybody's, where the viewer may edit those."""
    sort: str = EDITED
    page: int = 1


@dataclass(frozen=True, slots=True)
class OwnQuiz:
    """One quiz as who edits it lists it.

    missing: how many things keep the draft from being published; of unpublished quizzes only.
    changed: whether the draft says something else than what is published.
    """

    id: UUID
    author_id: UUID | None
    author_name: str | None
    title: str
    language: str
    state: str
    published_at: datetime | None
    edited_at: datetime
    question_count: int
    plays: int
    last_played_at: datetime | None = None
    missing: int = 0
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Shelf:
    """One page of quizzes; how many there are in each state, whatever state is asked for."""

    quizzes: tuple[OwnQuiz, ...]
    total: int
    page: int
    pages: int
    states: Mapping[str, int]


def own_quizzes(session: Session, viewer: Viewer, wanted: Wanted) -> Shelf:
    """The quizzes that this viewer may edit: their own, or everybody's where they may and ask."""
    now = database_time(session)
    found = _quizzes(now).where(_whose(viewer, wanted))
    if wanted.q:
        said = [QuizDraft.document["title"].astext, QuizDraft.document["description"].astext]
        names = [User.name] if wanted.whose else []
        found = found.where(
            sa.or_(*(text.icontains(wanted.q, autoescape=True) for text in (*said, *names)))
        )
    listed = found.subquery()
    counted = sa.select(listed.c.state, sa.func.count().label("many")).group_by(listed.c.state)
    states = {row.state: row.many for row in session.execute(counted)}
    total = states.get(wanted.state, 0) if wanted.state else sum(states.values())
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, wanted.page), pages)
    if wanted.state:
        found = found.where(_state(now) == wanted.state)
    rows = session.execute(
        found.order_by(*_order(wanted.sort), Quiz.id.desc())
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
    ).mappings()
    quizzes = [_own_quiz(row) for row in rows]
    return Shelf(tuple(_told(session, quizzes)), total, page, pages, states)


def _state(now: datetime) -> sa.ColumnElement[str]:
    return sa.case(
        (Quiz.published_at.is_(None), "draft"),
        (Quiz.published_at > now, "scheduled"),
        else_="published",
    )


def _quizzes(now: datetime) -> sa.Select[*tuple[Any, ...]]:
    said = QuizDraft.document
    return (
        sa.select(
            Quiz.id,
            Quiz.author_id,
            User.name.label("author_name"),
            said["title"].astext.label("title"),
            said["language"].astext.label("language"),
            _state(now).label("state"),
            Quiz.published_at,
            QuizDraft.updated_at.label("edited_at"),
            sa.func.jsonb_array_length(said["questions"]).label("question_count"),
            QuizBoard.plays,
        )
        .join(QuizDraft, QuizDraft.quiz_id == Quiz.id)
        .join(QuizBoard, QuizBoard.quiz_id == Quiz.id)
        .outerjoin(User, User.id == Quiz.author_id)
    )


def _whose(viewer: Viewer, wanted: Wanted) -> sa.ColumnElement[bool]:
    if wanted.whose and viewer.may("quiz:edit-any"):
        return sa.true()
    if viewer.user_id is None or not viewer.may_edit(viewer.user_id):
        return sa.false()
    return Quiz.author_id == viewer.user_id


def _order(sort: str) -> tuple[sa.ColumnElement[Any], ...]:
    if sort == PLAYED:
        return (QuizBoard.plays.desc(), QuizDraft.updated_at.desc())
    if sort == TITLE:
        return (sa.func.lower(QuizDraft.document["title"].astext),)
    return (QuizDraft.updated_at.desc(),)


def _own_quiz(row: Mapping[Any, Any]) -> OwnQuiz:
    return OwnQuiz(**{**row, "title": row["title"].strip() or UNTITLED})


def _told(session: Session, quizzes: list[OwnQuiz]) -> list[OwnQuiz]:
    """The same with what takes reading more than one row each, in a fixed number of queries."""
    ids = [quiz.id for quiz in quizzes]
    played = session.execute(
        sa.select(QuizAttempt.quiz_id, sa.func.max(QuizAttempt.completed_at).label("last"))
        .where(QuizAttempt.quiz_id.in_(ids))
        .group_by(QuizAttempt.quiz_id)
    )
    last = {row.quiz_id: row.last for row in played}
    missing = _missing(session, [quiz.id for quiz in quizzes if quiz.state == "draft"])
    changed = _changed(session, [quiz.id for quiz in quizzes if quiz.state != "draft"])
    return [
        replace(
            quiz,
            last_played_at=last.get(quiz.id),
            missing=missing.get(quiz.id, 0),
            changed=quiz.id in changed,
        )
        for quiz in quizzes
    ]


def _missing(session: Session, quiz_ids: list[UUID]) -> dict[UUID, int]:
    """How many things keep each of these drafts from being published."""
    drafts = sa.select(QuizDraft.quiz_id, QuizDraft.revision).where(QuizDraft.quiz_id.in_(quiz_ids))
    asked = {quiz_id: (quiz_id, revision) for quiz_id, revision in session.execute(drafts)}
    with _COUNTING:
        known = {key: _COUNTED[key] for key in asked.values() if key in _COUNTED}
    unknown = [quiz_id for quiz_id, key in asked.items() if key not in known]
    documents = session.execute(
        sa.select(QuizDraft.quiz_id, QuizDraft.revision, QuizDraft.document).where(
            QuizDraft.quiz_id.in_(unknown)
        )
    )
    for quiz_id, revision, document in documents:
        many = len(problems(Draft.model_validate(document)))
        known[asked[quiz_id]] = many
        with _COUNTING:
            _COUNTED[quiz_id, revision] = many
    return {quiz_id: known[key] for quiz_id, key in asked.items() if key in known}


def _changed(session: Session, quiz_ids: list[UUID]) -> set[UUID]:
    """Which of these published quizzes have a draft that says something else.

    Only drafts that were saved after the version was made can.
    """
    rows = session.execute(
        sa.select(Quiz.id, Quiz.current_version_id, QuizDraft.document)
        .join(QuizDraft, QuizDraft.quiz_id == Quiz.id)
        .join(QuizVersion, QuizVersion.id == Quiz.current_version_id)
        .where(Quiz.id.in_(quiz_ids), QuizDraft.updated_at > Quiz.updated_at)
    ).all()
    published = published_documents(session, [row.current_version_id for row in rows])
    return {
        row.id
        for row in rows
        if row.current_version_id in published
        and differences(published[row.current_version_id], Draft.model_validate(row.document))
    }


# -- deleting --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deletion:
    """What goes when a quiz is deleted. `players`: signed-in people who have an attempt."""

    quiz_id: UUID
    title: str
    language: str
    public: bool
    may_edit: bool
    questions: int
    attempts: int
    guests: int
    players: int
    going_on: int
    ranked: int


def deletion(session: Session, viewer: Viewer, quiz_id: UUID) -> Deletion:
    """What deleting the quiz would take away. Raises NotFound, SignInRequired, NotAllowed."""
    taking.complete_overdue(session, quiz_id)
    now = database_time(session)
    row = session.execute(
        sa.select(
            Quiz.author_id,
            Quiz.published_at,
            QuizDraft.document,
            QuizVersion.title,
            QuizBoard.players,
        )
        .join(QuizDraft, QuizDraft.quiz_id == Quiz.id)
        .join(QuizBoard, QuizBoard.quiz_id == Quiz.id)
        .outerjoin(QuizVersion, QuizVersion.id == Quiz.current_version_id)
        .where(Quiz.id == quiz_id)
    ).one_or_none()
    if row is None or not may_see(viewer, row.author_id, row.published_at, now):
        raise NotFound
    if not viewer.may_delete(row.author_id):
        raise not_allowed(viewer, row.author_id, "quiz:delete-own", "quiz:delete-any")
    may_edit = viewer.may_edit(row.author_id)
    told = row.document["title"].strip() if may_edit or row.title is None else row.title
    attempts = session.execute(
        sa.select(
            sa.func.count().label("attempts"),
            sa.func.count().filter(QuizAttempt.user_id.is_(None)).label("guests"),
            sa.func.count(QuizAttempt.user_id.distinct()).label("players"),
            sa.func.count().filter(QuizAttempt.completed_at.is_(None)).label("going_on"),
        ).where(QuizAttempt.quiz_id == quiz_id)
    ).one()
    return Deletion(
        quiz_id=quiz_id,
        title=told or UNTITLED,
        language=row.document["language"],
        public=is_public(row.published_at, now),
        may_edit=may_edit,
        questions=len(row.document["questions"]),
        ranked=row.players,
        **attempts._mapping,
    )
