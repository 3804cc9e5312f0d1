"""Loading the demo: quizzes through the services that authors use, history through COPY."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast
from uuid import UUID, uuid5

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.demo import history
from respondeo.demo.history import DemoQuestion, DemoQuiz, PlayedAttempt
from respondeo.demo.people import Player, players
from respondeo.domain.access import DEFAULT_ROLE_PERMISSIONS, MODERATOR, Viewer
from respondeo.domain.document import Difficulty, Document, Feedback, Reveal
from respondeo.domain.errors import NotAllowed
from respondeo.models import User
from respondeo.services import authoring, content, identity, standings

CONTENT = Path(__file__).parent / "content"
SEED = 20261122
NAMES = UUID("6b7a1f0e-5a1e-4c53-9d6f-3d0f6f1f2c11")  # uids of the demo's questions are made of it
OLDEST = timedelta(days=75)
SCHEDULED_IN = timedelta(days=7)

STAFF: tuple[tuple[str, str, list[str]], ...] = (
    ("Demo Admin", "admin@demo.example", ["admin"]),
    ("Demo Creator", "creator@demo.example", ["creators"]),
    ("Demo Player", "player@demo.example", []),
)

ATTEMPT_COLUMNS = (
    "id, quiz_id, quiz_version_id, user_id, number, time_limit_ms, feedback, ranked, discloses,"
    " started_at, completed_at, timed_out, spent_ms, total_time_ms, correct_count, total_questions"
)
ANSWER_COLUMNS = (
    "attempt_id, question_id, display_order, answer_order, shown_at, answer_id, is_correct,"
    " answered_at, time_ms"
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded."""

    quizzes: int
    players: int
    attempts: int


def load_demo(session: Session) -> Loaded | None:
    """Load the demo, or do nothing and return None where its people are there already.

    Raises NotAllowed where somebody else's are.
    """
    if identity.user_by_email(session, STAFF[0][1]) is not None:
        return None
    if session.scalar(sa.select(User.id).limit(1)) is not None:
        raise NotAllowed(
            "This database has people of its own, so the demo stays out of it."
            " Unset DATABASE_URL to try the demo beside it."
        )
    now = database_time(session)
    rng = Random(SEED)
    staff = _add_staff(session)
    everybody = players(rng)
    session.execute(
        sa.insert(User), [{"id": p.id, "name": p.name, "email": p.email} for p in everybody]
    )
    quizzes = _add_quizzes(session, staff, now)
    me = Player(staff["player"], "Demo Player", "player@demo.example", 0.75, 6000, 0.5)
    played = [
        (quiz, attempt)
        for quiz in quizzes
        for player in everybody
        for attempt in history.attempts(rng, quiz, player, now)
    ]
    played += _my_own(rng, quizzes, me, now)
    session.flush()
    _copy(session, played)
    standings.rebuild(session)
    return Loaded(len(quizzes), len(everybody), len(played))


def _add_staff(session: Session) -> dict[str, UUID]:
    people = [User(name=name, email=email, groups=groups) for name, email, groups in STAFF]
    session.add_all(people)
    session.flush()
    return {user.email.partition("@")[0]: user.id for user in people}


def _add_quizzes(session: Session, staff: dict[str, UUID], now: datetime) -> list[DemoQuiz]:
    """Create, publish and schedule through `authoring`; returns the published ones."""
    files = sorted(CONTENT.glob("*.json"))
    published = []
    for place, file in enumerate(files):
        told = json.loads(file.read_text(encoding="utf-8"))
        author = staff[told["author"]]
        viewer = Viewer(MODERATOR, DEFAULT_ROLE_PERMISSIONS[MODERATOR], author)
        document = with_uids(told["slug"], told["document"])
        quiz = authoring.create_quiz(session, author, document)
        if told["publication"] == "draft":
            continue
        since = now - OLDEST * ((place + 1) / len(files))
        at = now + SCHEDULED_IN if told["publication"] == "scheduled" else since
        version = authoring.publish(session, viewer, quiz.id, at=at)
        if told["publication"] == "published":
            popularity = 0.75 - 0.5 * (place * 7 % len(files)) / len(files)
            published.append(_demo_quiz(session, version.id, quiz.id, since, popularity, document))
    return published


def with_uids(slug: str, told: dict[str, Any]) -> Document:
    """The document with uids that are the same at every load."""
    for number, question in enumerate(told["questions"]):
        question["uid"] = uuid5(NAMES, f"{slug}/{number}")
        for letter, answer in enumerate(question["answers"]):
            answer["uid"] = uuid5(NAMES, f"{slug}/{number}/{letter}")
    return Document.model_validate(told)


def _demo_quiz(
    session: Session,
    version_id: UUID,
    quiz_id: UUID,
    since: datetime,
    popularity: float,
    document: Document,
) -> DemoQuiz:
    session.flush()
    keys = content.answer_keys(session, version_id)
    return DemoQuiz(
        id=quiz_id,
        version_id=version_id,
        published_at=since,
        popularity=popularity,
        difficulty=Difficulty(document.difficulty),
        max_attempts=document.max_attempts,
        limit_ms=document.time_limit_seconds * 1000 or None,
        randomize_questions=document.randomize_questions,
        randomize_answers=document.randomize_answers,
        feedback=Feedback(document.feedback),
        reveal=Reveal(document.reveal),
        questions=[
            DemoQuestion(q.id, q.kind, [option.id for option in q.answers], keys[q.id].right_ids)
            for q in content.questions_for_players(session, version_id).values()
        ],
    )


def _my_own(
    rng: Random, quizzes: Sequence[DemoQuiz], me: Player, now: datetime
) -> list[tuple[DemoQuiz, PlayedAttempt]]:
    """The demo player has played a little: one attempt at each of two quizzes with more left."""
    several = [quiz for quiz in quizzes if (quiz.max_attempts or 0) >= 3][:2]
    yesterday = now - timedelta(days=1)
    return [(quiz, history.one_attempt(rng, quiz, me, yesterday)) for quiz in several]


def _copy(session: Session, played: Iterable[tuple[DemoQuiz, PlayedAttempt]]) -> None:
    driver = cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)
    played = list(played)
    with driver.cursor() as cursor:
        with cursor.copy(f"COPY quiz_attempt ({ATTEMPT_COLUMNS}) FROM STDIN") as out:
            for quiz, a in played:
                out.write_row(
                    (a.id, quiz.id, quiz.version_id, a.user_id, a.number, quiz.limit_ms,
                     quiz.feedback, a.ranked, a.discloses, a.started_at, a.completed_at,
                     a.timed_out, a.spent_ms, a.total_time_ms, a.correct_count, len(a.answers))
                )  # fmt: skip
        with cursor.copy(f"COPY attempt_answer ({ANSWER_COLUMNS}) FROM STDIN") as out:
            for _, a in played:
                for row in a.answers:
                    out.write_row(
                        (a.id, row.question_id, row.display_order, row.answer_order, row.shown_at,
                         row.answer_id, row.is_correct, row.answered_at, row.time_ms)
                    )  # fmt: skip
