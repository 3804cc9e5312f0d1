"""What is in the benchmark's database: the demo, a quiz to play, and signed-in people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy.orm import Session

from respondeo import create_app
from respondeo.config import Settings
from respondeo.db import db, new_id, session
from respondeo.demo.load import load_demo
from respondeo.domain.access import DEFAULT_ROLE_PERMISSIONS, MODERATOR, Viewer
from respondeo.domain.document import Answer, Document, Feedback, Question
from respondeo.models import QuizBoard, User
from respondeo.services import authoring, identity

QUESTIONS = 10
LIMIT_S = 3600


@dataclass(frozen=True, slots=True)
class World:
    """Who and what there is.

    played: a quiz of ten questions that nobody has played; read: the demo's most played quiz.
    cookies: the session of each person, as a browser sends it.
    """

    played: UUID
    read: UUID
    cookies: Sequence[str]


def migrated_app(settings: Settings) -> Flask:
    """The application, its database at the newest migration."""
    app = create_app(settings)
    with app.app_context():
        upgrade()
    return app


def make_world(app: Flask, people: int) -> World:
    """The demo, a quiz, and people who have played nothing yet."""
    with app.app_context():
        load_demo(session())
        most_played = session().execute(
            sa.select(QuizBoard.quiz_id).order_by(QuizBoard.plays.desc()).limit(1)
        )
        read = most_played.scalar_one()
        played = _publish(session())
        name = app.config["SESSION_TOKEN_COOKIE"]
        cookies = [f"{name}={token}" for token in _sign_in(session(), people)]
        session().commit()
        session().execute(sa.text("ANALYZE"))
        session().commit()
        db.engine.dispose()
    return World(played, read, cookies)


def _publish(session: Session) -> UUID:
    """A quiz with a clock, feedback after each question, and no maximum of attempts."""
    author = User(name="A Teacher", email="teacher@bench.example", groups=[])
    session.add(author)
    session.flush()
    document = Document(
        title="The benchmark's quiz",
        description="Ten questions, played by everybody at once.",
        time_limit_seconds=LIMIT_S,
        randomize_questions=True,
        randomize_answers=True,
        feedback=Feedback.EACH,
        questions=tuple(_question(number) for number in range(1, QUESTIONS + 1)),
    )
    quiz = authoring.create_quiz(session, author.id, document)
    viewer = Viewer(MODERATOR, DEFAULT_ROLE_PERMISSIONS[MODERATOR], author.id)
    authoring.publish(session, viewer, quiz.id)
    return quiz.id


def _question(number: int) -> Question:
    return Question(
        text=f"Which of these is the right answer to question number {number}?",
        explanation="Because one of four has to be, and this is the one that was chosen.",
        answers=tuple(
            Answer(text=f"Answer {letter}, of an ordinary length", is_correct=letter == "A")
            for letter in "ABCD"
        ),
    )


def _sign_in(session: Session, people: int) -> list[str]:
    """Sessions of new people; the services make them one by one, as at sign-in."""
    ids = [new_id() for _ in range(people)]
    users = [
        {"id": user_id, "name": f"Player {place}", "email": f"player{place}@bench.example"}
        for place, user_id in enumerate(ids, start=1)
    ]
    session.execute(sa.insert(User), users)
    return [
        identity.sign_in(session, user_id, ip_address="127.0.0.1", user_agent="bench")
        for user_id in ids
    ]
