"""A quiz as a card shows it: what everybody may see of it, and what is the player's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.orm import InstrumentedAttribute

from respondeo.domain import access, timing
from respondeo.domain.access import Viewer
from respondeo.models import Quiz, QuizAttempt, QuizBoard, QuizDraft, QuizVersion, User
from respondeo.models.user import ShownAs
from respondeo.prepared import Prepared, Source
from respondeo.services import standings


@dataclass(frozen=True, slots=True)
class Mine:
    """What concerns the player first: their own attempts at a quiz. Times in ms."""

    attempts_used: int
    attempts_left: int | None
    open: bool = False
    open_remaining_ms: int | None = None
    best_correct: int | None = None
    best_total: int | None = None


UNTITLED = "Untitled quiz"
"""What a draft is called until its author writes a title."""


@dataclass(frozen=True, slots=True)
class Card:
    """A quiz in the list, and at the head of its own page."""

    id: UUID
    author_id: UUID | None
    author_name: str | None
    published_at: datetime | None
    status: str
    title: str
    description: str
    hero_image_url: str | None
    language: str
    difficulty: str
    question_count: int
    max_attempts: int | None
    time_limit_seconds: int
    randomize_questions: bool
    randomize_answers: bool
    feedback: str
    reveal: str
    plays: int
    mine: Mine | None = None

    @property
    def attempts_used(self) -> int:
        """How many attempts the viewer has started."""
        return self.mine.attempts_used if self.mine else 0


def visible_to(
    viewer: Viewer, now: datetime | sa.ColumnElement[datetime]
) -> sa.ColumnElement[bool]:
    """`domain.access.may_see`, in SQL."""
    public = sa.and_(Quiz.published_at.is_not(None), Quiz.published_at <= now)
    if viewer.may("quiz:edit-any"):
        return sa.true()
    if sees_drafts(viewer):
        return sa.or_(public, Quiz.author_id == viewer.user_id)
    return public


def sees_drafts(viewer: Viewer) -> bool:
    """Whether there may be quizzes that only this viewer and a few others see."""
    own = viewer.may("quiz:edit-own") and viewer.user_id is not None
    return own or viewer.may("quiz:edit-any")


def quizzes(*, drafts: bool = True) -> sa.Select[*tuple[Any, ...]]:
    """Quizzes with what their current version says, or their draft where there is none.

    drafts: whether there may be any without a version among those that are asked for.
    """

    def told(
        name: str, column: InstrumentedAttribute[Any]
    ) -> sa.ColumnElement[Any] | InstrumentedAttribute[Any]:
        if not drafts:
            return column
        written = QuizDraft.document[name].astext
        if isinstance(column.type, sa.Integer):  # a draft may hold words where a number is asked
            is_number = sa.func.jsonb_typeof(QuizDraft.document[name]) == "number"
            written = sa.case((is_number, written))
        drafted = sa.cast(written, column.type)
        return sa.case((Quiz.current_version_id.is_not(None), column), else_=drafted)

    version = QuizVersion
    asked = sa.func.jsonb_array_length(QuizDraft.document["questions"])
    counts = (version.question_count, asked) if drafts else (version.question_count,)
    told_of = (
        sa.select(
            Quiz.id,
            Quiz.author_id,
            sa.case((User.shown_as != ShownAs.HIDDEN, User.public_name)).label("author_name"),
            Quiz.published_at,
            told("title", version.title).label("title"),
            told("description", version.description).label("description"),
            told("heroImageUrl", version.hero_image_url).label("hero_image_url"),
            told("language", Quiz.language).label("language"),
            told("difficulty", Quiz.difficulty).label("difficulty"),
            sa.func.coalesce(*counts).label("question_count"),
            told("maxAttempts", version.max_attempts).label("max_attempts"),
            sa.func.coalesce(told("timeLimitSeconds", version.time_limit_seconds), 0).label(
                "time_limit_seconds"
            ),
            told("randomizeQuestions", version.randomize_questions).label("randomize_questions"),
            told("randomizeAnswers", version.randomize_answers).label("randomize_answers"),
            told("feedback", version.feedback).label("feedback"),
            told("reveal", version.reveal).label("reveal"),
            QuizBoard.plays,
        )
        # Outer joins: PostgreSQL leaves out those of which nothing is asked.
        .outerjoin(QuizBoard, QuizBoard.quiz_id == Quiz.id)
        .outerjoin(version, version.id == Quiz.current_version_id)
        .outerjoin(User, User.id == Quiz.author_id)
    )
    if not drafts:
        return told_of
    unpublished = sa.and_(QuizDraft.quiz_id == Quiz.id, Quiz.current_version_id.is_(None))
    return told_of.outerjoin(QuizDraft, unpublished)


def card_of(row: Mapping[Any, Any], now: datetime) -> Card:
    """The card of a row of `quizzes`, as it stands at this moment."""
    published_at = row["published_at"]
    status = "draft" if published_at is None else "scheduled"
    if access.is_public(published_at, now):
        status = "published"
    title = row["title"].strip() or UNTITLED
    return Card(**{**row, "title": title}, status=status)


def _own() -> sa.Select[*tuple[Any, ...]]:
    over, is_open = QuizAttempt.completed_at.is_not(None), QuizAttempt.completed_at.is_(None)

    def of_open(column: InstrumentedAttribute[Any]) -> sa.ColumnElement[Any]:
        return sa.func.max(column).filter(is_open).label(column.key)

    return (
        sa.select(
            QuizAttempt.quiz_id,
            sa.func.max(QuizAttempt.number).label("used"),
            _of_best(QuizAttempt.correct_count, over).label("best_correct"),
            _of_best(QuizAttempt.total_questions, over).label("best_total"),
            sa.func.bool_or(is_open).label("open"),
            *map(of_open, (
                QuizAttempt.time_limit_ms, QuizAttempt.spent_ms, QuizAttempt.shown_at,
                QuizAttempt.feedback_at, QuizAttempt.deadline_at,
            )),
        )
        .where(
            QuizAttempt.user_id == sa.bindparam("user_id"),
            QuizAttempt.quiz_id == sa.any_(sa.bindparam("quiz_ids", type_=ARRAY(sa.Uuid()))),
        )
        .group_by(QuizAttempt.quiz_id)
    )  # fmt: skip


def _of_best(
    column: InstrumentedAttribute[int], which: sa.ColumnElement[bool]
) -> sa.ColumnElement[int]:
    """The column's value in the best of the attempts grouped."""
    in_order = aggregate_order_by(column, *standings.BEST_FIRST)
    return sa.func.array_agg(in_order).filter(which)[1]


OWN = Prepared(_own())


def own_at(source: Source, viewer: Viewer, ids: str) -> list[Any]:
    """The player's own attempts at these quizzes, a row for each quiz; no guest has any."""
    if viewer.user_id is None or ids == array_of([]):
        return []
    return OWN.all(source, user_id=viewer.user_id, quiz_ids=ids)


def array_of(cards: Sequence[Card]) -> str:
    """The ids of these quizzes as an array in PostgreSQL's notation."""
    return f"{{{','.join(str(card.id) for card in cards)}}}"


def mine_of(most: int | None, own: Any, now: datetime) -> Mine:
    """What a row of `own_at` means, None where there is none. most: attempts that are allowed."""
    if own is None:
        return Mine(0, most)
    clock = timing.Clock(own.time_limit_ms, own.spent_ms or 0, own.shown_at, own.feedback_at)
    return Mine(
        attempts_used=own.used,
        attempts_left=None if most is None else max(0, most - own.used),
        open=own.open,
        open_remaining_ms=clock.remaining(now) if own.open else None,
        best_correct=own.best_correct,
        best_total=own.best_total,
    )
