"""The boards as pages: rows, ranks, one's own row, refreshing."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from respondeo.services import content, running, starting, taking
from tests.client import Page
from tests.conftest import Clock
from tests.factories import add_user, player, published_quiz
from tests.web.apps import Browser
from tests.web.playing import Player


def play(session: Session, clock: Clock, quiz_id: UUID, name: str, right: int, ms: int) -> UUID:
    """A new person's completed attempt at a quiz of three questions; returns the person."""
    person = add_user(session, name)
    attempt = starting.start_attempt(session, player(person), quiz_id)
    clock.advance(ms=ms)
    for place in range(3):
        row = running.answers_of(session, attempt.id)[place]
        question = content.questions_for_players(session, attempt.quiz_version_id)
        choice = question[row.question_id].answers[0 if place < right else 1]
        taking.commit_answer(
            session, player(person), quiz_id, attempt.id, row.question_id, choice.id
        )
    over = taking.own_attempt(session, player(person), quiz_id, attempt.id)
    assert over.completed_at is not None
    return person.id


def rows(page: Page) -> list[tuple[int, str, str]]:
    """Rank, name and score of every row, in order."""
    return [
        (
            int(row.attrs["data-rank"]),
            row.query(".name")[0].to_text().strip(),
            "".join(row.query(".score")[0].to_text().split()),
        )
        for row in page.all("#board tbody tr")
    ]


def marked(page: Page) -> list[str]:
    """The ids of the rows that are marked as one's own."""
    return [row.attrs["data-user"] for row in page.all("#board tr.is-me")]


@pytest.fixture
def quiz_id(committed: Session, committed_clock: Clock) -> UUID:
    """A quiz with feedback at the end, on a clock that stands."""
    quiz = published_quiz(committed, feedback="end", max_attempts=3)
    committed_clock.stop()
    committed.commit()
    return quiz.id


def test_better_and_faster_comes_first_and_equals_share_a_rank(
    browser: Browser, committed: Session, committed_clock: Clock, quiz_id: UUID
) -> None:
    for name, right, ms in (
        ("Slow", 3, 9000),
        ("Twin A", 3, 2000),
        ("Wrong", 1, 100),
        ("Twin B", 3, 2000),
        ("First", 3, 1000),
    ):
        play(committed, committed_clock, quiz_id, name, right, ms)
    committed.commit()
    expected = [
        (1, "First", "3/3"),
        (2, "Twin A", "3/3"),
        (2, "Twin B", "3/3"),
        (4, "Slow", "3/3"),
        (5, "Wrong", "1/3"),
    ]
    for path in (f"/quiz/{quiz_id}", f"/quiz/{quiz_id}/results"):
        assert rows(browser().page(path)) == expected
    overall = browser().page("/leaderboard")
    assert [(rank, name) for rank, name, _ in rows(overall)] == [
        (rank, name) for rank, name, _ in expected
    ]


def test_a_board_has_pages_and_ones_own_row_is_shown_and_marked_on_each(
    browser: Browser, committed: Session, committed_clock: Clock, quiz_id: UUID
) -> None:
    people = [
        play(committed, committed_clock, quiz_id, f"Player {n:02}", 3, n * 100)
        for n in range(1, 66)
    ]
    committed.commit()
    client = browser()
    client.sign_in(people[39])
    for address in (f"/quiz/{quiz_id}/results", "/leaderboard"):
        for number, first in ((1, 1), (2, 31), (3, 61)):
            page = client.page(f"{address}?page={number}")
            assert marked(page) == [str(people[39])]
            on_page = [rank for rank, name, _ in rows(page) if name != "Player 40"]
            whole = range(first, min(first + 30, 66))
            assert on_page == [rank for rank in whole if rank != 40]
            assert f"Page {number} of 3" in page.words(".pages")
        assert rows(client.page(f"{address}?page=1"))[-1][:2] == (40, "Player 40")
        assert rows(client.page(f"{address}?page=3"))[0][:2] == (40, "Player 40")
        assert marked(browser().page(address)) == []
    top = client.page(f"/quiz/{quiz_id}")
    assert [rank for rank, _, _ in rows(top)] == [*range(1, 11), 40]
    assert marked(top) == [str(people[39])]


@pytest.mark.parametrize("page", ["0", "-1", "99", "x", "", "1e9", "9" * 40, "%00", "٣"])
def test_a_page_that_is_not_there_is_the_nearest_that_is(
    browser: Browser, committed: Session, committed_clock: Clock, quiz_id: UUID, page: str
) -> None:
    play(committed, committed_clock, quiz_id, "Only One", 3, 100)
    committed.commit()
    for address in (f"/quiz/{quiz_id}/results", "/leaderboard"):
        assert rows(browser().page(f"{address}?page={page}"))[0][1] == "Only One"
        admin = browser("An Admin", "admin")
        assert admin.page(f"{address}?attempts={page}").status == 200


def test_empty_boards_say_so(browser: Browser, quiz_id: UUID) -> None:
    for address in (f"/quiz/{quiz_id}", f"/quiz/{quiz_id}/results", "/leaderboard"):
        assert "Nobody has played this yet." in browser().page(address).words("#board")


ADDRESSES = ["/quiz/{quiz}", "/quiz/{quiz}/results", "/leaderboard"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_that_shows_the_board_already_gets_an_empty_304_until_it_changes(
    browser: Browser, committed: Session, committed_clock: Clock, quiz_id: UUID, address: str
) -> None:
    play(committed, committed_clock, quiz_id, "First", 2, 1000)
    committed.commit()
    path = address.format(quiz=quiz_id)
    client = browser("A Reader")
    board = client.page(path).one("#board")
    asks, tag = board.attrs["hx-get"], board.attrs["hx-ptag"]
    assert 10_000 <= int(board.attrs["hx-trigger"].split()[1].removesuffix("ms,")) <= 15_000

    same = client.get(asks, htmx=True, **{"HX-PTag": tag})
    assert same.status_code == 304
    assert same.get_data() == b""
    assert "HX-Request" in same.headers["Vary"]

    play(committed, committed_clock, quiz_id, "Second", 3, 1000)
    committed.commit()
    fresh = client.fragment(asks, **{"HX-PTag": tag})
    assert [name for _, name, _ in rows(fresh)] == ["Second", "First"]
    assert fresh.response.headers["HX-PTag"] == fresh.one("#board").attrs["hx-ptag"] != tag
    assert fresh.one("#board").attrs["hx-get"] == asks
    again = client.get(asks, htmx=True, **{"HX-PTag": fresh.response.headers["HX-PTag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_attempt_that_changes_nothing_on_a_board_sends_nothing(
    browser: Browser, committed: Session, committed_clock: Clock, quiz_id: UUID, address: str
) -> None:
    play(committed, committed_clock, quiz_id, "First", 2, 1000)
    committed.commit()
    client = browser("A Reader")
    board = client.page(address.format(quiz=quiz_id)).one("#board").attrs
    guest = Player(browser(), quiz_id)
    guest.play_through("AAA")
    Player(browser("Still playing"), quiz_id).start()
    same = client.get(board["hx-get"], htmx=True, **{"HX-PTag": board["hx-ptag"]})
    assert same.status_code == 304


@pytest.mark.parametrize("address", ADDRESSES)
def test_reading_a_board_completes_its_overdue_attempts(
    browser: Browser, committed: Session, committed_clock: Clock, address: str
) -> None:
    quiz = published_quiz(committed, feedback="end", time_limit_seconds=60)
    committed_clock.stop()
    committed.commit()
    late = Player(browser("Left In Mid Play"), quiz.id)
    late.answer(late.start(), "A")
    path = address.format(quiz=quiz.id)
    committed_clock.advance(seconds=61)
    committed.commit()
    assert "Left In Mid Play" not in browser().page(path).words("#board")
    committed_clock.advance(seconds=1.001)
    committed.commit()
    page = browser().page(path)
    assert "Left In Mid Play" in page.words("#board")
    assert "1:00" in page.words("#board")
    result = late.look()
    assert result.path.startswith(f"{late.quiz}/results/")


def test_the_page_of_a_board_shows_ones_own_attempts_and_to_editors_everybodys(
    browser: Browser, committed: Session, quiz_id: UUID
) -> None:
    client = browser("Ada Player")
    ada = Player(client, quiz_id)
    ada.play_through("AAA")
    ada.play_through("ABB")
    ada.start()
    own = client.page(f"{ada.quiz}/results").words("[aria-labelledby=own-title]")
    assert "Not finished" in own
    assert own.count("On the board") == 1
    assert "3/3" in own
    assert "1/3" in own
    admin = browser("An Admin", "admin").page(f"{ada.quiz}/results")
    everybody = admin.words("[aria-labelledby=all-title]")
    assert everybody.count("Ada Player") == 3
    assert "Not finished" in everybody
    for other in (browser("Another"), browser()):
        page = other.page(f"{ada.quiz}/results")
        assert not page.all("#all-title")
        assert "Not finished" not in page.text


def test_guests_attempts_are_told_to_editors_without_a_name(
    browser: Browser, committed: Session, quiz_id: UUID
) -> None:
    Player(browser(), quiz_id).play_through("AAA")
    page = browser("An Admin", "admin").page(f"/quiz/{quiz_id}/results")
    assert "None" not in page.text
    assert "A guest" in page.words("[aria-labelledby=all-title]")


def test_the_score_of_an_open_attempt_is_told_to_nobody(
    browser: Browser, committed: Session, quiz_id: UUID
) -> None:
    client = browser("Ada Player")
    ada = Player(client, quiz_id)
    ada.answer(ada.start(), "A")
    for reader in (client, browser("An Admin", "admin")):
        for path in ("/", ada.quiz, f"{ada.quiz}/results", "/leaderboard"):
            assert "1/3" not in reader.page(path).text


@pytest.mark.parametrize("address", ADDRESSES)
def test_boards_as_fragments_vary_by_who_asks(
    browser: Browser, committed: Session, committed_clock: Clock, quiz_id: UUID, address: str
) -> None:
    play(committed, committed_clock, quiz_id, "First", 2, 1000)
    committed.commit()
    path = address.format(quiz=quiz_id)
    whole = browser().get(path)
    assert "HX-Request" in whole.headers["Vary"]
    fragment = browser().fragment(path)
    assert [node.attrs["id"] for node in fragment.all("section")] == ["board"]
    restored = browser().get(path, htmx=True, **{"HX-Request-Type": "full"})
    assert Page(restored).is_whole
