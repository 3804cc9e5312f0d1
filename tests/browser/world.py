"""What there is on the server under test: quizzes, people, attempts; and its clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.document import Answer, Document, Question
from respondeo.domain.draft import Draft, draft_of
from respondeo.models import QuizAttempt, QuizDraft, User
from respondeo.services import authoring, identity, passwords, running, starting, taking
from respondeo.web.auth.demo import DEMO_PEOPLE
from tests import factories
from tests.conftest import run_on_server


@dataclass(frozen=True, slots=True)
class Someone:
    """A person, and the token of a session of theirs."""

    id: UUID
    name: str
    token: str


@dataclass(frozen=True, slots=True)
class Stored:
    """One answered question of an attempt, as the database has it."""

    text: str
    is_correct: bool
    time_ms: int


class World:
    """Everything that a test puts on the server or reads from it, each step committed."""

    def __init__(self, engine: sa.Engine, url: str) -> None:
        self.engine = engine
        self.url = url

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that commits at its end."""
        with Session(self.engine) as session:
            yield session
            session.commit()

    # -- people and quizzes --

    def person(self, name: str = "A Player", *, groups: list[str] | None = None) -> Someone:
        """A person who is signed in."""
        with self.session() as session:
            user = factories.add_user(session, name, groups=groups)
            token = identity.sign_in(session, user.id, ip_address=None, user_agent="tests")
            return Someone(user.id, name, token)

    def with_password(self, name: str, email: str, password: str) -> Someone:
        """A person who is signed in, and can sign in elsewhere with a password."""
        with self.session() as session:
            user = factories.add_user(session, name)
            user.email = email
            passwords.set_password(session, user.id, password)
            token = identity.sign_in(
                session, user.id, ip_address="192.0.2.7", user_agent="tests", provider_id="local"
            )
            return Someone(user.id, name, token)

    def demo_people(self) -> None:
        """The people of the sign-in page."""
        with self.session() as session:
            session.add_all(User(name=one.name, email=one.email) for one in DEMO_PEOPLE)

    def quiz(self, questions: int | Sequence[Question] = 3, **changes: Any) -> UUID:
        """A published quiz; the right answer of each question is its first."""
        if not isinstance(questions, int):
            changes["questions"] = tuple(questions)
        document = factories.document(3 if "questions" in changes else int(str(questions)))
        document = Document(**(dict(document) | changes))
        with self.session() as session:
            return factories.published_quiz(session, document).id

    def draft(self, title: str) -> UUID:
        """A quiz of which there is only a title."""
        with self.session() as session:
            author = factories.add_user(session, "An Author")
            return authoring.create_quiz(session, author.id, Draft(title=title)).id

    def rewrite(self, quiz: UUID) -> None:
        """Change the draft: another title, one question reworded, one gone, one new."""
        with self.session() as session:
            draft = authoring.editing(session, factories.editor(), quiz).draft
            first, *_, last = draft.questions
            changed = {
                "title": f"{draft.title}!",
                "questions": (
                    last.model_copy(update={"text": f"{last.text}?"}),
                    *draft_of(factories.document(1)).questions,
                    first,
                ),
            }
            authoring.save_draft(
                session, factories.editor(), quiz, draft.model_copy(update=changed)
            )

    def schedule(self, quiz: UUID) -> None:
        """Publish the quiz tomorrow instead."""
        with self.session() as session:
            session.execute(
                sa.text(
                    "UPDATE quiz SET published_at = clock_timestamp() + interval '1 day'"
                    " WHERE id = :quiz"
                ),
                {"quiz": quiz},
            )

    def delete(self, quiz: UUID) -> None:
        """Somebody deletes the quiz."""
        with self.session() as session:
            authoring.delete_quiz(session, factories.editor(), quiz)

    def unfinish(self, quiz: UUID) -> None:
        """Take the title out of the quiz's draft."""
        with self.session() as session:
            draft = Draft.model_validate(session.get_one(QuizDraft, quiz).document)
            untitled = draft.model_copy(update={"title": ""})
            authoring.save_draft(session, factories.editor(), quiz, untitled)

    def reword(self, quiz: UUID) -> None:
        """Publish the quiz with its first question in other words."""
        with self.session() as session:
            draft = session.get_one(QuizDraft, quiz)
            document = Document.model_validate(draft.document)
            first, *others = document.questions
            reworded = first.model_copy(update={"text": "In other words?"})
            changed = document.model_copy(update={"questions": (reworded, *others)})
            authoring.save_draft(session, factories.editor(), quiz, changed)
            authoring.publish(session, factories.editor(), quiz)

    # -- other people's plays --

    def attempt(
        self, who: Someone, quiz: UUID, right: int = 0, wrong: int = 0, *, seconds: float = 0
    ) -> UUID:
        """An attempt, through the services: so many right answers, then so many wrong ones.

        It is over where that is all of them. `seconds` pass before the first answer.
        """
        with self.session() as session:
            user = session.get_one(User, who.id)
            viewer = factories.player(user)
            attempt = starting.start_attempt(session, viewer, quiz)
            self._let_pass(session, seconds)
            for place in range(right + wrong):
                row = running.answers_of(session, attempt.id)[place]
                option = self._option(session, row, right=place < right)
                taking.commit_answer(session, viewer, quiz, attempt.id, row.question_id, option)
                if place < right + wrong - 1:
                    taking.show_next(session, viewer, quiz, attempt.id)
            self._let_pass(session, -seconds)
            return attempt.id

    @staticmethod
    def _option(session: Session, row: running.Answer, *, right: bool) -> UUID:
        found = session.scalar(
            sa.text(
                "SELECT id FROM answer WHERE question_id = :question AND is_correct = :right"
                " ORDER BY position LIMIT 1"
            ),
            {"question": row.question_id, "right": right},
        )
        assert isinstance(found, UUID)
        return found

    # -- what is stored --

    def attempts(self, quiz: UUID) -> list[QuizAttempt]:
        """All attempts at the quiz, oldest first."""
        with Session(self.engine, expire_on_commit=False) as session:
            found = sa.select(QuizAttempt).where(QuizAttempt.quiz_id == quiz)
            return list(session.scalars(found.order_by(QuizAttempt.started_at)))

    def answers(self, quiz: UUID) -> list[Stored]:
        """All answers given at the quiz, in the order of the questions."""
        with Session(self.engine) as session:
            rows = session.execute(
                sa.text(
                    "SELECT a.text, g.is_correct, g.time_ms FROM attempt_answer g"
                    " JOIN answer a ON a.id = g.answer_id"
                    " JOIN quiz_attempt t ON t.id = g.attempt_id"
                    " WHERE t.quiz_id = :quiz ORDER BY t.started_at, g.display_order"
                ),
                {"quiz": quiz},
            )
            return [Stored(*row) for row in rows]

    # -- the clock --

    def pass_time(self, seconds: float) -> None:
        """Turn the database's clock: so much time has passed."""
        with self.session() as session:
            self._let_pass(session, seconds)

    def leave_time(self, quiz: UUID, *, seconds: float) -> None:
        """Turn the database's clock so that the open attempt at the quiz has so much left."""
        with self.session() as session:
            session.execute(
                sa.text(
                    "UPDATE turned.clock SET ahead = ahead + ("
                    "SELECT deadline_at - clock_timestamp() - :left FROM quiz_attempt"
                    " WHERE quiz_id = :quiz AND completed_at IS NULL)"
                ),
                {"quiz": quiz, "left": timedelta(seconds=seconds)},
            )

    def stop_clock(self) -> None:
        """Let the database's clock stand; `pass_time` still turns it."""
        with self.session() as session:
            session.execute(
                sa.text("UPDATE turned.clock SET stopped_at = clock_timestamp(), ahead = '0'")
            )

    def time_is_up(self, quiz: UUID) -> None:
        """Stop the clock just after the open attempt's limit, inside the grace."""
        self.leave_time(quiz, seconds=-0.1)
        self.stop_clock()

    @staticmethod
    def _let_pass(session: Session, seconds: float) -> None:
        session.execute(
            sa.text("UPDATE turned.clock SET ahead = ahead + :passed"),
            {"passed": timedelta(seconds=seconds)},
        )

    # -- trouble --

    @contextmanager
    def clock_broken(self) -> Iterator[None]:
        """The database tells no time that anything here understands."""
        with self.session() as session:
            session.execute(sa.text("UPDATE turned.clock SET ahead = 'infinity'"))
        try:
            yield
        finally:
            with self.session() as session:
                session.execute(sa.text("UPDATE turned.clock SET ahead = '0'"))

    @contextmanager
    def database_away(self) -> Iterator[None]:
        """The database lets nobody in, and whoever is in it is out."""
        name = self.engine.url.database
        run_on_server(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        run_on_server(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608 - a constant
        )
        try:
            yield
        finally:
            run_on_server(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")


def question(text: str, *answers: str, right: int = 0, **changes: Any) -> Question:
    """A question in these words; the right answer is at the given place, from 0."""
    return Question(
        text=text,
        answers=tuple(
            Answer(text=answer, is_correct=place == right) for place, answer in enumerate(answers)
        ),
        **changes,
    )
