"""Quizzes, people who play them as told, and their boards."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.orm import Session

from respondeo.domain.access import Viewer
from respondeo.models import Quiz, QuizAttempt, User
from respondeo.services import leaderboards, users
from respondeo.services.leaderboards import Board
from tests.conftest import Clock
from tests.factories import add_user, player, published_quiz
from tests.services.plays import answer, start


class World:
    """Quizzes of three questions that anybody may play ten times, and people who play them."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self.session, self.clock = session, clock
        self.people: dict[str, User] = {}
        self.here, self.there = self.quiz(), self.quiz()

    def quiz(self) -> Quiz:
        return published_quiz(
            self.session, questions=3, max_attempts=10, time_limit_seconds=600, feedback="end"
        )

    def user(self, name: str) -> User:
        if name not in self.people:
            self.people[name] = add_user(self.session, name)
        return self.people[name]

    def delete(self, name: str) -> None:
        users.delete_user(self.session, self.people.pop(name).id)

    def plays(
        self, name: str, quiz: Quiz, right: int, seconds: int, *, who: Viewer | None = None
    ) -> QuizAttempt:
        """An attempt with so many right answers that takes so long."""
        viewer = who or player(self.user(name))
        attempt = start(self.session, viewer, quiz)
        self.clock.advance(seconds=seconds)
        for number in range(3):
            answer(self.session, viewer, attempt, right=number < right)
        return attempt


BoardOf = Callable[[UUID | None, int], Board]


def boards_of(session: Session, quiz: Quiz, *, size: int) -> tuple[BoardOf, BoardOf]:
    """The quiz's board and the global one, for a person and a page."""

    def of_quiz(user_id: UUID | None, page: int) -> Board:
        return leaderboards.quiz_board(session, quiz.id, user_id=user_id, page=page, size=size)

    def overall(user_id: UUID | None, page: int) -> Board:
        return leaderboards.overall_board(session, user_id=user_id, page=page, size=size)

    return of_quiz, overall


def lines(board: Board) -> list[tuple[int, str, int, int]]:
    """Rank, name, score and seconds of each row."""
    return [(row.rank, row.name, row.score, row.time_ms // 1000) for row in board.rows]
