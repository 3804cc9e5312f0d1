"""Filling the tables: as many attempts as are asked for, made by the database itself.

Every player has played the popular quiz once, at some time; their other attempts go to the other
quizzes in turn. A hundred visitors have played ten quizzes each, however large the tables are:
what they do may not cost more because there are others. Times are spread so that few rows tie.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from time import perf_counter
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

MOST_PLAYERS = 100_000
VISITORS = 100
MOST_ATTEMPTS = 1_000_000
"""At a quiz: none that is measured is a player's last, which would show the right answers, and keep
those after it off the boards."""

ANSWERS = 2
"""Questions of each attempt: two stand for ten; they are found by their attempt alone."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much there is. quizzes: those that are played; listed: all that are published.

    overdue: about how many attempts nobody has completed though their time is up.
    least: attempts of each player, until there are MOST_PLAYERS; then everybody plays more.
    """

    attempts: int
    quizzes: int = 80
    listed: int = 80
    overdue: int = 20
    least: int = 10

    @property
    def per_player(self) -> int:
        """How often each player has played."""
        return max(self.least, self.attempts // MOST_PLAYERS)

    @property
    def players(self) -> int:
        """How many people there are, but for visitors and authors."""
        return self.attempts // self.per_player

    @property
    def authors(self) -> int:
        """How many people wrote the quizzes."""
        return max(1, self.listed // 100)


TABLES = """
    "user", session, apikey, quiz, quiz_draft, quiz_board, quiz_version, question, answer,
    quiz_version_question, quiz_attempt, attempt_answer, quiz_standing, player_standing
"""
LARGE = "quiz_attempt, attempt_answer, quiz_standing, player_standing"

# Bulk loading: no foreign keys are checked, and no trigger is asked.
PREPARE = (
    "SET LOCAL session_replication_role = replica",
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL work_mem = '256MB'",
    "SET LOCAL maintenance_work_mem = '512MB'",
    f"TRUNCATE {TABLES} CASCADE",
)

# What is built faster over all rows than row by row: all indexes but primary keys.
INDEXES = f"""
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS away,
        format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
            pg_get_constraintdef(oid)) AS again
    FROM pg_constraint
    WHERE contype = 'u' AND conrelid = ANY (string_to_array('{LARGE}', ', ')::regclass[])
    UNION ALL
    SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
    FROM pg_index
    WHERE indrelid = ANY (string_to_array('{LARGE}', ', ')::regclass[])
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""  # noqa: S608 - constants

PEOPLE = (
    """
    CREATE TEMPORARY TABLE player ON COMMIT DROP AS
    SELECT place, uuidv7() AS id FROM generate_series(0, :players + :visitors - 1) place
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
    INSERT INTO apikey (id, user_id, name, start, key_hash, scopes)
    SELECT uuidv7(), id, 'A key', 'key', sha256(('key' || place)::bytea), '{quizzes:read}'
    FROM player
    """,
)

# The words of titles and descriptions: each in one of fifty quizzes, but for the number.
QUIZZES = (
    """
    CREATE TEMPORARY TABLE author ON COMMIT DROP AS
    SELECT place, uuidv7() AS id FROM generate_series(0, :authors - 1) place
    """,
    """
    INSERT INTO "user" (id, name, email)
    SELECT id, 'Author ' || place, 'author' || place || '@scale.example' FROM author
    """,
    """
    CREATE TEMPORARY TABLE made ON COMMIT DROP AS
    SELECT made.place, uuidv7() AS id, uuidv7() AS version_id, author.id AS author_id,
        'Number ' || made.place || ' asks about ' || word.word AS title,
        'Ten questions about ' || word.word || ', with a look at what came before it, at what is'
            || ' said of it today, and at the people who worked on it.' AS description,
        (ARRAY['en', 'en', 'en', 'en', 'es', 'fr', 'de', 'sv'])[1 + made.place % 8] AS language,
        (ARRAY['easy', 'medium', 'hard'])[1 + made.place % 3] AS difficulty
    FROM generate_series(0, :listed - 1) made(place)
    JOIN author ON author.place = made.place % :authors
    JOIN (SELECT place, 'subject' || place AS word FROM generate_series(0, 49) place) word
        ON word.place = made.place % 50
    """,
    """
    INSERT INTO quiz (id, author_id, current_version_id, published_at, language, difficulty)
    SELECT id, author_id, version_id, now() - place * interval '1 minute', language, difficulty
    FROM made
    """,
    """
    INSERT INTO quiz_draft (quiz_id, document)
    SELECT id, jsonb_build_object('title', title, 'description', description, 'language', language,
        'difficulty', difficulty, 'questions', '[]'::jsonb)
    FROM made
    """,
    """
    INSERT INTO quiz_version (id, quiz_id, number, title, description, language, difficulty,
        max_attempts, time_limit_seconds, randomize_questions, randomize_answers, feedback, reveal,
        question_count)
    SELECT version_id, id, 1, title, description, language, difficulty, :most_attempts, 300,
        true, true, 'each', 'safe', :answers
    FROM made
    """,
    "DELETE FROM made WHERE place >= :quizzes",
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
)

# Turn by turn: at turn `popular` a player plays quiz 0, otherwise quiz `other`. In the last turn
# one in ten has not ended; in the second one in fifty is a guest's, and a few of these are old.
PLAYS = (
    """
    CREATE TEMPORARY TABLE play ON COMMIT DROP AS
    WITH turn AS (
        SELECT n, n % :players AS player, n / :players AS turn,
            n % :players % :per_player AS popular,
            1 + (n % :players + n / :players) % (:quizzes - 1) AS other
        FROM generate_series(0::bigint, :players * :per_player - 1) n
        UNION ALL
        SELECT :players * :per_player + n, :players + n / 10, n % 10, 0, n % 10
        FROM generate_series(0::bigint, :visitors * 10 - 1) n
    )
    SELECT n, uuidv7() AS id, player.id AS user_id, made.id AS quiz_id, version_id,
        1 + turn / (:quizzes - 1) - (popular < turn
            AND popular % (:quizzes - 1) = turn % (:quizzes - 1))::integer AS number,
        turn.player < :players AND turn = :per_player - 1 AND turn <> popular
            AND turn.player % 10 = 7 AS open,
        turn = :per_player - 1 AND turn.player < :overdue * 10 AS late,
        turn.player < :players AND turn = 1 AND turn <> popular
            AND turn.player % 50 = 3 AS by_guest,
        now() - CASE WHEN turn = 1 AND turn.player % 50 = 3 AND turn.player % 1000 <> 3
            THEN turn.player % 50000 * interval '1 second'
            ELSE (:players * :per_player - n) * interval '3 seconds' + interval '2 days' END
            AS started_at,
        (hashint4(n::integer) & 1023) % (:answers + 1) AS correct,
        20000 + (hashint4(n::integer + 1) & 262143) AS took
    FROM turn
    JOIN player ON player.place = turn.player
    JOIN made ON made.place = CASE WHEN turn = popular THEN 0 ELSE other END
    """,
    """
    INSERT INTO quiz_attempt (id, quiz_id, quiz_version_id, user_id, guest_token, number,
        time_limit_ms, feedback, ranked, discloses, started_at, shown_at, spent_ms, deadline_at,
        completed_at, correct_count, total_questions, total_time_ms)
    SELECT id, quiz_id, version_id,
        CASE WHEN NOT by_guest THEN user_id END,
        CASE WHEN by_guest THEN sha256(('guest' || n)::bytea) END,
        number, 300000, 'each', NOT by_guest, false, started_at,
        CASE WHEN open THEN now() END,
        CASE WHEN open THEN 0 ELSE took END,
        CASE WHEN open THEN now() + CASE WHEN late THEN -1 ELSE 24 END * interval '1 hour' END,
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
    SELECT DISTINCT ON (quiz_id, user_id)
        quiz_id, user_id, id, correct_count, total_time_ms, completed_at
    FROM quiz_attempt WHERE ranked AND completed_at IS NOT NULL
    ORDER BY quiz_id, user_id, correct_count DESC, total_time_ms, completed_at, id
    """,
    """
    INSERT INTO player_standing
    SELECT user_id, sum(correct_count), sum(total_time_ms), count(*) FROM quiz_standing
    GROUP BY user_id
    """,
    """
    INSERT INTO quiz_board (quiz_id, plays, players)
    SELECT id, coalesce(plays, 0), coalesce(players, 0) FROM quiz
    LEFT JOIN (
        SELECT quiz_id, count(*) AS plays FROM quiz_attempt
        WHERE user_id IS NOT NULL AND completed_at IS NOT NULL GROUP BY quiz_id
    ) played ON played.quiz_id = quiz.id
    LEFT JOIN (SELECT quiz_id, count(*) AS players FROM quiz_standing GROUP BY quiz_id) stood
        ON stood.quiz_id = quiz.id
    """,
)


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds that parts of the filling took."""

    rows: float
    indexes: float
    vacuum: float


def fill(session: Session, scale: Scale) -> Took:
    """Replace what is in the tables, and let the database learn what it has now."""
    started = perf_counter()
    values = {
        **asdict(scale),
        "players": scale.players,
        "per_player": scale.per_player,
        "authors": scale.authors,
        "visitors": VISITORS,
        "most_attempts": MOST_ATTEMPTS,
        "answers": ANSWERS,
    }
    for statement in PREPARE:
        session.execute(sa.text(statement))
    indexes = session.execute(sa.text(INDEXES)).all()
    for index in indexes:
        session.execute(sa.text(index.away))
    for statement in (*PEOPLE, *QUIZZES, *PLAYS):
        named = sa.text(statement)
        session.execute(named, {name: values[name] for name in named.compile().params})
    rows = perf_counter()
    for index in indexes:
        session.execute(sa.text(index.again))
    session.commit()
    indexed = perf_counter()
    session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
    session.execute(sa.text("SET statement_timeout = 0"))
    session.execute(sa.text("VACUUM ANALYZE"))
    session.execute(sa.text("RESET statement_timeout"))
    session.commit()
    return Took(rows - started, indexed - rows, perf_counter() - indexed)


@dataclass(frozen=True, slots=True)
class Somebody:
    """Whom and what the checked queries are about.

    open_attempt: of `user` at `quiz`; an answer to its first question: `question` and `answer`.
    over_attempt: another one of theirs, completed, at `over_quiz`.
    upper, overall_upper: who stand a quarter down the quiz's board, and the global one.
    """

    token: str
    key: str
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
        'token' || regexp_replace(email, '[^0-9]', '', 'g') AS token,
        'key' || regexp_replace(email, '[^0-9]', '', 'g') AS key
    FROM quiz_attempt a
    JOIN "user" ON "user".id = a.user_id
    JOIN quiz ON quiz.id = a.quiz_id
    JOIN attempt_answer s ON s.attempt_id = a.id AND s.display_order = 0
    JOIN answer ON answer.question_id = s.question_id AND answer.position = 1
    JOIN LATERAL (SELECT * FROM quiz_standing WHERE user_id = a.user_id ORDER BY attempt_id LIMIT 1)
        over ON true
    WHERE a.completed_at IS NULL AND a.deadline_at > now() AND a.user_id IS NOT NULL
    ORDER BY a.id OFFSET 10 LIMIT 1
"""


def somebody(session: Session) -> Somebody:
    """A player in the middle of an attempt, and what is around them."""
    return Somebody(**session.execute(sa.text(SOMEBODY)).one()._mapping)
