"""What came of a quiz, for its editors: figures over its attempts, counted by the database.

Which attempts count: completed ones, of people and of guests, but not the author's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain import statistics
from respondeo.domain.statistics import Bar, Score
from respondeo.models import QuizAttempt, QuizVersion
from respondeo.services.running import KEPT

ALMOST_ALL = 0.95


@dataclass(frozen=True, slots=True)
class PlayedVersion:
    """A version with attempts: how many count, how many are open, how many are the author's."""

    id: UUID
    number: int
    completed: int
    open: int
    own: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The key figures. Times in ms.

    total: how many questions all attempts had; None where they differ, and `median_score` is in
    per cent. own: completed attempts of the author, which are counted nowhere else.
    """

    completed: int
    people: int
    guests: int
    timed_out: int
    open: int
    own: int
    total: int | None
    median_score: float | None
    median_time_ms: int | None

    @property
    def percent_timed_out(self) -> int:
        return statistics.percent(self.timed_out, self.completed)


@dataclass(frozen=True, slots=True)
class Figures:
    """The key figures, and the bars of both charts.

    exact_scores: a bar of scores stands for a number of right answers, not for a tenth.
    """

    summary: Summary
    scores: tuple[Bar, ...]
    exact_scores: bool
    times: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class _Times:
    """People and times of the counted attempts, ms."""

    people: int
    guests: int
    timed_out: int
    shortest: int
    longest: int
    median: float
    almost_all: float


def by_people(author_id: UUID | None) -> sa.ColumnElement[bool]:
    """Attempts of anybody but the author: they know the answers."""
    return sa.true() if author_id is None else QuizAttempt.user_id.is_distinct_from(author_id)


def counted(
    quiz_id: UUID, author_id: UUID | None, version_id: UUID | None = None
) -> sa.ColumnElement[bool]:
    """The attempts that figures are about, of all versions or of one."""
    wanted = [QuizAttempt.quiz_id == quiz_id, KEPT, QuizAttempt.completed_at.is_not(None)]
    if version_id is not None:
        wanted.append(QuizAttempt.quiz_version_id == version_id)
    return sa.and_(*wanted, by_people(author_id))


def played_versions(
    session: Session, quiz_id: UUID, author_id: UUID | None
) -> tuple[PlayedVersion, ...]:
    """The versions that somebody has started to play, the newest first."""
    over, theirs = QuizAttempt.completed_at.is_not(None), by_people(author_id)
    count = sa.func.count()
    rows = session.execute(
        sa.select(
            QuizVersion.id,
            QuizVersion.number,
            count.filter(over, theirs).label("completed"),
            count.filter(~over, theirs).label("open"),
            count.filter(over, ~theirs).label("own"),
        )
        .join(QuizAttempt, QuizAttempt.quiz_version_id == QuizVersion.id)
        .where(QuizAttempt.quiz_id == quiz_id, KEPT)
        .group_by(QuizVersion.id)
        .order_by(QuizVersion.number.desc())
    ).mappings()
    return tuple(PlayedVersion(**row) for row in rows)


def figures(
    session: Session,
    which: sa.ColumnElement[bool],
    versions: Sequence[PlayedVersion],
) -> Figures:
    """Key figures and bars of the attempts; `versions`: those that they are of."""
    scores = _scores(session, which)
    times = _times(session, which)
    summary = Summary(
        completed=sum(version.completed for version in versions),
        people=times.people,
        guests=times.guests,
        timed_out=times.timed_out,
        open=sum(version.open for version in versions),
        own=sum(version.own for version in versions),
        total=statistics.common_total(scores),
        median_score=statistics.median_score(scores),
        median_time_ms=round(times.median) if scores else None,
    )
    return Figures(
        summary,
        statistics.score_bars(scores) if scores else (),
        statistics.counts_right(scores),
        _time_bars(session, which, times) if scores else (),
    )


def _scores(session: Session, which: sa.ColumnElement[bool]) -> list[Score]:
    """How often each score was reached: as many rows as there are scores, not attempts."""
    score = (QuizAttempt.correct_count, QuizAttempt.total_questions)
    rows = session.execute(sa.select(*score, sa.func.count()).where(which).group_by(*score))
    return [Score(*row) for row in rows]


def _times(session: Session, which: sa.ColumnElement[bool]) -> _Times:
    took = QuizAttempt.total_time_ms

    def quantile(at: float) -> sa.ColumnElement[float]:
        return sa.func.coalesce(sa.func.percentile_cont(at).within_group(took), 0.0)

    row = session.execute(
        sa.select(
            sa.func.count(QuizAttempt.user_id.distinct()).label("people"),
            sa.func.count(QuizAttempt.guest_token.distinct()).label("guests"),
            sa.func.count().filter(QuizAttempt.timed_out).label("timed_out"),
            sa.func.coalesce(sa.func.min(took), 0).label("shortest"),
            sa.func.coalesce(sa.func.max(took), 0).label("longest"),
            quantile(0.5).label("median"),
            quantile(ALMOST_ALL).label("almost_all"),
        ).where(which)
    ).mappings()
    return _Times(**row.one())


def _time_bars(session: Session, which: sa.ColumnElement[bool], times: _Times) -> tuple[Bar, ...]:
    scale = statistics.time_scale(times.shortest, times.longest, int(times.almost_all))
    # Written out, so that the same expression is selected and grouped by.
    place = sa.literal_column(
        f"least((total_time_ms - {scale.start:d}) / {scale.width:d}, {scale.bars - 1:d})",
        sa.BigInteger(),
    )
    rows = session.execute(sa.select(place, sa.func.count()).where(which).group_by(place))
    return statistics.time_bars(scale, rows.all())
