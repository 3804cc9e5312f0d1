"""`flask leaderboards rebuild`."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.models import PlayerStanding, QuizBoard, QuizStanding
from tests.conftest import Clock
from tests.factories import add_user, player, published_quiz
from tests.services.boards import assert_boards_are_right
from tests.services.plays import play, start

REBUILD = ["leaderboards", "rebuild"]


def test_rebuilding_right_boards_says_that_nothing_had_to_change(
    app: Flask, committed: Session
) -> None:
    play(committed, player(add_user(committed)), published_quiz(committed))
    committed.commit()
    result = app.test_cli_runner().invoke(args=REBUILD)
    assert (result.exit_code, result.output) == (0, "Rebuilt: nothing had to change.\n")


def test_rebuilding_wrong_boards_sets_them_right_and_says_so(
    app: Flask, committed: Session
) -> None:
    play(committed, player(add_user(committed)), published_quiz(committed))
    committed.execute(sa.update(QuizStanding).values(correct_count=99))
    committed.execute(sa.delete(PlayerStanding))
    committed.commit()
    result = app.test_cli_runner().invoke(args=REBUILD)
    assert result.exit_code == 0
    assert "have been set right" in result.output
    assert_boards_are_right(committed)
    again = app.test_cli_runner().invoke(args=REBUILD)
    assert "nothing had to change" in again.output


def test_rebuilding_completes_all_that_is_overdue_first(
    app: Flask, committed: Session, committed_clock: Clock
) -> None:
    committed_clock.stop()
    quiz = published_quiz(committed, questions=1, time_limit_seconds=60)
    for _ in range(103):
        start(committed, player(add_user(committed)), quiz)
    committed_clock.advance(seconds=63)
    committed.commit()
    result = app.test_cli_runner().invoke(args=REBUILD)
    assert result.exit_code == 0
    board = committed.get_one(QuizBoard, quiz.id, populate_existing=True)
    assert (board.plays, board.players) == (103, 103)
    assert_boards_are_right(committed)
