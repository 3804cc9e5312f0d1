"""The boards: order, shared ranks, pages, one's own row, and the tags of their pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.access import Viewer
from respondeo.models import PlayerStanding, Quiz, QuizAttempt, QuizBoard, QuizStanding, User
from respondeo.services import authoring, identity, leaderboards, results, standings
from respondeo.services.leaderboards import Board
from tests.conftest import Clock
from tests.factories import add_user, editor, guest, player, published_quiz
from tests.services.boards import assert_boards_are_right
from tests.services.plays import answer, go_on, start


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
        identity.delete_user(self.session, self.people.pop(name).id)

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


@pytest.fixture
def world(session: Session, clock: Clock) -> World:
    return World(session, clock)


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
    shown = [results.result(session, player(world.user("player")), a).counts for a in played]
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
    shown = results.result(session, player(world.user("me")), mine)
    assert (shown.rank, shown.better_than, shown.players) == (rank, better_than, len(others) + 1)


# -- tags ---------------------------------------------------------------------------------------

# What happens, and whether the quiz's board and the global board look different afterwards.
EVENTS: dict[str, tuple[Callable[[World], object], bool, bool]] = {
    "a newcomer": (lambda w: w.plays("new", w.here, 0, 9), True, True),
    "a better result": (lambda w: w.plays("b", w.here, 3, 1), True, True),
    "a worse result": (lambda w: w.plays("a", w.here, 0, 9), False, False),
    "an equal result": (lambda w: w.plays("a", w.here, 2, 2), False, False),
    "an editor's result": (
        lambda w: w.plays("e", w.here, 3, 1, who=editor(w.user("e"))), False, False,
    ),
    "a guest's result": (lambda w: w.plays("guest", w.here, 3, 1, who=guest()), False, False),
    "a start": (lambda w: start(w.session, player(w.user("b")), w.here), False, False),
    "a result elsewhere": (lambda w: w.plays("a", w.there, 2, 1), False, True),
    "somebody on the board goes": (lambda w: w.delete("b"), True, True),
    "somebody not on the board goes": (lambda w: w.delete("reader"), False, False),
    "another quiz goes": (
        lambda w: authoring.delete_quiz(w.session, editor(), w.there.id), False, True,
    ),
    "a rebuild": (lambda w: standings.rebuild(w.session), False, False),
    "a rebuild of wrong times": (lambda w: standings.rebuild(w.session), True, False),
    "a rebuild of a wrong count": (lambda w: standings.rebuild(w.session), True, False),
    "a rebuild of wrong sums": (lambda w: standings.rebuild(w.session), False, True),
}  # fmt: skip
WRONG: dict[str, sa.Update] = {
    "a rebuild of wrong times": sa.update(QuizStanding).values(total_time_ms=1),
    "a rebuild of a wrong count": sa.update(QuizBoard).values(players=9),
    "a rebuild of wrong sums": sa.update(PlayerStanding).values(total_correct=9),
}


@pytest.mark.parametrize("event", EVENTS)
def test_a_tag_changes_when_what_is_shown_does_and_not_otherwise(
    session: Session, world: World, event: str
) -> None:
    for place, name in enumerate("ab"):
        world.plays(name, world.here, 2, 2 + place)
        world.plays(name, world.there, 1, 5)
    if event in WRONG:
        session.execute(WRONG[event])
    readers = [None, world.user("a").id, world.user("reader").id]
    happen, *differs = EVENTS[event]

    def looks(board_of: BoardOf) -> list[Board]:
        session.expire_all()
        return [board_of(user, page) for user in readers for page in (1, 2)]

    before = [looks(board_of) for board_of in boards_of(session, world.here, size=1)]
    happen(world)
    after = [looks(board_of) for board_of in boards_of(session, world.here, size=1)]
    for old, new, different in zip(before, after, differs, strict=True):
        changed = [untagged(o) != untagged(n) for o, n in zip(old, new, strict=True)]
        tagged = [o.tag != n.tag for o, n in zip(old, new, strict=True)]
        assert any(changed) is any(tagged) is different
        assert all(new_tag for new_tag, change in zip(tagged, changed, strict=True) if change)


def untagged(board: Board) -> Board:
    return replace(board, tag="")


def test_the_cheap_tag_is_the_tag_of_the_board(session: Session, world: World) -> None:
    for place in range(leaderboards.PAGE_SIZE + 1):
        world.plays(str(place), world.here, 3, place)
    quiz_id, me = world.here.id, world.user("0").id
    tags = [leaderboards.quiz_board_tag(session, quiz_id, page, me) for page in (1, 2, 99)]
    boards = [
        leaderboards.quiz_board(session, quiz_id, user_id=me, page=page) for page in (1, 2, 99)
    ]
    assert tags == [board.tag for board in boards]
    assert tags[0] != tags[1] == tags[2]
    assert leaderboards.quiz_board_tag(session, quiz_id, 1, None) != tags[0]


# -- deleting and rebuilding --------------------------------------------------------------------


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
    identity.delete_user(session, world.user("goes").id)
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
    identity.delete_user(session, author)
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
