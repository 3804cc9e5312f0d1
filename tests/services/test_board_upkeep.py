"""Keeping the boards: deleted quizzes and people, and the rebuild from stored answers."""

from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.models import PlayerStanding, Quiz, QuizAttempt, QuizBoard, QuizStanding
from respondeo.services import authoring, leaderboards, standings, users
from tests.factories import editor, player
from tests.services.boards import assert_boards_are_right
from tests.services.plays import start
from tests.services.world import World, lines


def test_deleting_a_quiz_takes_its_points_from_everybody(session: Session, world: World) -> None:
    doomed, kept = world.quiz(), world.quiz()
    world.plays("both", doomed, 3, 10)
    world.plays("both", kept, 1, 20)
    world.plays("only there", doomed, 3, 10)
    authoring.delete_quiz(session, editor(), doomed.id)
    assert lines(leaderboards.overall_board(session, user_id=None)) == [(1, "both", 1, 20)]
    assert_boards_are_right(session)


def test_deleting_a_person_takes_them_off_all_boards_and_leaves_their_quizzes(
    session: Session, world: World
) -> None:
    quiz, other = world.quiz(), world.quiz()
    for name in ("goes", "stays"):
        for one in (quiz, other):
            world.plays(name, one, 2, 5)
    other.author_id = world.user("goes").id
    session.flush()
    start(session, player(world.user("goes")), quiz)
    users.delete_user(session, world.user("goes").id)
    for one in (quiz, other):
        board = leaderboards.quiz_board(session, one.id, user_id=None)
        assert lines(board) == [(1, "stays", 2, 5)]
        assert board.players == session.get_one(QuizBoard, one.id).plays == 1
    assert author_of(session, other) is None
    assert session.scalars(sa.select(PlayerStanding.user_id)).all() == [world.user("stays").id]
    owners = session.scalars(sa.select(QuizAttempt.user_id).distinct()).all()
    assert owners == [world.user("stays").id]


def test_the_author_of_a_quiz_is_not_deleted_with_it_nor_the_board_with_the_author(
    session: Session, world: World
) -> None:
    quiz = world.quiz()
    author = quiz.author_id
    assert author is not None
    world.plays("player", quiz, 2, 5)
    users.delete_user(session, author)
    assert lines(leaderboards.quiz_board(session, quiz.id, user_id=None)) == [(1, "player", 2, 5)]
    assert author_of(session, quiz) is None


def author_of(session: Session, quiz: Quiz) -> UUID | None:
    return session.scalars(sa.select(Quiz.author_id).where(Quiz.id == quiz.id)).one()


# What is wrong, and how many rows have to be set right.
TAMPERED: dict[str, tuple[sa.Update | sa.Delete, int]] = {
    "scores": (sa.update(QuizStanding).values(correct_count=QuizStanding.correct_count + 1), 4),
    "times": (sa.update(QuizStanding).values(total_time_ms=0), 4),
    "dates": (sa.update(QuizStanding).values(completed_at=sa.func.now()), 4),
    "standings lost": (sa.delete(QuizStanding), 4),
    "sums": (sa.update(PlayerStanding).values(total_correct=99), 2),
    "quizzes played": (sa.update(PlayerStanding).values(quizzes_played=99), 2),
    "sums lost": (sa.delete(PlayerStanding), 2),
    "plays": (sa.update(QuizBoard).values(plays=99), 2),
    "players": (sa.update(QuizBoard).values(players=99), 2),
    "boards lost": (sa.delete(QuizBoard), 2),
}


@pytest.mark.parametrize(("wrong", "rows"), TAMPERED.values(), ids=TAMPERED)
def test_a_rebuild_sets_right_what_is_wrong_and_counts_it(
    session: Session, world: World, wrong: sa.Update | sa.Delete, rows: int
) -> None:
    for name in "ab":
        world.plays(name, world.here, 2, 5)
        world.plays(name, world.here, 1, 5)
        world.plays(name, world.there, 3, 5)
    session.execute(wrong)
    assert standings.rebuild(session) == rows
    session.expire_all()
    assert_boards_are_right(session)


def test_a_rebuild_takes_off_who_does_not_belong_there(session: Session, world: World) -> None:
    quiz = world.quiz()
    attempt = world.plays("e", quiz, 3, 1, who=editor(world.user("e")))
    session.add(
        QuizStanding(
            quiz_id=quiz.id,
            user_id=attempt.user_id,
            attempt_id=attempt.id,
            correct_count=3,
            total_time_ms=1,
            completed_at=attempt.completed_at,
        )
    )
    session.flush()
    assert standings.rebuild(session) > 0
    assert_boards_are_right(session)


def test_a_rebuild_of_right_boards_changes_nothing(session: Session, world: World) -> None:
    quiz = world.quiz()
    for name in "abc":
        world.plays(name, quiz, 2, 5)
    revision = session.get_one(QuizBoard, quiz.id).revision
    assert standings.rebuild(session) == 0
    session.expire_all()
    assert session.get_one(QuizBoard, quiz.id).revision == revision
