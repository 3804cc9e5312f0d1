"""Finding and showing quizzes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import InstrumentedAttribute, Session

from respondeo.db import database_time
from respondeo.domain import access
from respondeo.domain.access import Viewer
from respondeo.domain.errors import NotFound
from respondeo.models import Quiz, QuizAttempt, QuizBoard, QuizDraft, QuizVersion, User
from respondeo.models.user import ShownAs
from respondeo.services import standings, steps, taking

PAGE_SIZE = 30
NO_SUCH_QUIZ = "There is no such quiz, or it is not published."
NEWEST, MOST_PLAYED = SORTS = ("newest", "played")


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


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list is narrowed to; empty strings narrow nothing."""

    q: str = ""
    language: str = ""
    difficulty: str = ""
    sort: str = NEWEST
    page: int = 1


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of quizzes, and which languages there are among all of them."""

    cards: tuple[Card, ...]
    total: int
    page: int
    pages: int
    languages: tuple[tuple[str, int], ...]


def listing(session: Session, viewer: Viewer, filters: Filters) -> Listing:
    """The quizzes this viewer may see, narrowed, sorted, and cut to a page."""
    if viewer.user_id is not None:
        taking.complete_overdue(session, user_id=viewer.user_id)
    now = database_time(session)
    shown = quizzes(drafts=sees_drafts(viewer))
    visible = shown.where(visible_to(viewer, now))
    languages = _languages(session, narrowed(visible, replace(filters, language="")))
    total = sum(count for code, count in languages if filters.language in ("", code))
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, filters.page), pages)
    order: list[sa.ColumnElement[Any]] = [Quiz.published_at.desc().nulls_first(), Quiz.id.desc()]
    # The page is cut before anything is looked up, or a late page would look up all before it.
    cut = _in_any_order(narrowed(visible, filters)) if filters.q else narrowed(visible, filters)
    if filters.sort == MOST_PLAYED:
        order.insert(0, QuizBoard.plays.desc())
        cut = cut.where(QuizBoard.plays.is_not(None))  # always so, but an index is in this order
    ids = cut.with_only_columns(Quiz.id).order_by(*order)
    ids = ids.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)
    rows = session.execute(shown.where(Quiz.id.in_(ids)).order_by(*order)).mappings()
    cards = [_card(row, now) for row in rows]
    mine = _mine(session, viewer, cards, now)
    return Listing(
        tuple(replace(card, mine=mine.get(card.id)) for card in cards),
        total,
        page,
        pages,
        languages,
    )


def _languages(session: Session, found: sa.Select[*tuple[Any, ...]]) -> tuple[tuple[str, int], ...]:
    """How many quizzes there are in each language, the most first."""
    language, count = found.selected_columns.language, sa.func.count()
    counted = session.execute(
        found.with_only_columns(language, count).group_by(language).order_by(count.desc(), language)
    )
    return tuple((code, number) for code, number in counted)


def _in_any_order(found: sa.Select[*tuple[Any, ...]]) -> sa.Select[*tuple[Any, ...]]:
    """The same quizzes, found before they are put in order.

    Where few have the words, looking for them from the newest on reads one row after the other.
    """
    matching = found.with_only_columns(Quiz.id).cte("matching").prefix_with("MATERIALIZED")
    return quizzes().where(Quiz.id.in_(sa.select(matching.c.id)))


def quiz_card(session: Session, viewer: Viewer, quiz_id: UUID) -> Card:
    """One quiz, if this viewer may see it. Raises NotFound."""
    taking.complete_overdue(session, quiz_id)
    now = database_time(session)
    found = session.execute(quizzes().where(Quiz.id == quiz_id, visible_to(viewer, now)))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound(NO_SUCH_QUIZ)
    card = _card(row, now)
    return replace(card, mine=_mine(session, viewer, [card], now).get(quiz_id))


def demand_visible(session: Session, viewer: Viewer, quiz_id: UUID) -> None:
    """Raises NotFound unless this viewer may see the quiz."""
    visible = sa.select(Quiz.id).where(
        Quiz.id == quiz_id, visible_to(viewer, database_time(session))
    )
    if session.scalar(visible) is None:
        raise NotFound(NO_SUCH_QUIZ)


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


def narrowed(quizzes: sa.Select[*tuple[Any, ...]], filters: Filters) -> sa.Select[*tuple[Any, ...]]:
    """The quizzes that the filters leave."""
    columns = quizzes.selected_columns
    if filters.q:
        quizzes = quizzes.where(
            sa.or_(
                *(
                    columns[name].icontains(filters.q, autoescape=True)
                    for name in ("title", "description", "author_name")
                )
            )
        )
    if filters.language:
        quizzes = quizzes.where(columns.language == filters.language)
    if filters.difficulty:
        quizzes = quizzes.where(columns.difficulty == filters.difficulty)
    return quizzes


def _card(row: Mapping[Any, Any], now: datetime) -> Card:
    published_at = row["published_at"]
    status = "draft" if published_at is None else "scheduled"
    if access.is_public(published_at, now):
        status = "published"
    title = row["title"].strip() or UNTITLED
    return Card(**{**row, "title": title}, status=status)


def _mine(
    session: Session, viewer: Viewer, cards: Sequence[Card], now: datetime
) -> dict[UUID, Mine]:
    """The player's own attempts at these quizzes; nothing for people who are not signed in."""
    if viewer.user_id is None or not cards:
        return {}
    allowed = {card.id: card.max_attempts for card in cards}
    attempts = sa.select(QuizAttempt).where(
        QuizAttempt.user_id == viewer.user_id, QuizAttempt.quiz_id.in_(allowed)
    )
    open_attempts = {
        attempt.quiz_id: steps.clock_of(attempt).remaining(now)
        for attempt in session.scalars(attempts.where(QuizAttempt.completed_at.is_(None)))
    }
    over = QuizAttempt.completed_at.is_not(None)
    by_quiz = session.execute(
        sa.select(
            QuizAttempt.quiz_id,
            sa.func.max(QuizAttempt.number),
            _of_best(QuizAttempt.correct_count, over),
            _of_best(QuizAttempt.total_questions, over),
        )
        .where(QuizAttempt.user_id == viewer.user_id, QuizAttempt.quiz_id.in_(allowed))
        .group_by(QuizAttempt.quiz_id)
    )
    mine = {card.id: Mine(0, card.max_attempts) for card in cards}
    for quiz_id, used, best_correct, best_total in by_quiz:
        most = allowed[quiz_id]
        mine[quiz_id] = Mine(
            attempts_used=used,
            attempts_left=None if most is None else max(0, most - used),
            open=quiz_id in open_attempts,
            open_remaining_ms=open_attempts.get(quiz_id),
            best_correct=best_correct,
            best_total=best_total,
        )
    return mine


def _of_best(
    column: InstrumentedAttribute[int], which: sa.ColumnElement[bool]
) -> sa.ColumnElement[int]:
    """The column's value in the best of the attempts grouped."""
    in_order = aggregate_order_by(column, *standings.BEST_FIRST)
    return sa.func.array_agg(in_order).filter(which)[1]
