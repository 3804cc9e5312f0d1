"""What is in the benchmark's database: quizzes, their players, fifty thousand attempts, keys.

The attempts are made by the database itself, the boards by the service that rebuilds them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy.orm import Session

from respondeo import create_app
from respondeo.config import Settings
from respondeo.db import database_time, db, new_id, session
from respondeo.domain.access import DEFAULT_ROLE_PERMISSIONS, MODERATOR, USER, Viewer
from respondeo.domain.document import Answer, Document, Feedback, Question
from respondeo.domain.scopes import SCOPES
from respondeo.models import Answer as AnswerRow
from respondeo.models import (
    ApiKey,
    AttemptAnswer,
    LoginSession,
    Quiz,
    QuizAttempt,
    QuizVersionQuestion,
    User,
)
from respondeo.services import api_keys, authoring, identity, standings, starting, taking

PLAYERS = 500
QUIZZES = 60
QUESTIONS = 10
ATTEMPTS = 50_000
LIMIT_S = 3600
MOST_ATTEMPTS = 1000
"""Of a person at a quiz: the last would show the right answers, and none after it would rank."""

LASTS = timedelta(days=7)

FILL = (
    # Bulk loading: no foreign keys are checked, and no trigger is asked.
    "SET LOCAL session_replication_role = replica",
    """
    CREATE TEMPORARY TABLE player ON COMMIT DROP AS
    SELECT id, place - 1 AS place FROM unnest(CAST(:players AS uuid[])) WITH ORDINALITY p(id, place)
    """,
    """
    CREATE TEMPORARY TABLE made ON COMMIT DROP AS
    SELECT place - 1 AS place, quiz.id, version.id AS version_id, version.feedback
    FROM unnest(CAST(:quizzes AS uuid[])) WITH ORDINALITY q(id, place)
    JOIN quiz USING (id) JOIN quiz_version version ON version.id = quiz.current_version_id
    """,
    """
    CREATE TEMPORARY TABLE asked ON COMMIT DROP AS
    SELECT version_id, q.position, q.question_id, array_agg(a.id ORDER BY a.position) AS answers
    FROM made JOIN quiz_version_question q ON q.quiz_version_id = version_id
    JOIN answer a USING (question_id) GROUP BY version_id, q.position, q.question_id
    """,
    """
    CREATE TEMPORARY TABLE play ON COMMIT DROP AS
    SELECT n, uuidv7() AS id, player.id AS user_id, made.id AS quiz_id, version_id, feedback,
        n / :many_players / :many_quizzes + 1 AS number,
        now() - (:attempts - n) * interval '40 seconds' AS started_at,
        (hashint4(n::integer) & 1023) % (:questions + 1) AS correct,
        2000 + (hashint4(n::integer + 1) & 16383) AS each_ms
    FROM generate_series(0, :attempts - 1) n
    JOIN player ON player.place = n % :many_players
    JOIN made ON made.place = (n / :many_players + n % :many_players) % :many_quizzes
    """,
    """
    INSERT INTO quiz_attempt (id, quiz_id, quiz_version_id, user_id, number, time_limit_ms,
        feedback, ranked, discloses, started_at, spent_ms, completed_at, correct_count,
        total_questions, total_time_ms)
    SELECT id, quiz_id, version_id, user_id, number, :limit_ms, feedback, true, false, started_at,
        each_ms * :questions, started_at + each_ms * :questions * interval '1 millisecond',
        correct, :questions, each_ms * :questions
    FROM play
    """,
    # The author's first answer is the right one.
    """
    INSERT INTO attempt_answer (attempt_id, question_id, display_order, answer_order, shown_at,
        answer_id, is_correct, answered_at, time_ms)
    SELECT play.id, question_id, position, '{0,1,2,3}',
        started_at + each_ms * position * interval '1 millisecond',
        answers[CASE WHEN position < correct THEN 1 ELSE 2 + (n + position) % 3 END],
        position < correct,
        started_at + each_ms * (position + 1) * interval '1 millisecond', each_ms
    FROM play JOIN asked USING (version_id)
    """,
)


@dataclass(frozen=True, slots=True)
class World:
    """Who and what there is.

    players: those who have played already, then `others`, who have not. folder: the same for the
    load generator, as files. without_feedback: players and quizzes (places from 0) at which an
    answer leads to the next question; one pair after the other, so that boards change.
    newcomers: the places among the others, the last first, for who needs one.
    """

    app: Flask
    folder: Path
    players: Sequence[UUID]
    others: Sequence[UUID]
    quizzes: Sequence[UUID]
    without_feedback: Iterator[tuple[int, int]]
    newcomers: Iterator[int]

    def open_attempts(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Start attempts of these people at these quizzes (places from 0), each at its first
        question, in place of all that are open. The load generator finds them in attempts.json."""
        with self.app.app_context():
            session().execute(sa.delete(QuizAttempt).where(QuizAttempt.completed_at.is_(None)))
            started = []
            for player, quiz in pairs:
                quiz_id = self.quizzes[quiz]
                attempt = starting.start_attempt(session(), self._viewer(player), quiz_id)
                started.append({"person": player, "quiz_id": quiz_id, "attempt": attempt.id})
            session().commit()
            answers = _answers_of(session(), [UUID(str(one["attempt"])) for one in started])
            session().rollback()
        told = [one | {"answers": answers[UUID(str(one["attempt"]))]} for one in started]
        write(self.folder, "attempts", told)

    def play_once(self, player: int, quiz: int) -> None:
        """A whole attempt of this person at this quiz (places from 0), all of it right."""
        quiz_id, viewer = self.quizzes[quiz], self._viewer(player)
        with self.app.app_context():
            attempt = starting.start_attempt(session(), viewer, quiz_id)
            for question, answer in _answers_of(session(), [attempt.id])[attempt.id]:
                taking.commit_answer(session(), viewer, quiz_id, attempt.id, question, answer)
                taking.show_next(session(), viewer, quiz_id, attempt.id)
            session().commit()

    def change_boards(self) -> None:
        """Somebody who has played nothing yet plays everything: no board is what it was."""
        player = PLAYERS + next(self.newcomers)
        for quiz in range(QUIZZES):
            self.play_once(player, quiz)

    def _viewer(self, player: int) -> Viewer:
        user_id = (*self.players, *self.others)[player]
        return Viewer(USER, DEFAULT_ROLE_PERMISSIONS[USER], user_id)


def _answers_of(session: Session, attempts: Sequence[UUID]) -> dict[UUID, list[list[UUID]]]:
    """The questions of each attempt in their order, each with an answer to it."""
    first = (
        sa.select(AnswerRow.id)
        .where(AnswerRow.question_id == AttemptAnswer.question_id, AnswerRow.position == 0)
        .scalar_subquery()
    )
    found = session.execute(
        sa.select(AttemptAnswer.attempt_id, AttemptAnswer.question_id, first.label("answer_id"))
        .where(AttemptAnswer.attempt_id.in_(attempts))
        .order_by(AttemptAnswer.attempt_id, AttemptAnswer.display_order)
    )
    answers: dict[UUID, list[list[UUID]]] = {attempt: [] for attempt in attempts}
    for row in found:
        answers[row.attempt_id].append([row.question_id, row.answer_id])
    return answers


def write(folder: Path, name: str, what: object) -> None:
    """Write a file for the load generator."""
    (folder / f"{name}.json").write_text(json.dumps(what, default=str), encoding="utf-8")


def migrated_app(settings: Settings) -> Flask:
    """The application, its database at the newest migration."""
    app = create_app(settings)
    with app.app_context():
        upgrade()
    return app


def make_world(app: Flask, folder: Path, others: int = 0) -> World:
    """Fill an empty database. others: how many people there are besides the players."""
    with app.app_context():
        session().execute(sa.text("SET statement_timeout = 0"))
        ids = _add_people(session(), PLAYERS + others)
        quizzes = [_publish(session(), number) for number in range(1, QUIZZES + 1)]
        _fill(session(), ids[:PLAYERS], quizzes)
        standings.rebuild(session())
        cookie = app.config["SESSION_TOKEN_COOKIE"]
        tokens, keys = _sign_in(session(), ids), _add_keys(session(), ids[:PLAYERS])
        people = [{"cookie": f"{cookie}={token}"} for token in tokens]
        for person, key in zip(people, keys, strict=False):
            person["key"] = key
        write(folder, "people", people)
        write(folder, "quizzes", _told_quizzes(session(), quizzes))
        write(folder, "attempts", [])
        session().commit()
        session().connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        session().execute(sa.text("VACUUM ANALYZE"))
        session().commit()
        db.engine.dispose()
    pairs = cycle([(player, quiz) for quiz in range(1, QUIZZES, 2) for player in range(PLAYERS)])
    newcomers = cycle(reversed(range(others)))
    return World(app, folder, ids[:PLAYERS], ids[PLAYERS:], quizzes, pairs, newcomers)


def _add_people(session: Session, count: int) -> list[UUID]:
    ids = [new_id() for _ in range(count)]
    users = [
        {"id": user_id, "name": f"Player {place}", "email": f"player{place}@bench.example"}
        for place, user_id in enumerate(ids, start=1)
    ]
    session.execute(sa.insert(User), users)
    return ids


def _publish(session: Session, number: int) -> UUID:
    """A quiz with a clock and many attempts. Every second one has feedback at the end."""
    author = User(name=f"Teacher {number}", email=f"teacher{number}@bench.example", groups=[])
    session.add(author)
    session.flush()
    document = Document(
        title=f"The benchmark's quiz number {number}",
        description="Ten questions of the usual length, played by everybody.",
        max_attempts=MOST_ATTEMPTS,
        time_limit_seconds=LIMIT_S,
        randomize_questions=True,
        randomize_answers=True,
        feedback=Feedback.EACH if number % 2 else Feedback.END,
        questions=tuple(_question(number, place) for place in range(1, QUESTIONS + 1)),
    )
    quiz = authoring.create_quiz(session, author.id, document)
    viewer = Viewer(MODERATOR, DEFAULT_ROLE_PERMISSIONS[MODERATOR], author.id)
    authoring.publish(session, viewer, quiz.id)
    return quiz.id


def _question(quiz: int, number: int) -> Question:
    return Question(
        text=f"Which of these is the right answer to question {number} of quiz number {quiz}?",
        explanation="Because one of four has to be, and this is the one that was chosen.",
        answers=tuple(
            Answer(text=f"Answer {letter}, of an ordinary length", is_correct=letter == "A")
            for letter in "ABCD"
        ),
    )


def _fill(session: Session, players: Sequence[UUID], quizzes: Sequence[UUID]) -> None:
    values = {
        "players": list(players),
        "many_players": len(players),
        "quizzes": list(quizzes),
        "many_quizzes": len(quizzes),
        "attempts": ATTEMPTS,
        "questions": QUESTIONS,
        "limit_ms": LIMIT_S * 1000,
    }
    session.flush()
    for statement in FILL:
        session.execute(sa.text(statement), values if ":" in statement else {})


def _sign_in(session: Session, people: Sequence[UUID]) -> list[str]:
    """Sessions, as signing in makes them one by one; returns the tokens."""
    tokens = [secrets.token_urlsafe(32) for _ in people]
    ends = database_time(session) + LASTS
    rows = [
        {"user_id": user_id, "token_hash": identity.token_hash(token), "expires_at": ends}
        for user_id, token in zip(people, tokens, strict=True)
    ]
    session.execute(sa.insert(LoginSession), rows)
    return tokens


def _add_keys(session: Session, people: Sequence[UUID]) -> list[str]:
    """A key for each, as the settings page makes it, whose limit nothing reaches."""
    keys = [api_keys.PREFIX + secrets.token_urlsafe(32) for _ in people]
    rows = [
        {
            "user_id": user_id,
            "name": "bench",
            "start": key[: api_keys.SHOWN],
            "key_hash": identity.token_hash(key),
            "scopes": list(SCOPES),
            "requests_per_minute": api_keys.MOST_REQUESTS,
        }
        for user_id, key in zip(people, keys, strict=True)
    ]
    session.execute(sa.insert(ApiKey), rows)
    return keys


def _told_quizzes(session: Session, quizzes: Sequence[UUID]) -> list[dict[str, object]]:
    """The quizzes with their questions and answers."""
    found = session.execute(
        sa.select(AnswerRow.question_id, sa.func.array_agg(AnswerRow.id).label("answers")).group_by(
            AnswerRow.question_id
        )
    )
    answers = {row.question_id: row.answers for row in found}
    return [
        {
            "id": quiz_id,
            "questions": [
                [question_id, answers[question_id]]
                for question_id in session.scalars(
                    sa.select(QuizVersionQuestion.question_id)
                    .join(Quiz, Quiz.current_version_id == QuizVersionQuestion.quiz_version_id)
                    .where(Quiz.id == quiz_id)
                    .order_by(QuizVersionQuestion.position)
                )
            ],
        }
        for quiz_id in quizzes
    ]
