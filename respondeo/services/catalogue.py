"""Finding and showing quizzes.

What everybody may see of them is kept by the catalogue's revision, which is read each time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.orm import InstrumentedAttribute, Session

from respondeo.db import database_time
from respondeo.domain import access, timing
from respondeo.domain.access import Viewer
from respondeo.domain.errors import NotFound
from respondeo.kept import Kept
from respondeo.models import Catalogue, Quiz, QuizAttempt, QuizBoard, QuizDraft, QuizVersion, User
from respondeo.models.user import ShownAs
from respondeo.prepared import Asked, Prepared, Reader, Source, session_of
from respondeo.services import standings, taking

T = TypeVar("T")

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
    """One page of quizzes, and which languages there are among all of them.

    shown: the quizzes as they are to everybody. ids: theirs, written as PostgreSQL's arrays are,
    which is done once for all readers. own: the player's attempts at them, a row for each quiz,
    read at `now`. name: of this state of the list where it is kept, without `own`.
    """

    shown: tuple[Card, ...]
    ids: str
    total: int
    page: int
    pages: int
    languages: tuple[tuple[str, int], ...]
    name: int | None = None
    own: tuple[Any, ...] = ()
    now: datetime | None = None

    @property
    def cards(self) -> tuple[Card, ...]:
        """The quizzes as they are to the player."""
        return tuple(card for stretch in self.stretches for card in stretch.cards)

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """The quizzes in order, those apart at which an attempt is open."""
        by_quiz = {row.quiz_id: row for row in self.own}
        found: list[Stretch] = []
        for card in self.shown:
            own = by_quiz.get(card.id)
            is_open = own is not None and own.open
            if is_open or not found or found[-1].is_open:
                found.append(Stretch(self.now, is_open=is_open, first=card.id))
            found[-1].shown.append(card)
            found[-1].own.append(own)
        return tuple(found)


@dataclass(slots=True)
class Stretch:
    """Quizzes that follow each other in a list, and the player's attempts at each.

    is_open: there is one, with an open attempt: what is left of its time changes while one looks.
    first: the id of the first, by which the stretch is known in its list.
    """

    now: datetime | None
    is_open: bool
    first: UUID
    shown: list[Card] = field(default_factory=list)
    own: list[Any] = field(default_factory=list)

    @property
    def key(self) -> Hashable:
        """What these cards depend on besides the list."""
        return (self.first, *self.own)

    @property
    def cards(self) -> list[Card]:
        """The quizzes as they are to the player."""
        if self.now is None:
            return self.shown
        return [
            card if own is None else replace(card, mine=_mine(card.max_attempts, own, self.now))
            for card, own in zip(self.shown, self.own, strict=True)
        ]


def listing(source: Source, viewer: Viewer, filters: Filters) -> Listing:
    """The quizzes this viewer may see, narrowed, sorted, and cut to a page."""
    if isinstance(source, Reader) and (
        found := kept_list(source, viewer, filters, _listing, "cards", viewer.is_guest)
    ):
        known, now = found
        if known.found.shown and known.found.page == filters.page:
            _listed.put(filters, known.found.ids)
        own = _own_at(source, viewer, known.found.ids)
        if not any(taking.is_overdue(row, now) for row in own):
            # Of pages that are not there are as many as anybody asks for.
            name = known.name if known.found.page == filters.page else None
            return replace(known.found, name=name, own=tuple(own), now=now)
    session = session_of(source)
    if viewer.user_id is not None:
        taking.complete_overdue(session, user_id=viewer.user_id)
    now = database_time(session)
    anew = _listing(session, viewer, filters, now)
    return replace(anew, own=tuple(_own_at(session, viewer, anew.ids)), now=now)


def kept_list(
    reader: Reader,
    viewer: Viewer,
    filters: Filters,
    make: Callable[[Session, Viewer, Filters, datetime], T],
    *more: Hashable,
) -> tuple[Named[T], datetime] | None:
    """A list of public quizzes, and the database's time; made where the catalogue has changed.

    None where it has to be made each time: plays change its order, this viewer's drafts are in it,
    or words are searched for, of which there is no end. more: what the list depends on besides.
    """
    own = viewer.user_id is not None and viewer.may("quiz:edit-own")
    at = moment(reader)
    anew = filters.sort == MOST_PLAYED or filters.q or own or viewer.may("quiz:edit-any")
    if anew or at is None:
        return None
    return (
        kept(reader, at, (filters, *more), lambda session: make(session, viewer, filters, at.now)),
        at.now,
    )


@dataclass(frozen=True, slots=True)
class Named(Generic[T]):
    """Something, and where it is kept a name that nothing else has in this process."""

    found: T
    name: int | None


class At(Protocol):
    """What is public at the moment: the catalogue's revision, the quiz that became public last, and
    the database's time."""

    @property
    def revision(self) -> UUID: ...

    @property
    def since(self) -> datetime | None: ...

    @property
    def now(self) -> datetime: ...


def _many(named: Named[Any]) -> int:
    """How many quizzes it holds, and one more."""
    found = named.found
    return 1 + len(getattr(found, "shown", None) or getattr(found, "quizzes", None) or ())


_kept: Kept[Named[Any]] = Kept(20_000, size=_many)
_names = count(1)

# The time is asked in a query of its own: an index can be searched by it.
_NOW = sa.select(sa.func.clock_timestamp()).scalar_subquery()
AT = (
    Catalogue.revision,
    sa.select(sa.func.max(Quiz.published_at))
    .where(Quiz.published_at <= _NOW)
    .scalar_subquery()
    .label("since"),
    sa.func.clock_timestamp().label("now"),
)
_AT = Prepared(sa.select(*AT))


def moment(reader: Reader) -> At | None:
    """What is public now; None where somebody took the catalogue's row away."""
    found: At | None = _AT.one_or_none(reader)
    return found


def to_be_asked(**_path: Any) -> tuple[Asked, ...]:
    """What is about public quizzes asks this first."""
    return (_AT.asked(),)


_listed: Kept[str] = Kept(1_000)


def list_to_be_asked(filters: Filters) -> tuple[Asked, ...]:
    """What a page of the list asks first: also of its readers' own attempts, where it is known
    which quizzes it listed when it was made last. Who writes quizzes has another list, and asks
    once more."""
    ids = _listed.get(filters)
    if ids is None:
        return to_be_asked()
    return (*to_be_asked(), _OWN.asked_by("user_id", quiz_ids=ids))


def kept(reader: Reader, at: At, which: Hashable, make: Callable[[Session], T]) -> Named[T]:
    """What the catalogue says, made where this process does not know it.

    Its revision changes with all that is written about quizzes; between two of them only time
    changes what is public.
    """
    key = (at.revision, at.since, which)
    return _kept.made(key, lambda: Named(make(reader.session()), next(_names)))


def _listing(session: Session, viewer: Viewer, filters: Filters, now: datetime) -> Listing:
    """The list as everybody sees it who may see what this viewer may."""
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
    if not viewer.is_guest:
        cards = [replace(card, mine=Mine(0, card.max_attempts)) for card in cards]
    return Listing(
        tuple(cards),
        _array_of(cards),
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
    if viewer.user_id is None:
        return card
    own = _own_at(session, viewer, _array_of([card]))
    return replace(card, mine=_mine(card.max_attempts, own[0] if own else None, now))


def public_card(session: Session, quiz_id: UUID, now: datetime) -> Card | None:
    """A quiz as everybody may see it; None where there is no such quiz that is public."""
    public = sa.and_(Quiz.published_at.is_not(None), Quiz.published_at <= now)
    row = session.execute(quizzes().where(Quiz.id == quiz_id, public)).mappings().one_or_none()
    return _card(row, now) if row else None


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


_OWN = Prepared(_own())


def _own_at(source: Source, viewer: Viewer, ids: str) -> list[Any]:
    """The player's own attempts at these quizzes, a row for each quiz; no guest has any."""
    if viewer.user_id is None or ids == _array_of([]):
        return []
    return _OWN.all(source, user_id=viewer.user_id, quiz_ids=ids)


def _array_of(cards: Sequence[Card]) -> str:
    """The ids of these quizzes as an array in PostgreSQL's notation."""
    return f"{{{','.join(str(card.id) for card in cards)}}}"


def _mine(most: int | None, own: Any, now: datetime) -> Mine:
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
