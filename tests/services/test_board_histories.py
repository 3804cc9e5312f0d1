"""Whatever people do, the kept boards say what one plain query over the stored answers says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from respondeo.domain.access import Viewer
from respondeo.domain.errors import AttemptOver, NoAttemptsLeft
from respondeo.models import Quiz, QuizAttempt, User
from respondeo.services import authoring, standings, taking, users
from tests.conftest import Clock
from tests.factories import add_user, document, editor, guest, player, published_quiz
from tests.services.boards import assert_boards_are_right
from tests.services.plays import answer, go_on, start

T = TypeVar("T")


class History:
    """Some quizzes of all sorts, some people, and what they do next."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self.session, self.clock = session, clock
        self.people: list[User] = [add_user(session, f"Player {n}") for n in range(3)]
        self.quizzes: list[Quiz] = [
            published_quiz(session, questions=2, max_attempts=5, time_limit_seconds=60),
            published_quiz(session, questions=1),
            published_quiz(
                session, questions=2, max_attempts=2, feedback="end", reveal="always",
                randomize_questions=True, randomize_answers=True,
            ),
        ]  # fmt: skip

    def viewer(self, place: int) -> Viewer:
        """Mostly people; sometimes a guest, sometimes somebody who may edit."""
        if place == 3:
            return guest()
        if place == 4:
            return editor(self.people[0]) if self.people else guest()
        return player(self.people[place % len(self.people)]) if self.people else guest()

    def at(self, things: list[T], place: int) -> T | None:
        return things[place % len(things)] if things else None

    def play(self, who: int, which: int, seconds: int, *, right: bool) -> None:
        """Start or resume, think, answer one question."""
        quiz, viewer = self.at(self.quizzes, which), self.viewer(who)
        if quiz is None:
            return
        try:
            attempt = start(self.session, viewer, quiz)
            self.clock.advance(seconds=seconds)
            # Where the time has run out over a feedback, no further question is shown.
            if go_on(self.session, viewer, attempt).shown_at is not None:
                answer(self.session, viewer, attempt, right=right)
        except (NoAttemptsLeft, AttemptOver):
            pass

    def wait(self, _who: int, which: int, seconds: int, *, right: bool) -> None:
        """Time passes and somebody looks at a board."""
        self.clock.advance(seconds=seconds * 20)
        quiz = self.at(self.quizzes, which) if right else None
        taking.complete_overdue(self.session, quiz.id if quiz else None)

    def publish(self, _who: int, which: int, seconds: int, *, right: bool) -> None:
        """A new version: other questions, another limit, another maximum."""
        quiz = self.at(self.quizzes, which)
        if quiz is None:
            return
        changed = document(
            2, max_attempts=3 if right else None, time_limit_seconds=seconds % 2 * 30
        )
        authoring.save_draft(self.session, editor(), quiz.id, changed)
        authoring.publish(self.session, editor(), quiz.id)

    def delete_quiz(self, _who: int, which: int, _seconds: int, *, right: bool) -> None:
        quiz = self.at(self.quizzes, which)
        if quiz is not None and right:
            self.quizzes.remove(quiz)
            authoring.delete_quiz(self.session, editor(), quiz.id)

    def delete_person(self, who: int, _which: int, _seconds: int, *, right: bool) -> None:
        person = self.at(self.people, who)
        if person is not None and right:
            self.people.remove(person)
            users.delete_user(self.session, person.id)

    def assert_nothing_else_is_left(self) -> None:
        """Deleted quizzes and people took their attempts with them."""
        quizzes = set(self.session.scalars(sa.select(QuizAttempt.quiz_id)))
        people = set(self.session.scalars(sa.select(QuizAttempt.user_id)))
        assert quizzes <= {quiz.id for quiz in self.quizzes}
        assert people <= {None, *(person.id for person in self.people)}


Deed = Callable[..., None]
USUAL: list[Deed] = [History.play] * 10 + [History.wait] * 2
RARE: list[Deed] = [History.publish, History.delete_quiz, History.delete_person]

deeds = st.lists(
    st.tuples(
        st.sampled_from(USUAL + RARE),
        st.integers(0, 4),
        st.integers(0, 2),
        st.sampled_from([0, 1, 1, 7, 30, 61, 63]),
        st.booleans(),
    ),
    min_size=5,
    max_size=30,
)


@example(
    deeds=[
        (History.play, 0, 0, 30, False),
        (History.wait, 0, 0, 7, True),
        (History.play, 0, 0, 11, False),  # in the two seconds of grace, at a feedback
    ]
)
@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(deeds=deeds)
def test_boards_are_right_after_any_history(
    session: Session, clock: Clock, deeds: list[tuple[Deed, int, int, int, bool]]
) -> None:
    with session.begin_nested() as example:
        history = History(session, clock)
        for deed, who, which, seconds, right in deeds:
            deed(history, who, which, seconds, right=right)
            assert_boards_are_right(session)
        history.assert_nothing_else_is_left()
        assert standings.rebuild(session) == 0
        assert_boards_are_right(session)
        example.rollback()
