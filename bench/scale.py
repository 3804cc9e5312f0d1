"""Filling the tables: as many attempts as are asked for, made by the database itself."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

QUIZZES = 100
PER_PLAYER = 5
OVERDUE = 20
ANSWERS = 2
"""Questions of each attempt: two stand for ten; they are found by their attempt alone."""

TABLES = """
    "user", session, quiz, quiz_draft, quiz_board, quiz_version, question, answer,
    quiz_version_question, quiz_attempt, attempt_answer, quiz_standing, player_standing
"""

# Every player plays five quizzes of a hundred. One attempt in a hundred is open, and a few of
# these are overdue; one in fifty is a guest's. Times are spread so that few rows tie.
FILL = (
    # Bulk loading: no foreign keys are checked, and no trigger is asked.
    "SET LOCAL session_replication_role = replica",
    "SET LOCAL statement_timeout = 0",
    f"TRUNCATE {TABLES} CASCADE",
    """
    CREATE TEMPORARY TABLE player ON COMMIT DROP AS
    SELECT place, uuidv7() AS id
    FROM generate_series(0, :attempts / :per_player - 1) place
    """,
    """
    INSERT INTO "user" (id, name, email)
    SELECT id, 'Player ' || place, 'player' || place || '@scale.example' FROM player
    """,
    """
    INSERT INTO session (id, user_id, token_hash, expires_at)
    SELECT uuidv7(), id, sha256(('token' || place)::bytea), now() + interval '7 days' FROM player
    """,
    """
    CREATE TEMPORARY TABLE made ON COMMIT DROP AS
    SELECT place, uuidv7() AS id, uuidv7() AS version_id, uuidv7() AS author_id
    FROM generate_series(0, :quizzes - 1) place
    """,
    """
    INSERT INTO "user" (id, name, email)
    SELECT author_id, 'Author ' || place, 'author' || place || '@scale.example' FROM made
    """,
    """
    INSERT INTO quiz (id, author_id, current_version_id, published_at)
    SELECT id, author_id, version_id, now() - place * interval '1 hour' FROM made
    """,
    """
    INSERT INTO quiz_version (id, quiz_id, number, title, description, language, difficulty,
        time_limit_seconds, randomize_questions, randomize_answers, feedback, reveal,
        question_count)
    SELECT version_id, id, 1, 'Quiz ' || place, 'About the number ' || place, 'en', 'easy', 300,
        true, true, 'each', 'safe', :answers FROM made
    """,
    """
    CREATE TEMPORARY TABLE asked ON COMMIT DROP AS
    SELECT made.id AS quiz_id, version_id, position, gen_random_uuid() AS id,
        gen_random_uuid() AS right_id
    FROM made, generate_series(0, :answers - 1) position
    """,
    """
    INSERT INTO question (id, quiz_id, uid, kind, text)
    SELECT id, quiz_id, id, 'choice', 'Question ' || position FROM asked
    """,
    """
    INSERT INTO answer (id, question_id, uid, position, text, is_correct)
    SELECT CASE place WHEN 0 THEN right_id ELSE gen_random_uuid() END, id, gen_random_uuid(),
        place, 'Answer ' || place, place = 0
    FROM asked, generate_series(0, 3) place
    """,
    """
    INSERT INTO quiz_version_question (quiz_version_id, position, question_id)
    SELECT version_id, position, id FROM asked
    """,
    """
    CREATE TEMPORARY TABLE play ON COMMIT DROP AS
    SELECT n, uuidv7() AS id, player.id AS user_id, made.id AS quiz_id, version_id,
        n % 100 = 7 AS open, n % (:attempts / :overdue) = 7 AS overdue, n % 50 = 3 AS by_guest,
        now() - (n % 5000000) * interval '1 second' AS started_at,
        (hashint4(n::integer) & 1023) % (:answers + 1) AS correct,
        20000 + (hashint4(n::integer + 1) & 262143) AS took
    FROM generate_series(0, :attempts - 1) n
    JOIN player ON player.place = n / :per_player
    JOIN made ON made.place = (n % :per_player * 7 + n / :per_player) % :quizzes
    """,
    """
    INSERT INTO quiz_attempt (id, quiz_id, quiz_version_id, user_id, guest_token, number,
        time_limit_ms, feedback, ranked, discloses, started_at, shown_at, spent_ms, deadline_at,
        completed_at, correct_count, total_questions, total_time_ms)
    SELECT id, quiz_id, version_id,
        CASE WHEN NOT by_guest THEN user_id END,
        CASE WHEN by_guest THEN sha256(('guest' || n)::bytea) END,
        1, 300000, 'each', NOT by_guest, false, started_at,
        CASE WHEN open THEN now() END,
        CASE WHEN open THEN 0 ELSE took END,
        CASE WHEN open THEN now() + CASE WHEN overdue THEN -1 ELSE 1 END * interval '1 hour' END,
        CASE WHEN NOT open THEN started_at + took * interval '1 millisecond' END,
        CASE WHEN open THEN 0 ELSE correct END, :answers,
        CASE WHEN NOT open THEN took END
    FROM play
    """,
    """
    INSERT INTO attempt_answer (attempt_id, question_id, display_order, answer_order, shown_at,
        answer_id, is_correct, answered_at, time_ms)
    SELECT play.id, asked.id, position, '{0,1,2,3}', started_at,
        CASE WHEN NOT open THEN right_id END,
        CASE WHEN NOT open THEN position < correct END,
        CASE WHEN NOT open THEN started_at END,
        CASE WHEN NOT open THEN took / :answers END
    FROM play JOIN asked USING (quiz_id)
    """,
    """
    INSERT INTO quiz_standing
    SELECT quiz_id, user_id, id, correct_count, total_time_ms, completed_at FROM quiz_attempt
    WHERE ranked AND completed_at IS NOT NULL
    """,
    """
    INSERT INTO player_standing
    SELECT user_id, sum(correct_count), sum(total_time_ms), count(*) FROM quiz_standing
    GROUP BY user_id
    """,
    """
    INSERT INTO quiz_board (quiz_id, plays, players)
    SELECT quiz.id, count(s.*), count(s.*) FROM quiz LEFT JOIN quiz_standing s
    ON s.quiz_id = quiz.id GROUP BY quiz.id
    """,
)


@dataclass(frozen=True, slots=True)
class Somebody:
    """Whom and what the checked queries are about.

    open_attempt: of `user` at `quiz`; an answer to its first question: `question` and `answer`.
    over_attempt: another one of theirs, completed, at `over_quiz`.
    upper, overall_upper: who stand a quarter down the quiz's board, and the global one.
    """

    token: str
    user: UUID
    author: UUID
    quiz: UUID
    open_attempt: UUID
    question: UUID
    answer: UUID
    over_attempt: UUID
    over_quiz: UUID
    upper: UUID
    overall_upper: UUID


SOMEBODY = """
    SELECT a.user_id AS "user", a.quiz_id AS quiz, a.id AS open_attempt, quiz.author_id AS author,
        s.question_id AS question, answer.id AS answer,
        over.attempt_id AS over_attempt, over.quiz_id AS over_quiz,
        (SELECT user_id FROM quiz_standing WHERE quiz_id = a.quiz_id
            ORDER BY correct_count DESC, total_time_ms
            LIMIT 1 OFFSET (SELECT players / 4 FROM quiz_board WHERE quiz_id = a.quiz_id)
        ) AS upper,
        (SELECT user_id FROM player_standing ORDER BY total_correct DESC, total_time_ms
            LIMIT 1 OFFSET (SELECT count(*) / 4 FROM player_standing)) AS overall_upper,
        'token' || regexp_replace(email, '[^0-9]', '', 'g') AS token
    FROM quiz_attempt a
    JOIN "user" ON "user".id = a.user_id
    JOIN quiz ON quiz.id = a.quiz_id
    JOIN attempt_answer s ON s.attempt_id = a.id AND s.display_order = 0
    JOIN answer ON answer.question_id = s.question_id AND answer.position = 1
    JOIN LATERAL (SELECT * FROM quiz_standing WHERE user_id = a.user_id LIMIT 1) over ON true
    WHERE a.completed_at IS NULL AND a.deadline_at > now() AND a.user_id IS NOT NULL
    ORDER BY a.id OFFSET 20 LIMIT 1
"""


def fill(session: Session, attempts: int) -> Somebody:
    """Replace what is in the tables, and let the database learn what it has now."""
    values = {
        "attempts": attempts,
        "per_player": PER_PLAYER,
        "quizzes": QUIZZES,
        "answers": ANSWERS,
        "overdue": OVERDUE,
    }
    for statement in FILL:
        session.execute(sa.text(statement), values if ":" in statement else {})
    session.commit()
    session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
    session.execute(sa.text("VACUUM ANALYZE"))
    session.commit()
    return Somebody(**session.execute(sa.text(SOMEBODY)).one()._mapping)
