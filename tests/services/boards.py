"""What the boards must say, by one plain query over the stored answers.

Written from the product description alone; nothing of the application's is used.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

# The best attempt of each player at each quiz, straight from the answers.
BEST = """
SELECT a.quiz_id, a.user_id, a.id AS attempt_id, t.correct_count, t.total_time_ms, a.completed_at
FROM quiz_attempt a
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE o.is_correct) AS correct_count,
        CASE WHEN a.timed_out AND v.time_limit_seconds > 0 THEN v.time_limit_seconds * 1000
            ELSE coalesce(sum(aa.time_ms), 0) END AS total_time_ms
    FROM attempt_answer aa
    LEFT JOIN answer o ON o.id = aa.answer_id AND o.question_id = aa.question_id
    JOIN quiz_version v ON v.id = a.quiz_version_id
    WHERE aa.attempt_id = a.id
    GROUP BY v.time_limit_seconds
) t
WHERE a.ranked AND a.user_id IS NOT NULL AND a.completed_at IS NOT NULL
"""

QUIZ_STANDINGS = f"""
SELECT quiz_id, user_id, attempt_id, correct_count, total_time_ms, completed_at
FROM (
    SELECT *, row_number() OVER (PARTITION BY quiz_id, user_id
        ORDER BY correct_count DESC, total_time_ms, completed_at, attempt_id) AS place
    FROM ({BEST}) best
) placed WHERE place = 1
"""  # noqa: S608 - a constant

PLAYER_STANDINGS = f"""
SELECT user_id, sum(correct_count), sum(total_time_ms), count(*)
FROM ({QUIZ_STANDINGS}) standing GROUP BY user_id
"""  # noqa: S608 - a constant

BOARDS = f"""
SELECT q.id,
    (SELECT count(*) FROM quiz_attempt a WHERE a.quiz_id = q.id AND a.user_id IS NOT NULL
        AND a.completed_at IS NOT NULL),
    (SELECT count(*) FROM ({QUIZ_STANDINGS}) s WHERE s.quiz_id = q.id)
FROM quiz q
"""  # noqa: S608 - a constant

KEPT = {
    "SELECT quiz_id, user_id, attempt_id, correct_count, total_time_ms, completed_at"
    " FROM quiz_standing": QUIZ_STANDINGS,
    "SELECT user_id, total_correct, total_time_ms, quizzes_played FROM player_standing": (
        PLAYER_STANDINGS
    ),
    "SELECT quiz_id, plays, players FROM quiz_board": BOARDS,
}


def assert_boards_are_right(session: Session) -> None:
    """The kept tables say what the stored answers say."""
    session.flush()
    for kept, told in KEPT.items():
        found, expected = (
            sorted(map(tuple, session.execute(sa.text(query)))) for query in (kept, told)
        )
        assert found == expected, kept
