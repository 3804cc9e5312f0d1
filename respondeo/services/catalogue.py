"""Finding and showing quizzes.

What everybody may see of them is kept by the catalogue's revision, which is read each time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain.access import Viewer
from respondeo.domain.errors import NotFound
from respondeo.kept import Kept
from respondeo.models import Catalogue, Quiz, QuizBoard
from respondeo.prepared import Asked, Prepared, Reader, Source, session_of
from respondeo.services import taking
from respondeo.services.cards import (
    OWN,
    Card,
    Mine,
    array_of,
    card_of,
    mine_of,
    own_at,
    quizzes,
    sees_drafts,
    visible_to,
)

T = TypeVar("T")

PAGE_SIZE = 30
NO_SUCH_QUIZ = "There is no such quiz, or it is not published."
NEWEST, MOST_PLAYED = SORTS = ("newest", "played")


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
            card if own is None else replace(card, mine=mine_of(card.max_attempts, own, self.now))
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
        own = own_at(source, viewer, known.found.ids)
        if not any(taking.is_overdue(row, now) for row in own):
            # Of pages that are not there are as many as anybody asks for.
            name = known.name if known.found.page == filters.page else None
            return replace(known.found, name=name, own=tuple(own), now=now)
    session = session_of(source)
    if viewer.user_id is not None:
        taking.complete_overdue(session, user_id=viewer.user_id)
    now = database_time(session)
    anew = _listing(session, viewer, filters, now)
    return replace(anew, own=tuple(own_at(session, viewer, anew.ids)), now=now)


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
    return (*to_be_asked(), OWN.asked_by("user_id", quiz_ids=ids))


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
    cards = [card_of(row, now) for row in rows]
    if not viewer.is_guest:
        cards = [replace(card, mine=Mine(0, card.max_attempts)) for card in cards]
    return Listing(
        tuple(cards),
        array_of(cards),
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
    card = card_of(row, now)
    if viewer.user_id is None:
        return card
    own = own_at(session, viewer, array_of([card]))
    return replace(card, mine=mine_of(card.max_attempts, own[0] if own else None, now))


def public_card(session: Session, quiz_id: UUID, now: datetime) -> Card | None:
    """A quiz as everybody may see it; None where there is no such quiz that is public."""
    public = sa.and_(Quiz.published_at.is_not(None), Quiz.published_at <= now)
    row = session.execute(quizzes().where(Quiz.id == quiz_id, public)).mappings().one_or_none()
    return card_of(row, now) if row else None


def demand_visible(session: Session, viewer: Viewer, quiz_id: UUID) -> None:
    """Raises NotFound unless this viewer may see the quiz."""
    visible = sa.select(Quiz.id).where(
        Quiz.id == quiz_id, visible_to(viewer, database_time(session))
    )
    if session.scalar(visible) is None:
        raise NotFound(NO_SUCH_QUIZ)


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
