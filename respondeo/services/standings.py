"""Keeping the boards: recording results, taking people and quizzes off, rebuilding.

`quiz_standing` and `player_standing` change only here, in the transaction that completes or
deletes an attempt. Locks are always taken in this order, so that nobody waits in a circle:
attempts (by deadline), the person, players (by id), quiz boards (by id).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session

from respondeo.models import PlayerStanding, QuizAttempt, QuizBoard, QuizStanding
from respondeo.prepared import Prepared, expire, new_value

BEST_FIRST = (
    QuizAttempt.correct_count.desc(),
    QuizAttempt.total_time_ms,
    QuizAttempt.completed_at,
    QuizAttempt.id,
)
"""Which of a player's attempts counts: more right, then less time, then completed earlier."""


class Completed(Protocol):
    """A completed attempt."""

    @property
    def id(self) -> UUID: ...

    @property
    def quiz_id(self) -> UUID: ...

    @property
    def user_id(self) -> UUID | None: ...

    @property
    def ranked(self) -> bool: ...

    @property
    def correct_count(self) -> int: ...

    @property
    def total_time_ms(self) -> int | None: ...

    @property
    def completed_at(self) -> datetime | None: ...


def lock_open_attempts(session: Session, which: sa.ColumnElement[bool]) -> None:
    """Wait for whoever is completing these attempts, in the order in which all lock them."""
    session.execute(
        sa.select(QuizAttempt.id)
        .where(which, QuizAttempt.completed_at.is_(None))
        .order_by(QuizAttempt.deadline_at, QuizAttempt.id)
        .with_for_update()
    ).all()


def record_results(session: Session, attempts: Sequence[Completed]) -> None:
    """Bring the boards up to date with attempts that were just completed."""
    played = [attempt for attempt in attempts if attempt.user_id is not None]
    ranked = [attempt for attempt in played if attempt.ranked]
    session.flush()
    plays = Counter(attempt.quiz_id for attempt in played)
    players: Counter[UUID] = Counter()
    changed: set[UUID] = set()
    if ranked:
        user_ids = sorted({a.user_id for a in ranked if a.user_id is not None})
        _lock_players(session, user_ids)
        for attempt in ranked:
            is_new = _take_standing(session, attempt)
            if is_new is not None:
                changed.add(attempt.quiz_id)
                players[attempt.quiz_id] += is_new
        _SUM_PLAYERS.all(session, user_ids=user_ids)  # each of them has a standing now
    for quiz_id in sorted(plays):
        _COUNT_PLAYS.all(
            session,
            of_quiz=quiz_id,
            more_plays=plays[quiz_id],
            more_players=players[quiz_id],
            revisions=1 if quiz_id in changed else 0,
        )
        expire(session, QuizBoard, quiz_id)


_COUNT_PLAYS = Prepared(
    sa.update(QuizBoard)
    .where(QuizBoard.quiz_id == sa.bindparam("of_quiz"))
    .values(
        plays=QuizBoard.plays + sa.bindparam("more_plays"),
        players=QuizBoard.players + sa.bindparam("more_players"),
        revision=QuizBoard.revision + sa.bindparam("revisions"),
    )
    .returning(QuizBoard.quiz_id)
)


def _locking_players() -> Prepared:
    ids = sa.func.unnest(sa.bindparam("user_ids", type_=ARRAY(sa.Uuid()))).column_valued("id")
    nothing_yet = insert(PlayerStanding).from_select(
        ["user_id", "total_correct", "total_time_ms", "quizzes_played"],
        sa.select(ids, *(sa.literal_column("0") for _ in range(3))),
    )
    return Prepared(
        nothing_yet.on_conflict_do_update(
            index_elements=[PlayerStanding.user_id],
            set_={"quizzes_played": nothing_yet.excluded.quizzes_played},
            where=sa.false(),
        ).returning(PlayerStanding.user_id)
    )


_LOCK_PLAYERS = _locking_players()


def _lock_players(session: Session, user_ids: Sequence[UUID]) -> None:
    """Serialise changes to these players' sums; `user_ids` must be in order.

    A row that is there is locked and left as it is; one that somebody else is just taking away
    is waited for and made again.
    """
    _LOCK_PLAYERS.all(session, user_ids=list(user_ids))


_SCORE = ("attempt_id", "correct_count", "total_time_ms", "completed_at")


def _taking_standing() -> Prepared:
    names = ("quiz_id", "user_id", *_SCORE)
    statement = insert(QuizStanding).values(
        {name: new_value(getattr(QuizStanding, name)) for name in names}
    )
    new = statement.excluded
    better = sa.tuple_(
        -new.correct_count, new.total_time_ms, new.completed_at, new.attempt_id
    ) < sa.tuple_(
        -QuizStanding.correct_count,
        QuizStanding.total_time_ms,
        QuizStanding.completed_at,
        QuizStanding.attempt_id,
    )
    return Prepared(
        statement.on_conflict_do_update(
            index_elements=[QuizStanding.quiz_id, QuizStanding.user_id],
            set_={name: new[name] for name in _SCORE},
            where=better,
        ).returning(sa.literal_column("xmax = 0", sa.Boolean).label("is_new"))
    )


_TAKE_STANDING = _taking_standing()


def _take_standing(session: Session, attempt: Completed) -> bool | None:
    """Let the attempt count if it is the player's best: True where it is their first, None if not.

    Of two equal attempts the one completed earlier counts.
    """
    assert attempt.total_time_ms is not None
    taken = _TAKE_STANDING.one_or_none(
        session,
        new_quiz_id=attempt.quiz_id,
        new_user_id=attempt.user_id,
        new_attempt_id=attempt.id,
        new_correct_count=attempt.correct_count,
        new_total_time_ms=attempt.total_time_ms,
        new_completed_at=attempt.completed_at,
    )
    return None if taken is None else bool(taken.is_new)


def _summing_players() -> Prepared:
    sums = (
        sa.select(
            QuizStanding.user_id,
            sa.func.sum(QuizStanding.correct_count).label("total_correct"),
            sa.func.sum(QuizStanding.total_time_ms).label("total_time_ms"),
            sa.func.count().label("quizzes_played"),
        )
        .where(QuizStanding.user_id == sa.any_(sa.bindparam("user_ids", type_=ARRAY(sa.Uuid()))))
        .group_by(QuizStanding.user_id)
        .subquery()
    )
    return Prepared(
        sa.update(PlayerStanding)
        .where(PlayerStanding.user_id == sums.c.user_id)
        .values(
            total_correct=sums.c.total_correct,
            total_time_ms=sums.c.total_time_ms,
            quizzes_played=sums.c.quizzes_played,
        )
        .returning(PlayerStanding.user_id)
    )


_SUM_PLAYERS = _summing_players()


def _sum_players(session: Session, user_ids: Sequence[UUID]) -> None:
    """Set the sums of players who are locked; who has no standing left leaves the board."""
    _SUM_PLAYERS.all(session, user_ids=list(user_ids))
    session.execute(
        sa.delete(PlayerStanding)
        .where(
            PlayerStanding.user_id.in_(user_ids),
            ~sa.exists().where(QuizStanding.user_id == PlayerStanding.user_id),
        )
        .execution_options(synchronize_session=False)
    )


def forget_quiz(session: Session, quiz_id: UUID) -> None:
    """Take a quiz that is about to be deleted out of everybody's sums."""
    user_ids = session.scalars(
        sa.select(QuizStanding.user_id)
        .where(QuizStanding.quiz_id == quiz_id)
        .order_by(QuizStanding.user_id)
    ).all()
    if user_ids:
        _lock_players(session, user_ids)
    # Also where there is nothing to delete: a rebuild must find the tables locked in order.
    session.execute(
        sa.delete(QuizStanding)
        .where(QuizStanding.quiz_id == quiz_id)
        .execution_options(synchronize_session=False)
    )
    if user_ids:
        _sum_players(session, user_ids)


def forget_player(session: Session, user_id: UUID) -> None:
    """Take a person who is about to be deleted off all boards."""
    _lock_players(session, [user_id])
    stood = session.scalars(
        sa.delete(QuizStanding)
        .where(QuizStanding.user_id == user_id)
        .returning(QuizStanding.quiz_id)
        .execution_options(synchronize_session=False)
    ).all()
    played = session.execute(
        sa.select(QuizAttempt.quiz_id, sa.func.count().label("times"))
        .where(QuizAttempt.user_id == user_id, QuizAttempt.completed_at.is_not(None))
        .group_by(QuizAttempt.quiz_id)
    )
    plays = {row.quiz_id: row.times for row in played}
    session.execute(sa.delete(PlayerStanding).where(PlayerStanding.user_id == user_id))
    for quiz_id in sorted({*plays, *stood}):
        stands = 1 if quiz_id in stood else 0
        session.execute(
            sa.update(QuizBoard)
            .where(QuizBoard.quiz_id == quiz_id)
            .values(
                plays=QuizBoard.plays - plays.get(quiz_id, 0),
                players=QuizBoard.players - stands,
                revision=QuizBoard.revision + stands,
            )
        )


def player_looks_different(session: Session, user_id: UUID) -> None:
    """Change the tags of all boards that show this person: their name or picture is another.

    Call it after the person was changed, in the same transaction.
    """
    session.flush()
    # A first result that is just being recorded is waited for, or its board would keep the tag
    # under which it shows the former name.
    _lock_players(session, [user_id])
    boards = (
        sa.select(QuizBoard.quiz_id)
        .where(
            QuizBoard.quiz_id.in_(
                sa.select(QuizStanding.quiz_id).where(QuizStanding.user_id == user_id)
            )
        )
        .order_by(QuizBoard.quiz_id)
        .with_for_update(key_share=True)
    )
    quiz_ids = session.scalars(boards).all()
    session.execute(
        sa.update(QuizBoard)
        .where(QuizBoard.quiz_id.in_(quiz_ids))
        .values(revision=QuizBoard.revision + 1)
        .execution_options(synchronize_session=False)
    )
    _sum_players(session, [user_id])


# What each attempt that ranks comes to, from the stored answers alone; the best of each player.
_RECOMPUTED = """
    SELECT DISTINCT ON (quiz_id, user_id)
        quiz_id, user_id, id AS attempt_id, correct_count, total_time_ms, completed_at
    FROM (
        SELECT a.quiz_id, a.user_id, a.id, a.completed_at,
            count(*) FILTER (WHERE s.is_correct)::integer AS correct_count,
            CASE WHEN a.timed_out AND a.time_limit_ms IS NOT NULL THEN a.time_limit_ms
                ELSE coalesce(sum(s.time_ms), 0) END::bigint AS total_time_ms
        FROM quiz_attempt a JOIN attempt_answer s ON s.attempt_id = a.id
        WHERE a.ranked AND a.completed_at IS NOT NULL
        GROUP BY a.id
    ) attempt
    ORDER BY quiz_id, user_id, correct_count DESC, total_time_ms, completed_at, attempt.id
"""

_REBUILD = (
    "SET LOCAL statement_timeout = 0",  # a request's patience is too short for all attempts
    # In the order in which completing an attempt writes to them, or each waits for the other.
    "LOCK TABLE player_standing, quiz_standing, quiz_board IN SHARE ROW EXCLUSIVE MODE",
    f"CREATE TEMPORARY TABLE fresh ON COMMIT DROP AS {_RECOMPUTED}",
    """
    CREATE TEMPORARY TABLE fresh_player ON COMMIT DROP AS
    SELECT user_id, sum(correct_count)::integer AS total_correct,
        sum(total_time_ms)::bigint AS total_time_ms, count(*)::integer AS quizzes_played
    FROM fresh GROUP BY user_id
    """,
    """
    CREATE TEMPORARY TABLE fresh_board ON COMMIT DROP AS
    SELECT quiz.id AS quiz_id,
        (SELECT count(*) FROM quiz_attempt a WHERE a.quiz_id = quiz.id
            AND a.user_id IS NOT NULL AND a.completed_at IS NOT NULL)::integer AS plays,
        (SELECT count(*) FROM fresh WHERE fresh.quiz_id = quiz.id)::integer AS players
    FROM quiz
    """,
    """
    CREATE TEMPORARY TABLE stale ON COMMIT DROP AS
    SELECT DISTINCT quiz_id, user_id FROM (
        (TABLE fresh EXCEPT TABLE quiz_standing) UNION ALL
        (TABLE quiz_standing EXCEPT TABLE fresh)
    ) difference
    """,
    """
    CREATE TEMPORARY TABLE stale_player ON COMMIT DROP AS
    SELECT DISTINCT user_id FROM (
        (TABLE fresh_player EXCEPT TABLE player_standing) UNION ALL
        (TABLE player_standing EXCEPT TABLE fresh_player)
    ) difference
    """,
    """
    CREATE TEMPORARY TABLE stale_board ON COMMIT DROP AS
    SELECT quiz_id FROM (
        TABLE fresh_board EXCEPT SELECT quiz_id, plays, players FROM quiz_board
    ) difference
    """,
    """
    DELETE FROM quiz_standing WHERE (quiz_id, user_id) IN (SELECT quiz_id, user_id FROM stale)
    """,
    """
    INSERT INTO quiz_standing
    SELECT * FROM fresh WHERE (quiz_id, user_id) IN (SELECT quiz_id, user_id FROM stale)
    """,
    "DELETE FROM player_standing WHERE user_id IN (SELECT user_id FROM stale_player)",
    """
    INSERT INTO player_standing
    SELECT * FROM fresh_player WHERE user_id IN (SELECT user_id FROM stale_player)
    """,
    """
    INSERT INTO quiz_board (quiz_id, plays, players)
    SELECT quiz_id, plays, players FROM fresh_board WHERE quiz_id IN (TABLE stale_board)
    ON CONFLICT (quiz_id) DO UPDATE SET plays = excluded.plays, players = excluded.players,
        revision = quiz_board.revision + 1
    """,
    "UPDATE quiz_board SET revision = revision + 1 WHERE quiz_id IN (SELECT quiz_id FROM stale)",
)


def rebuild(session: Session) -> int:
    """Compute all boards again from the stored answers; returns how many rows had to change.

    Complete overdue attempts first (`taking.complete_overdue`), or they stay off the boards.
    """
    for statement in _REBUILD:
        session.execute(sa.text(statement))
    counted = (
        "SELECT (SELECT count(*) FROM stale) + (SELECT count(*) FROM stale_player)"
        " + (SELECT count(*) FROM stale_board)"
    )
    return int(session.execute(sa.text(counted)).scalar_one())
