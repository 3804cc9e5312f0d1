"""The boards, as lists."""

from __future__ import annotations

from uuid import UUID

from flask import request

from respondeo.api import asking
from respondeo.api.bodies import Body, body
from respondeo.api.endpoints import Operation, serves
from respondeo.api.schemas.boards import BoardEntry, OverallEntry
from respondeo.api.schemas.lists import Listed, Window
from respondeo.api.schemas.parts import User
from respondeo.db import reader
from respondeo.services import overall, quiz_pages
from respondeo.services.leaderboards import Board, Row

TAG = "Boards"


class BoardWindow(Window):
    """Which part of a board is wanted."""


class QuizBoardPage(Listed[BoardEntry]):
    """One page of a quiz's board."""


class OverallBoardPage(Listed[OverallEntry]):
    """One page of the global board."""


@serves(
    Operation(
        "quiz_leaderboard",
        "GET",
        "/quizzes/{quiz_id}/leaderboard",
        "Read a quiz’s board",
        "One row for each player: more right answers first, then less time.",
        TAG,
        "quizzes:read",
        "leaderboard:view",
        {200: (QuizBoardPage,)},
        refuses=(404,),
        query=BoardWindow,
    ),
    asks=quiz_pages.to_be_asked,
)
def quiz_leaderboard(quiz_id: UUID, query: BoardWindow) -> Body:
    viewer = asking.demand(None, "quiz:view").viewer
    board = quiz_pages.board(reader(), viewer, quiz_id, page=query.number, size=query.size)
    return body(
        ("board", board.name, query.number) if board.name is not None else None,
        lambda: QuizBoardPage.of(
            [_entry(row) for row in _rows(board, query)], board.players, query
        ),
    )


@serves(
    Operation(
        "leaderboard",
        "GET",
        "/leaderboard",
        "Read the global board",
        "The sum of each player’s best attempts. It counts no further than 10,000 players.",
        TAG,
        "quizzes:read",
        "leaderboard:view",
        {200: (OverallBoardPage,)},
        query=BoardWindow,
    ),
    asks=lambda: () if request.args else overall.to_be_asked(BoardWindow().size),
)
def leaderboard(query: BoardWindow) -> Body:
    board = overall.board(reader(), user_id=None, page=query.number, size=query.size)
    return body(
        ("all", board.name, board.players, query.number) if board.name is not None else None,
        lambda: OverallBoardPage.of(
            [_overall(row) for row in _rows(board, query)], board.players, query
        ),
    )


def _rows(board: Board, query: Window) -> tuple[Row, ...]:
    """What is on the page that was asked for; a page shows the last one where there is none."""
    return board.rows if board.page == query.number else ()


def _user(row: Row) -> User:
    return User(id=row.user_id, name=row.name, display_name=row.name, image=row.image)


def _entry(row: Row) -> BoardEntry:
    assert row.attempt_id is not None
    assert row.quiz_id is not None
    assert row.total is not None
    assert row.completed_at is not None
    return BoardEntry(
        rank=row.rank,
        id=row.attempt_id,
        attempt_id=row.attempt_id,
        quiz_id=row.quiz_id,
        user_id=row.user_id,
        correct_count=row.score,
        total_questions=row.total,
        total_time_ms=row.time_ms,
        timed_out=row.timed_out,
        completed_at=row.completed_at,
        user=_user(row),
    )


def _overall(row: Row) -> OverallEntry:
    return OverallEntry(
        rank=row.rank,
        user_id=row.user_id,
        total_correct=row.score,
        total_time_ms=row.time_ms,
        quizzes_played=row.quizzes_played or 0,
        user=_user(row),
    )
