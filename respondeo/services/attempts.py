"""Lists of attempts: a player's own, and everybody's for a quiz's editors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.access import Viewer
from respondeo.models import QuizAttempt, QuizStanding, User
from respondeo.services.taking import KEPT

PAGE_SIZE = 30
OWN_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Listed:
    """An attempt in a list. `correct` and `time_ms` are None while it is open."""

    id: UUID
    player_name: str | None
    number: int
    correct: int | None
    total: int
    time_ms: int | None
    completed_at: datetime | None
    ranked: bool
    counts: bool

    @property
    def open(self) -> bool:
        return self.completed_at is None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of attempts, newest first."""

    rows: tuple[Listed, ...]
    total: int
    page: int
    pages: int


def own_attempts(session: Session, viewer: Viewer, quiz_id: UUID) -> tuple[Listed, ...]:
    """The player's newest attempts at the quiz."""
    if viewer.user_id is None:
        return ()
    mine = _listed(quiz_id).where(QuizAttempt.user_id == viewer.user_id).limit(OWN_SHOWN)
    return _rows(session, mine)


def everybodys_attempts(session: Session, quiz_id: UUID, page: int) -> Page:
    """Everybody's attempts at the quiz, for its editors: under their real names."""
    total = session.execute(
        sa.select(sa.func.count()).where(QuizAttempt.quiz_id == quiz_id, KEPT)
    ).scalar_one()
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, page), pages)
    cut = _listed(quiz_id).limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)
    return Page(_rows(session, cut), total, page, pages)


def _listed(
    quiz_id: UUID,
) -> sa.Select[QuizAttempt, str | None, UUID | None]:
    return (
        sa.select(
            QuizAttempt,
            User.name,
            QuizStanding.attempt_id,
        )
        .outerjoin(User, User.id == QuizAttempt.user_id)
        .outerjoin(QuizStanding, QuizStanding.attempt_id == QuizAttempt.id)
        .where(QuizAttempt.quiz_id == quiz_id, KEPT)
        .order_by(QuizAttempt.started_at.desc(), QuizAttempt.id.desc())
    )


def _rows(
    session: Session, query: sa.Select[QuizAttempt, str | None, UUID | None]
) -> tuple[Listed, ...]:
    return tuple(
        Listed(
            id=attempt.id,
            player_name=name,
            number=attempt.number,
            correct=attempt.correct_count if attempt.completed_at else None,
            total=attempt.total_questions,
            time_ms=attempt.total_time_ms,
            completed_at=attempt.completed_at,
            ranked=attempt.ranked,
            counts=stands is not None,
        )
        for attempt, name, stands in session.execute(query)
    )
