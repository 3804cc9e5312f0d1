"""A quiz as its page and its board show it: few statements, and what is known already is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.access import Viewer
from respondeo.models import Catalogue, QuizAttempt, QuizBoard, QuizStanding, QuizVersion
from respondeo.prepared import Asked, Prepared, Reader, Source, session_of
from respondeo.services import attempts, catalogue, leaderboards, running, starting, taking
from respondeo.services.attempts import Listed
from respondeo.services.cards import Card, Mine
from respondeo.services.leaderboards import Board, State
from respondeo.services.starting import Start


@dataclass(frozen=True, slots=True)
class QuizPage:
    """What a quiz's page shows. board: None for people who may see none.

    Of the card's `mine` only how many attempts there are, and the open one. name: of the card
    without `mine`, where it is kept.
    """

    card: Card
    start: Start
    own_attempts: tuple[Listed, ...]
    board: Board | None
    name: int | None = None


def quiz_page(
    source: Source, viewer: Viewer, quiz_id: UUID, *, page: int = 1, size: int
) -> QuizPage:
    """A quiz that this viewer may see, with a page of its board. Raises NotFound."""
    boards = viewer.may("leaderboard:view")
    if isinstance(source, Reader) and (found := _look(source, quiz_id)):
        at, card, name = found
        own = _own(source, viewer, quiz_id)
        last = max(own, key=lambda attempt: attempt.number, default=None)
        start = starting.start_after(viewer, last, card.max_attempts, at.now, public=True)
        return QuizPage(
            replace(card, mine=_mine(card, last, start)) if viewer.user_id else card,
            start,
            tuple(map(_listed, own)) if viewer.user_id else (),
            leaderboards.kept_board(
                source, at.state, quiz_id, user_id=viewer.user_id, page=page, size=size
            )
            if boards
            else None,
            name,
        )
    session = session_of(source)
    return QuizPage(
        catalogue.quiz_card(session, viewer, quiz_id),
        starting.start_of(session, viewer, quiz_id),
        attempts.own_attempts(session, viewer, quiz_id),
        leaderboards.quiz_board(session, quiz_id, user_id=viewer.user_id, page=page, size=size)
        if boards
        else None,
    )


def board(source: Source, viewer: Viewer, quiz_id: UUID, *, page: int, size: int) -> Board:
    """A page of the board of a quiz that this viewer may see, without anybody's own row.

    Raises NotFound.
    """
    if isinstance(source, Reader) and (found := _look(source, quiz_id)):
        return leaderboards.kept_board(
            source, found[0].state, quiz_id, user_id=None, page=page, size=size
        )
    session = session_of(source)
    _settle(session, viewer, quiz_id)
    return leaderboards.quiz_board(session, quiz_id, user_id=None, page=page, size=size)


def board_tag(source: Source, viewer: Viewer, quiz_id: UUID, page: int) -> str:
    """The tag of a page of the quiz's board. Raises NotFound where the viewer may not see it."""
    if isinstance(source, Reader) and (found := _look(source, quiz_id)):
        return leaderboards.tag_at(found[0].state, quiz_id, page, viewer.user_id)
    session = session_of(source)
    _settle(session, viewer, quiz_id)
    return leaderboards.quiz_board_tag(session, quiz_id, page, viewer.user_id)


def _settle(session: Session, viewer: Viewer, quiz_id: UUID) -> None:
    catalogue.demand_visible(session, viewer, quiz_id)
    taking.complete_overdue(session, quiz_id)


# -- reading without a transaction -----------------------------------------------------------------


def _state_of_quiz() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            *catalogue.AT,
            QuizBoard.revision.label("board_revision"),
            QuizBoard.players,
            leaderboards.ROW.label("board_row"),
            taking.any_overdue(QuizAttempt.quiz_id == QuizBoard.quiz_id).label("overdue"),
        )
        .select_from(Catalogue)
        .join(QuizBoard, QuizBoard.quiz_id == sa.bindparam("quiz_id"))
    )


_STATE = Prepared(_state_of_quiz())


def to_be_asked(quiz_id: UUID) -> tuple[Asked, ...]:
    """What the board of a quiz asks first."""
    return (_STATE.asked(quiz_id=quiz_id),)


def page_to_be_asked(quiz_id: UUID) -> tuple[Asked, ...]:
    """What the page of a quiz asks first."""
    own_attempts = _PERSONS.asked_by("user_id", quiz_id=quiz_id)
    return *to_be_asked(quiz_id), own_attempts, *leaderboards.own_row_to_be_asked(quiz_id)


@dataclass(frozen=True, slots=True)
class _At:
    """The database's time, and what stands at which revision then."""

    revision: UUID
    since: datetime | None
    now: datetime
    state: State


def _look(reader: Reader, quiz_id: UUID) -> tuple[_At, Card, int | None] | None:
    """A public quiz without overdue attempts, and its name where it is kept.

    None for any other: of that one has to ask more.
    """
    row = _STATE.one_or_none(reader, quiz_id=quiz_id)
    if row is None or row.overdue:
        return None
    at = _At(
        row.revision, row.since, row.now, State(row.board_revision, row.players, row.board_row)
    )
    card = catalogue.kept(
        reader,
        at,
        ("card", quiz_id),
        lambda session: catalogue.public_card(session, quiz_id, at.now),
    )
    return None if card.found is None else (at, card.found, card.name)


def _own_attempts(whose: sa.ColumnElement[bool]) -> Prepared:
    return Prepared(
        sa.select(
            QuizAttempt.id,
            QuizAttempt.user_id,
            QuizAttempt.number,
            QuizVersion.number.label("version"),
            QuizAttempt.correct_count,
            QuizAttempt.total_questions,
            QuizAttempt.total_time_ms,
            QuizAttempt.completed_at,
            QuizAttempt.timed_out,
            QuizAttempt.ranked,
            QuizStanding.attempt_id.is_not(None).label("counts"),
            QuizAttempt.time_limit_ms,
            QuizAttempt.spent_ms,
            QuizAttempt.shown_at,
            QuizAttempt.feedback_at,
        )
        .join(QuizVersion, QuizVersion.id == QuizAttempt.quiz_version_id)
        .outerjoin(QuizStanding, QuizStanding.attempt_id == QuizAttempt.id)
        .where(QuizAttempt.quiz_id == sa.bindparam("quiz_id"), whose)
        .order_by(QuizAttempt.started_at.desc(), QuizAttempt.id.desc())
        .limit(attempts.OWN_SHOWN)
    )


_PERSONS, _GUESTS = (_own_attempts(whose) for whose in (running.BY_PERSON, running.BY_GUEST))


def _own(reader: Reader, viewer: Viewer, quiz_id: UUID) -> list[Any]:
    """The player's newest attempts at the quiz."""
    if viewer.user_id is None and viewer.guest_token is None:
        return []
    statement, whose = running.by_player(viewer, _PERSONS, _GUESTS)
    return statement.all(reader, quiz_id=quiz_id, **whose)


def _mine(card: Card, last: Any, start: Start) -> Mine:
    used = last.number if last else 0
    is_open = last is not None and last.completed_at is None
    left = None if card.max_attempts is None else max(0, card.max_attempts - used)
    return Mine(used, left, is_open, start.remaining_ms if is_open else None)


def _listed(row: Any) -> Listed:
    return Listed(
        id=row.id,
        player_id=row.user_id,
        player_name=None,
        number=row.number,
        version=row.version,
        correct=row.correct_count if row.completed_at else None,
        total=row.total_questions,
        time_ms=row.total_time_ms,
        completed_at=row.completed_at,
        timed_out=row.timed_out,
        ranked=row.ranked,
        counts=row.counts,
    )
