"""Lists of attempts: a player's own, and everybody's for a quiz's editors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.access import Viewer
from respondeo.models import QuizAttempt, QuizStanding, QuizVersion, User
from respondeo.services.running import KEPT

PAGE_SIZE = 30
OWN_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Listed:
    """An attempt in a list. `correct` and `time_ms` are None while it is open.

    version: the number of the version that was played.
    """

    id: UUID
    player_id: UUID | None
    player_name: str | None
    number: int
    version: int
    correct: int | None
    total: int
    time_ms: int | None
    completed_at: datetime | None
    timed_out: bool
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


def everybodys_attempts(
    session: Session, quiz_id: UUID, page: int, *, version_id: UUID | None = None
) -> Page:
    """Everybody's attempts at the quiz or at one version, for its editors: under real names."""
    wanted = sa.and_(QuizAttempt.quiz_id == quiz_id, KEPT)
    if version_id is not None:
        wanted = sa.and_(wanted, QuizAttempt.quiz_version_id == version_id)
    total = session.execute(sa.select(sa.func.count()).where(wanted)).scalar_one()
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, page), pages)
    cut = _listed(quiz_id).where(wanted).limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)
    return Page(_rows(session, cut), total, page, pages)


def _listed(
    quiz_id: UUID,
) -> sa.Select[QuizAttempt, int, str | None, UUID | None]:
    return (
        sa.select(
            QuizAttempt,
            QuizVersion.number,
            User.name,
            QuizStanding.attempt_id,
        )
        .join(QuizVersion, QuizVersion.id == QuizAttempt.quiz_version_id)
        .outerjoin(User, User.id == QuizAttempt.user_id)
        .outerjoin(QuizStanding, QuizStanding.attempt_id == QuizAttempt.id)
        .where(QuizAttempt.quiz_id == quiz_id, KEPT)
        .order_by(QuizAttempt.started_at.desc(), QuizAttempt.id.desc())
    )


def _rows(
    session: Session, query: sa.Select[QuizAttempt, int, str | None, UUID | None]
) -> tuple[Listed, ...]:
    return tuple(
        Listed(
            id=attempt.id,
            player_id=attempt.user_id,
            player_name=name,
            number=attempt.number,
            version=version,
            correct=attempt.correct_count if attempt.completed_at else None,
            total=attempt.total_questions,
            time_ms=attempt.total_time_ms,
            completed_at=attempt.completed_at,
            timed_out=attempt.timed_out,
            ranked=attempt.ranked,
            counts=stands is not None,
        )
        for attempt, version, name, stands in session.execute(query)
    )
