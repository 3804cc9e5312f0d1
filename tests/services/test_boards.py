"""The boards: order, shared ranks, pages, one's own row, and the tags of their pages."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.models import QuizAttempt
from respondeo.prepared import Reader, driver_of
from respondeo.services import leaderboards
from tests.conftest import Clock
from tests.factories import add_user, player
from tests.services.boards import assert_boards_are_right
from tests.services.plays import answer, go_on, result_of, start
from tests.services.world import World, boards_of, lines

# -- order --------------------------------------------------------------------------------------


def test_more_right_answers_come_first_then_less_time_and_equals_share_a_rank(
    session: Session, world: World
) -> None:
    quiz = world.quiz()
    for name, right, seconds in [
        ("slow", 3, 30), ("wrong", 0, 1), ("first twin", 2, 20), ("fast", 3, 10),
        ("second twin", 2, 20), ("behind them", 2, 21),
    ]:  # fmt: skip
        world.plays(name, quiz, right, seconds)
    assert lines(leaderboards.quiz_board(session, quiz.id, user_id=None)) == [
        (1, "fast", 3, 10),
        (2, "slow", 3, 30),
        (3, "first twin", 2, 20),  # completed earlier
        (3, "second twin", 2, 20),
        (5, "behind them", 2, 21),
        (6, "wrong", 0, 1),
    ]


def test_the_global_board_sums_the_attempts_that_count(session: Session, world: World) -> None:
    first, second = world.quiz(), world.quiz()
    world.plays("both", first, 1, 50)
    world.plays("both", first, 3, 40)  # this one counts
    world.plays("both", second, 2, 5)
    world.plays("quick", first, 3, 10)
    world.plays("quick", second, 2, 35)
    world.plays("one", first, 3, 1)
    board = leaderboards.overall_board(session, user_id=None)
    assert lines(board) == [(1, "both", 5, 45), (1, "quick", 5, 45), (3, "one", 3, 1)]
    assert [row.quizzes_played for row in board.rows] == [2, 2, 1]


@pytest.mark.parametrize(
    ("attempts", "counting"),
    [
        ([(1, 10), (2, 90)], 1),
        ([(2, 90), (1, 10)], 0),
        ([(2, 20), (2, 10)], 1),
        ([(2, 10), (2, 20)], 0),
        ([(2, 10), (2, 10), (2, 10)], 0),
        ([(0, 5), (0, 4)], 1),
        ([(1, 9), (3, 9), (2, 1), (3, 8), (3, 9)], 3),
    ],
)
def test_the_best_attempt_counts_and_of_equals_the_earlier(
    session: Session, world: World, attempts: list[tuple[int, int]], counting: int
) -> None:
    quiz = world.quiz()
    played = [world.plays("player", quiz, *how) for how in attempts]
    row = leaderboards.quiz_board(session, quiz.id, user_id=None).rows[0]
    assert row.attempt_id == played[counting].id
    assert row.completed_at == played[counting].completed_at
    assert (row.score, row.time_ms // 1000, row.total) == (*attempts[counting], 3)
    shown = [result_of(session, player(world.user("player")), a).place.counts for a in played]
    assert shown.index(True) == counting
    assert sum(shown) == 1
    assert_boards_are_right(session)


def test_a_timed_out_attempt_stands_with_the_limit_as_its_time(
    session: Session, world: World, clock: Clock
) -> None:
    quiz, viewer = world.quiz(), player(world.user("late"))
    answer(session, viewer, start(session, viewer, quiz))
    clock.advance(seconds=603)
    go_on(session, viewer, session.scalars(sa.select(QuizAttempt)).one())
    row = leaderboards.quiz_board(session, quiz.id, user_id=None).rows[0]
    assert (row.score, row.time_ms, row.timed_out) == (1, 600_000, True)


# -- pages and one's own row --------------------------------------------------------------------


def test_ranks_go_on_over_pages_and_so_does_a_shared_one(session: Session, world: World) -> None:
    quiz = world.quiz()
    for name, seconds in [("a", 1), ("b", 2), ("c", 2), ("d", 2), ("e", 3)]:
        world.plays(name, quiz, 3, seconds)
    for board_of in boards_of(session, quiz, size=2):
        pages = [board_of(None, page) for page in (1, 2, 3)]
        assert [[row.rank for row in page.rows] for page in pages] == [[1, 2], [2, 2], [5]]
        assert {row.name for page in pages for row in page.rows} == set("abcde")
        assert {(page.players, page.pages) for page in pages} == {(5, 3)}


def test_pages_of_any_size_are_parts_of_the_same_board(session: Session, world: World) -> None:
    quiz, results = world.quiz(), []
    for number in range(33):
        right, seconds = 3 - number % 2, 1 + number // 8
        world.plays(f"player {number}", quiz, right, seconds)
        results.append((-right, seconds, number))
    results.sort()
    whole = [
        (1 + sum(one[:2] < result[:2] for one in results), f"player {result[2]}")
        for result in results
    ]
    reader = Reader(lambda: driver_of(session), lambda: session)
    state = leaderboards.quiz_board_state(session, quiz.id)
    for size in (1, 29, 30, 31, 100):
        for page in (1, 2, 33):
            for _ in ("made", "kept"):
                known = leaderboards.kept_board(
                    reader, state, quiz.id, user_id=None, page=page, size=size
                )
                asked = leaderboards.quiz_board(
                    session, quiz.id, user_id=None, page=page, size=size
                )
                before = (known.page - 1) * size
                shown = [(row.rank, row.name) for row in known.rows]
                assert shown == whole[before : before + size], (size, page)
                assert asked.rows == known.rows


@pytest.mark.parametrize(("asked", "page"), [(-5, 1), (0, 1), (2, 2), (3, 2), (10**9, 2)])
def test_a_page_that_is_not_there_is_the_nearest(
    session: Session, world: World, asked: int, page: int
) -> None:
    quiz = world.quiz()
    for name in "abc":
        world.plays(name, quiz, 1, 1)
    board = leaderboards.quiz_board(session, quiz.id, user_id=None, page=asked, size=2)
    assert (board.page, len(board.rows)) == (page, 2 if page == 1 else 1)
    assert leaderboards.overall_board(session, user_id=None, page=asked, size=2).page == page


def test_ones_own_row_is_given_where_the_page_does_not_hold_it(
    session: Session, world: World
) -> None:
    quiz = world.quiz()
    for name, seconds in [("a", 1), ("b", 2), ("c", 2), ("me", 2), ("e", 3)]:
        world.plays(name, quiz, 3, seconds)
    me = world.user("me").id
    for board_of in boards_of(session, quiz, size=2):
        own = board_of(me, 1).own
        assert own is not None
        assert (own.user_id, own.rank, own.score, own.time_ms) == (me, 2, 3, 2_000)
        own_by_page = {page: board_of(me, page).own is not None for page in (1, 2, 3)}
        holding = next(p for p in (2, 3) if me in {r.user_id for r in board_of(me, p).rows})
        assert own_by_page == {page: page != holding for page in (1, 2, 3)}
        assert board_of(None, 1).own is None
        assert board_of(add_user(session).id, 1).own is None


def test_an_empty_board_has_one_empty_page(session: Session, world: World) -> None:
    for board in (
        leaderboards.quiz_board(session, world.quiz().id, user_id=None),
        leaderboards.overall_board(session, user_id=None),
    ):
        assert (board.rows, board.own, board.players, board.page, board.pages) == (
            (), None, 0, 1, 1,
        )  # fmt: skip


def test_the_global_board_counts_its_players_only_so_far(
    session: Session, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaderboards, "COUNTED_PLAYERS", 2)
    quiz, boards = world.quiz(), []
    for name in "abc":
        world.plays(name, quiz, 1, ord(name))
        boards.append(leaderboards.overall_board(session, user_id=None, size=1))
    assert [(board.players, board.more_players) for board in boards] == [
        (1, False), (2, False), (2, True),
    ]  # fmt: skip
    assert boards[1].rows == boards[2].rows
    assert boards[1].tag != boards[2].tag


@pytest.mark.parametrize(
    ("others", "rank", "better_than"),
    [
        ([], 1, None),
        ([(3, 5)], 1, 0),  # level with me
        ([(3, 5), (3, 5)], 1, 0),
        ([(2, 5)], 1, 100),
        ([(3, 4)], 2, 0),
        ([(3, 4), (3, 5), (3, 6), (0, 1)], 2, 50),
    ],
)
def test_a_result_says_its_rank_and_how_many_did_worse(
    session: Session,
    world: World,
    others: list[tuple[int, int]],
    rank: int,
    better_than: int | None,
) -> None:
    quiz = world.quiz()
    mine = world.plays("me", quiz, 3, 5)
    for number, how in enumerate(others):
        world.plays(f"other {number}", quiz, *how)
    shown = result_of(session, player(world.user("me")), mine).place
    assert (shown.rank, shown.better_than, shown.players) == (rank, better_than, len(others) + 1)
