"""How the rows of boards are read: which stand on a page, which rank one has.

Ranks go by how much is right, then by the time; more columns make the order among equals the same
each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute, aliased

from respondeo.models import PlayerStanding, QuizAttempt, QuizBoard, QuizStanding, User
from respondeo.prepared import Prepared

PAGE_SIZE = 30


def _rank(
    right: InstrumentedAttribute[int],
    time: InstrumentedAttribute[int],
    score: sa.ColumnElement[int],
    time_ms: sa.ColumnElement[int],
    *board: sa.ColumnElement[bool],
) -> sa.ColumnElement[int]:
    """Counts more right, then as many right in less time: two ranges of the board's index."""

    def counted(*which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.select(sa.func.count()).where(*board, *which).scalar_subquery()

    return counted(right > score) + counted(right == score, time < time_ms) + 1


def _with_rank(
    rows: sa.Select[*tuple[Any, ...]],
    right: InstrumentedAttribute[int],
    time: InstrumentedAttribute[int],
    *board: InstrumentedAttribute[UUID],
) -> sa.Select[*tuple[Any, ...]]:
    """The rows with their ranks. board: the columns that say which board it is.

    All that is counted by comes from the row: with a parameter, PostgreSQL may find it better to
    plan the statement anew each time, which takes as long again.
    """
    own = rows.subquery("own")
    which = (column == own.c[column.key] for column in board)
    return sa.select(_rank(right, time, own.c.score, own.c.time_ms, *which).label("rank"), *own.c)


def _quiz_rows(cut: sa.Select[QuizStanding]) -> sa.Select[*tuple[Any, ...]]:
    """What a quiz's board shows of these standings."""
    cut_standing = aliased(QuizStanding, cut.subquery())
    return (
        sa.select(
            cut_standing.user_id,
            User.public_name.label("name"),
            User.public_image.label("image"),
            cut_standing.correct_count.label("score"),
            cut_standing.total_time_ms.label("time_ms"),
            QuizAttempt.total_questions.label("total"),
            cut_standing.quiz_id,
            cut_standing.attempt_id,
            QuizAttempt.timed_out,
            cut_standing.completed_at,
        )
        .join(User, User.id == cut_standing.user_id)
        .join(QuizAttempt, QuizAttempt.id == cut_standing.attempt_id)
        .order_by(*_quiz_order(cut_standing))
    )


def _quiz_order(standing: type[QuizStanding]) -> Sequence[sa.ColumnElement[Any]]:
    """Ranks go by score and time; the rest makes the order among equals the same each time."""
    return (
        standing.correct_count.desc(),
        standing.total_time_ms.asc(),
        standing.completed_at.asc(),
        standing.user_id.asc(),
    )


def _overall_rows(cut: sa.Select[PlayerStanding]) -> sa.Select[*tuple[Any, ...]]:
    """What the global board shows of these standings."""
    cut_standing = aliased(PlayerStanding, cut.subquery())
    return (
        sa.select(
            cut_standing.user_id,
            User.public_name.label("name"),
            User.public_image.label("image"),
            cut_standing.total_correct.label("score"),
            cut_standing.total_time_ms.label("time_ms"),
            cut_standing.quizzes_played,
        )
        .join(User, User.id == cut_standing.user_id)
        .order_by(*overall_order(cut_standing))
    )


def overall_order(standing: type[PlayerStanding]) -> Sequence[sa.ColumnElement[Any]]:
    """More right answers first, then less time; the rest makes the order the same each time."""
    return (standing.total_correct.desc(), standing.total_time_ms.asc(), standing.user_id.asc())


_OF_QUIZ = QuizStanding.quiz_id == sa.bindparam("quiz_id")
_OF_PLAYER = QuizStanding.user_id == sa.bindparam("user_id")
_SIZE, _BEFORE = (sa.bindparam(name, type_=sa.Integer()) for name in ("size", "before"))

_BY_RESULT = (QuizStanding.correct_count, QuizStanding.total_time_ms)
OWN_ROW = Prepared(
    _with_rank(
        _quiz_rows(sa.select(QuizStanding).where(_OF_QUIZ, _OF_PLAYER)),
        *_BY_RESULT,
        QuizStanding.quiz_id,
    )
)
# Of a limit that is a parameter PostgreSQL makes a plan each time, which takes longer than to read.
FIRST_PAGE = Prepared(
    _quiz_rows(
        sa.select(QuizStanding)
        .where(_OF_QUIZ)
        .order_by(*_quiz_order(QuizStanding))
        .limit(sa.literal_column(str(PAGE_SIZE)))
    )
)
# Any other page is cut in the index alone.
LATE_PLAYERS = Prepared(
    sa.select(QuizStanding.user_id)
    .where(_OF_QUIZ)
    .order_by(*_quiz_order(QuizStanding))
    .limit(_SIZE)
    .offset(_BEFORE)
)
PLAYERS_ROWS = Prepared(
    _quiz_rows(
        sa.select(QuizStanding).where(
            _OF_QUIZ,
            QuizStanding.user_id == sa.any_(sa.bindparam("players", type_=ARRAY(sa.Uuid()))),
        )
    )
)
_EQUAL = sa.select(sa.func.count().label("counted")).where(
    _OF_QUIZ,
    QuizStanding.correct_count == sa.bindparam("score"),
    QuizStanding.total_time_ms == sa.bindparam("time_ms"),
)
EQUALS_BEFORE = Prepared(
    _EQUAL.where(
        sa.tuple_(QuizStanding.completed_at, QuizStanding.user_id)
        < sa.tuple_(
            sa.bindparam("completed_at", type_=QuizStanding.completed_at.type),
            sa.bindparam("user_id", type_=QuizStanding.user_id.type),
        ),
    )
)
PLACE = Prepared(
    sa.select(
        _rank(
            *_BY_RESULT,
            sa.bindparam("score", type_=sa.Integer()),
            sa.bindparam("time_ms", type_=sa.BigInteger()),
            _OF_QUIZ,
        ).label("rank"),
        _EQUAL.scalar_subquery().label("equal"),
        QuizBoard.players,
    ).where(QuizBoard.quiz_id == sa.bindparam("quiz_id"))
)

OVERALL_OWN_ROW = Prepared(
    _with_rank(
        _overall_rows(
            sa.select(PlayerStanding).where(PlayerStanding.user_id == sa.bindparam("user_id"))
        ),
        PlayerStanding.total_correct,
        PlayerStanding.total_time_ms,
    )
)
OVERALL_PAGE = Prepared(
    _overall_rows(
        sa.select(PlayerStanding)
        .order_by(*overall_order(PlayerStanding))
        .limit(_SIZE)
        .offset(_BEFORE)
    )
)
OVERALL_EQUALS_BEFORE = Prepared(
    sa.select(sa.func.count().label("counted")).where(
        PlayerStanding.total_correct == sa.bindparam("score"),
        PlayerStanding.total_time_ms == sa.bindparam("time_ms"),
        PlayerStanding.user_id < sa.bindparam("user_id"),
    )
)
