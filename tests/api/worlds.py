"""One quiz with a player's attempt in some state, everybody who may call, and two answer keys.

The state is made by the services, kept, and put back after each request that may have changed it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.db import Base
from respondeo.domain.access import Viewer
from respondeo.domain.document import Document, Question
from respondeo.domain.draft import Draft
from respondeo.domain.scopes import SCOPES
from respondeo.models import Answer, Quiz, QuizAttempt, QuizDraft, User
from respondeo.models import Question as QuestionRow
from respondeo.services import api_keys, authoring, running, submitting, taking
from respondeo.services.submitting import Given
from tests.api.conftest import Program
from tests.client import SAME_ORIGIN, Client
from tests.conftest import Clock
from tests.factories import add_user, editor, question
from tests.leaks import forget_content
from tests.services.plays import start
from tests.web.playing import document_of

# The right places of each question, by its number, in one world and in the other; and what the
# player chooses: wrong in both, right in both, wrong in both. So all but the key is the same.
RIGHT = {1: 0, 2: 0, 3: 1, 4: 0}
MOVED = {1: {1, 2}, 2: {0, 1, 2}, 3: {2}, 4: {2}}
CHOICE = {1: 3, 2: 0, 3: 3, 4: 3}
ANOTHER_REASON = "For another reason, and that is number {}."
GROUPS = {"moderator": ["heads"], "admin": ["admin"], "creator": ["teachers"], "other": []}
EDITORS = frozenset({"moderator", "admin", "author"})


@dataclass(frozen=True)
class State:
    """How an attempt got where it is: `steps` done one after another.

    hidden_verdicts: nothing may tell whether an answer was right. discloses: the attempt tells
    the key of what was answered, once it tells a verdict. groups: the player's.
    """

    steps: str
    details: Mapping[str, Any] = field(default_factory=dict)
    hidden_verdicts: bool = False
    discloses: bool = False
    groups: tuple[str, ...] = ()

    @property
    def shuffles(self) -> bool:
        """Whether each attempt has an order of its own."""
        return self.steps.startswith("start")


def quiz_document(number: int = 3, **details: Any) -> Document:
    """Questions with words, pictures and explanations that appear nowhere else."""
    return document_of(
        *(secret_question(n) for n in range(1, number + 1)),
        **{"max_attempts": 3, "time_limit_seconds": 600, **details},
    )


def secret_question(number: int, version: str = "Secret") -> Question:
    plain = question(
        number,
        right=RIGHT[number],
        text=f"{version} question {number}?",
        image_url=f"https://pictures.example/{version}{number}.png",
        image_alt=f"{version} picture {number}",
        explanation=f"Because of {version} {number}.",
    )
    answers = tuple(
        one.model_copy(update={"text": f"{version} {one.text}"}) for one in plain.answers
    )
    return plain.model_copy(update={"answers": answers})


class Kept:
    """The rows of what requests may change, to be put back."""

    LEFT_ALONE = ("user", "account", "session", "apikey", "rate_limit", "media")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.tables = [
            table.name for table in Base.metadata.sorted_tables if table.name not in self.LEFT_ALONE
        ]
        session.commit()
        session.execute(sa.text("DROP SCHEMA IF EXISTS kept CASCADE"))
        session.execute(sa.text("CREATE SCHEMA kept"))
        for name in self.tables:
            session.execute(sa.text(f"CREATE TABLE kept.{name} AS TABLE public.{name}"))
        session.commit()

    def put_back(self) -> None:
        """Everything is as it was kept."""
        statements = ["SET LOCAL session_replication_role = replica"]
        for name in self.tables:
            statements += [
                f"DELETE FROM public.{name}",  # noqa: S608 - our own names
                f"INSERT INTO public.{name} SELECT * FROM kept.{name}",  # noqa: S608
            ]
        self.session.rollback()
        self.session.connection().exec_driver_sql("; ".join(statements))
        self.session.commit()


class Making:
    """A quiz and a player's attempt on their way into a state."""

    def __init__(self, session: Session, clock: Clock, state: State) -> None:
        self.session, self.clock, self.state = session, clock, state
        self.author = add_user(session, "An Author", groups=["teachers"])
        self.player = add_user(session, "A Player", groups=list(state.groups))
        self.viewer = self._viewer()
        self.attempt: QuizAttempt | None = None
        clock.stop()
        self.document = quiz_document(
            randomize_questions=state.shuffles, randomize_answers=state.shuffles, **state.details
        )
        self.quiz = authoring.create_quiz(session, self.author.id, self.document)
        if state.steps != "write":
            authoring.publish(session, editor(self.author), self.quiz.id)
            self.quiz.published_at = clock.now() - timedelta(days=2)
            for step in state.steps.split():
                name, _, value = step.partition(":")
                getattr(self, name)(*filter(None, [value]))
        session.commit()

    def _viewer(self) -> Viewer:
        if self.state.groups:
            return editor(self.player)
        may = frozenset({"quiz:play", "quiz:view", "quiz:browse", "leaderboard:submit"})
        return Viewer("user", may, self.player.id)

    def start(self) -> None:
        self.attempt = start(self.session, self.viewer, self.quiz)
        self.clock.advance(seconds=5)

    def right(self) -> None:
        """Answer right, in one world."""
        self.answer(RIGHT)

    def answer(self, choice: Mapping[int, Any] = CHOICE) -> None:
        assert self.attempt is not None
        rows = running.answers_of(self.session, self.attempt.id)
        row = next(row for row in rows if row.answered_at is None)
        asked = self.session.get_one(QuestionRow, row.question_id)
        place = choice[number_of(asked.text)]
        chosen = self.session.scalars(
            sa.select(Answer.id).where(Answer.question_id == asked.id, Answer.position == place)
        ).one()
        taking.commit_answer(
            self.session, self.viewer, self.quiz.id, self.attempt.id, asked.id, chosen
        )
        self.clock.advance(seconds=5)

    def next(self) -> None:
        assert self.attempt is not None
        taking.show_next(self.session, self.viewer, self.quiz.id, self.attempt.id)

    def wait(self, seconds: str) -> None:
        self.session.commit()
        self.clock.advance(seconds=float(seconds))

    def notice(self) -> None:
        taking.complete_overdue(self.session, self.quiz.id)

    def submit(self) -> None:
        """An attempt that comes whole, with one question that is left out."""
        given = [
            Given(asked.id, chosen, asked.number)
            for asked in questions_of(self.session, self.quiz)[:2]
            for chosen in [asked.answers[CHOICE[asked.number]]]
        ]
        submitted = submitting.submit_attempt(
            self.session, self.viewer, self.quiz.id, given, total_time_ms=900, timed_out=False
        )
        self.attempt = self.session.get_one(QuizAttempt, submitted.id)

    def republish(self) -> None:
        """The first question says something else, and there is one more."""
        _, *others = self.document.questions
        more = (secret_question(1, "Newer"), *others, secret_question(4))
        self.write(self.document.model_copy(update={"questions": more}))
        authoring.publish(self.session, editor(self.author), self.quiz.id)

    def unpublish(self) -> None:
        authoring.unpublish(self.session, editor(self.author), self.quiz.id)

    def schedule(self) -> None:
        self.quiz.published_at = self.clock.now() + timedelta(days=2)

    def scribble(self) -> None:
        """Changes that are not published."""
        first, *others = self.document.questions
        half = first.model_copy(update={"text": "Secret half typ"})
        self.write(
            self.document.model_copy(update={"title": "Secret title", "questions": (half, *others)})
        )

    def write(self, document: Document) -> None:
        authoring.save_draft(self.session, editor(self.author), self.quiz.id, document)


def number_of(text: str) -> int:
    """The number of a question, as its author wrote it."""
    return int(text.removesuffix("?").rpartition(" ")[2])


@dataclass(frozen=True)
class Asked:
    """A question of the version that is published: its id, number, and its answers' by place."""

    id: UUID
    number: int
    answers: tuple[UUID, ...]


def questions_of(session: Session, quiz: Quiz) -> list[Asked]:
    """The questions that are published, as somebody who read them elsewhere would know them."""
    rows = session.execute(
        sa.text(
            "SELECT q.id, q.text, array_agg(a.id ORDER BY a.position) FROM question q"
            " JOIN answer a ON a.question_id = q.id"
            " JOIN quiz_version_question v ON v.question_id = q.id"
            " WHERE v.quiz_version_id = :version GROUP BY q.id, v.position ORDER BY v.position"
        ),
        {"version": quiz.current_version_id},
    )
    return [Asked(row[0], number_of(row[1]), tuple(row[2])) for row in rows]


def move_key(session: Session, *, verdicts: bool) -> None:
    """Let other answers be right, for other reasons; `verdicts`: what was right was wrong."""
    session.rollback()
    session.execute(sa.text("SET LOCAL session_replication_role = replica"))
    for asked in session.scalars(sa.select(QuestionRow)).all():
        places = list(MOVED[number_of(asked.text)])
        asked.explanation = ANOTHER_REASON.format(number_of(asked.text))
        for answer in session.scalars(sa.select(Answer).where(Answer.question_id == asked.id)):
            answer.is_correct = answer.position in places
    for draft in session.scalars(sa.select(QuizDraft)):
        draft.document = moved(Draft.model_validate(draft.document))
    if verdicts:
        session.execute(sa.text("UPDATE attempt_answer SET is_correct = NOT is_correct"))
        session.execute(
            sa.text(
                "UPDATE quiz_attempt a SET correct_count = (SELECT count(*) FROM attempt_answer"
                " WHERE attempt_id = a.id AND is_correct) WHERE completed_at IS NULL"
            )
        )
    session.commit()
    forget_content()


def moved(draft: Draft) -> dict[str, Any]:
    """The draft with the other key."""
    told = draft.model_dump(mode="json", by_alias=True)
    for place, one in enumerate(told["questions"], 1):
        one["explanation"] = ANOTHER_REASON.format(place)
        for at, answer in enumerate(one["answers"]):
            answer["isCorrect"] = at in MOVED[place]
    return told


# -- who calls -------------------------------------------------------------------------------------

Ask = Callable[..., TestResponse]


@dataclass(frozen=True)
class Caller:
    """Somebody who calls. `is_player`: whose attempt it is; `edits`: may edit the quiz."""

    name: str
    ask: Ask
    user: User | None
    is_player: bool
    edits: bool


def callers(app: Flask, session: Session, made: Making) -> list[Caller]:
    """Everybody: without a key, with one, in a browser, with each scope alone."""
    found = [caller(app, session, "nobody", None), guest(app)]
    people = {name: add_user(session, name, groups=groups) for name, groups in GROUPS.items()}
    people |= {"author": made.author, "player": made.player}
    for name, user in people.items():
        edits = name in EDITORS or (name == "player" and bool(made.state.groups))
        found.append(caller(app, session, name, user, edits=edits))
        if name in {"player", "author"}:
            found += [
                caller(app, session, f"{name}, {scope}", user, (scope,), edits=edits)
                for scope in SCOPES
            ]
    found.append(in_browser(app, session, made))
    session.commit()
    return found


def caller(
    app: Flask,
    session: Session,
    name: str,
    user: User | None,
    scopes: tuple[str, ...] = SCOPES,
    *,
    edits: bool = False,
) -> Caller:
    """A program with a key of this person, or without one."""
    key = None
    if user is not None:
        key = api_keys.create_key(
            session, user.id, name, scopes=scopes, expires_days=None, requests_per_minute=10**6
        )
    is_player = name.startswith("player")
    return Caller(name, Program(app, key, user).request, user, is_player, edits)


def in_browser(app: Flask, session: Session, made: Making) -> Caller:
    """The player without a key, signed in."""
    session.commit()
    client = Client(app)
    client.sign_in(made.player.id)
    edits = bool(made.state.groups)
    return Caller("player in a browser", _asking(client), made.player, True, edits)


def guest(app: Flask) -> Caller:
    """Somebody signed out whose browser has a guest's token."""
    client = Client(app)
    client.http.set_cookie(client.guest_cookie, "a guest's cookie that is long enough")
    return Caller("guest", _asking(client), None, False, False)


def _asking(client: Client) -> Ask:
    def ask(method: str, path: str, body: Any = None) -> TestResponse:
        how = {"json": body} if body is not None else {}
        return client.open(path, method=method, headers=SAME_ORIGIN, **how)

    return ask
