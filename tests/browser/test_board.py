"""An open board keeps itself current while others play."""

from __future__ import annotations

from playwright.sync_api import Page, Response, Route, expect

from tests.browser.visitor import PHONE, Visit, answer, wait_said
from tests.browser.world import World

ASK = "() => new BroadcastChannel('respondeo').postMessage('result')"


def rows(page: Page) -> list[str]:
    """The names on the board, from the top."""
    return page.locator("#board tbody tr .name").all_inner_texts()


def is_refresh(response: Response) -> bool:
    """Whether htmx asked for this, and not somebody who opened a page."""
    return response.request.headers.get("hx-request") == "true"


def test_an_open_board_shows_another_players_result_by_itself(world: World, visit: Visit) -> None:
    quiz = world.quiz(3)
    ada, bob = world.person("Ada"), world.person("Bob")
    world.attempt(ada, quiz, right=2, wrong=1, seconds=30)
    page = visit(ada).go(f"/quiz/{quiz}/results")
    assert rows(page) == ["Ada"]
    world.attempt(bob, quiz, right=3, seconds=40)
    # Nobody does anything: the page asks every 10 to 15 seconds.
    expect(page.locator("#board tbody tr")).to_have_count(2, timeout=25_000)
    assert rows(page) == ["Bob", "Ada"]
    mine = page.locator("#board tr.is-me")
    expect(mine).to_contain_text("Ada")
    expect(mine).to_contain_text("you")
    expect(mine.get_by_role("img", name="down 1 place")).to_be_visible()
    wait_said(page, "You are down 1 place, now number 2.")


def test_a_board_in_another_tab_knows_ones_own_result_at_once(world: World, visit: Visit) -> None:
    quiz = world.quiz(1)
    ada, bob = world.person("Ada"), world.person("Bob")
    world.attempt(bob, quiz, right=0, wrong=1, seconds=5)
    visitor = visit(ada)
    board = visitor.go(f"/quiz/{quiz}/results")
    other = visitor.tab(f"/quiz/{quiz}")
    other.get_by_role("button", name="Start").click()
    answer(other, "Answer A of 1")
    assert rows(board) == ["Bob"]
    with board.expect_response(is_refresh) as asked:
        other.get_by_role("link", name="See your result").click()
    assert asked.value.status == 200
    expect(board.locator("#board tr.is-me")).to_contain_text("Ada")
    assert rows(board) == ["Ada", "Bob"]
    expect(board.locator("#board").get_by_role("img", name="down 1 place")).to_be_visible()


def test_nothing_is_sent_when_nothing_changed(world: World, visit: Visit) -> None:
    quiz = world.quiz(1)
    world.attempt(world.person("Bob"), quiz, right=1)
    visitor = visit(world.person())
    for path in (f"/quiz/{quiz}", f"/quiz/{quiz}/results", "/leaderboard"):
        page = visitor.go(path)
        before = page.locator("#board").inner_html()
        with page.expect_response(is_refresh) as asked:
            visitor.tab(f"/quiz/{quiz}").evaluate(ASK)
        assert asked.value.status == 304, path
        assert asked.value.request.sizes()["responseBodySize"] == 0
        assert page.locator("#board").inner_html() == before
        expect(page.locator("#toasts")).to_be_empty()


def test_a_slow_script_does_not_make_the_first_refresh_a_whole_board(
    world: World, visit: Visit
) -> None:
    quiz = world.quiz(1)
    world.attempt(world.person("Bob"), quiz, right=1)
    visitor = visit(world.person())
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visitor.page.route("**/hx-ptag*", hold)
    with visitor.page.expect_request("**/hx-ptag*"):
        visitor.page.goto(f"/quiz/{quiz}/results", wait_until="commit")
    visitor.page.wait_for_function("() => window.htmx")
    visitor.page.evaluate("() => new Promise(done => setTimeout(() => setTimeout(done)))")
    held[0].continue_()
    visitor.page.wait_for_load_state()
    with visitor.page.expect_response(is_refresh) as asked:
        visitor.tab("/sign-in").evaluate(ASK)
    assert asked.value.status == 304


def test_all_three_boards_show_a_new_result(world: World, visit: Visit) -> None:
    quiz = world.quiz(1)
    bob = world.person("Bob")
    visitor = visit(world.person("Ada"))
    pages = [
        visitor.tab(path) for path in (f"/quiz/{quiz}", f"/quiz/{quiz}/results", "/leaderboard")
    ]
    for page in pages:
        expect(page.get_by_text("Nobody has played this yet.")).to_be_visible()
    world.attempt(bob, quiz, right=1)
    visitor.tab("/sign-in").evaluate(ASK)
    for page in pages:
        expect(page.locator("#board tbody tr")).to_contain_text("Bob")
        assert page.locator("#board").count() == 1


def test_a_refresh_moves_neither_the_focus_nor_the_page(world: World, visit: Visit) -> None:
    quiz = world.quiz(1)
    for place in range(25):
        world.attempt(world.person(f"Player {place:02}"), quiz, right=1, seconds=place + 2)
    visitor = visit(world.person("Ada"))
    page = visitor.go(f"/quiz/{quiz}/results")
    link = page.get_by_role("link", name="Player 20")
    link.focus()
    scrolled = page.evaluate("scrollY")
    assert scrolled > 0
    world.attempt(world.person("Zoe"), quiz, wrong=1, seconds=50)
    visitor.tab("/sign-in").evaluate(ASK)
    expect(page.locator("#board tbody tr")).to_have_count(26)
    expect(link).to_be_focused()
    assert page.evaluate("scrollY") == scrolled


def test_ones_own_row_is_in_view_on_a_long_board(world: World, visit: Visit) -> None:
    quiz = world.quiz(1)
    ada = world.person("Ada")
    world.attempt(ada, quiz, wrong=1, seconds=60)
    for place in range(35):
        world.attempt(world.person(f"Player {place:02}"), quiz, right=1, seconds=place + 2)
    for size in ((1280, 900), PHONE):
        page = visit(ada, size=size).go(f"/quiz/{quiz}/results")
        expect(page.locator("#board tr.is-me")).to_contain_text("Ada")
        expect(page.locator("#board tr.is-me .rank")).to_have_text("36")
        expect(page.locator("#board tr.is-me")).to_be_in_viewport()
        page.get_by_role("link", name="Next").click()
        expect(page.locator("#board tbody tr")).to_have_count(6)
        expect(page.locator("#board tr.is-me .rank")).to_have_text("36")


def test_equal_results_share_a_place(world: World, visit: Visit) -> None:
    quiz = world.quiz(1, time_limit_seconds=10)
    for name in ("Ada", "Bob"):
        world.attempt(world.person(name), quiz)
    world.pass_time(60)  # both run out of time: no points, ten seconds each
    page = visit().go(f"/quiz/{quiz}/results")
    expect(page.locator("#board tbody .rank")).to_have_text(["1", "1"])


def test_the_global_board_adds_up(world: World, visit: Visit) -> None:
    ada = world.person("Ada")
    for right in (1, 2):
        world.attempt(ada, world.quiz(2), right=right, wrong=2 - right, seconds=30)
    page = visit(ada).go("/leaderboard")
    row = page.locator("#board tr.is-me")
    expect(row.locator(".score")).to_contain_text("3")
    expect(row.locator(".quizzes")).to_contain_text("2")
    expect(row.locator(".time")).to_contain_text("1:00")
