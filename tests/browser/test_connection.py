"""A connection that is lost and found during a play loses no answer."""

from __future__ import annotations

from playwright.sync_api import APIResponse, Route, expect

from tests.browser.visitor import Visit, answer, at, choose, confirm, go_on, play, wait_said
from tests.browser.world import World

OFFLINE = "You are offline. Your answer is kept and will be sent."
AWAY = "The server does not answer. Your answer is kept and will be sent."
BACK = "You are back. Your answer is saved."
NETWORK = "net::ERR_|Failed to fetch"
UNAVAILABLE = "status of 503"


def test_an_answer_confirmed_offline_is_sent_when_the_connection_is_back(
    world: World, visit: Visit
) -> None:
    quiz = world.quiz(2)
    visitor = visit(world.person())
    visitor.expects(NETWORK)
    page = visitor.start(quiz)
    choose(page, "Answer A of 1")
    visitor.context.set_offline(True)
    confirm(page)
    expect(page.locator("#play-notice")).to_contain_text(OFFLINE)
    wait_said(page, OFFLINE)
    assert world.answers(quiz) == []
    visitor.context.set_offline(False)
    at(page, "feedback", 1)
    expect(page.locator("#verdict")).to_have_text("Right")
    expect(page.locator("#play-notice")).to_be_empty()
    wait_said(page, BACK)
    assert [one.text for one in world.answers(quiz)] == ["Answer A of 1"]


def test_a_choice_that_waits_to_be_sent_is_kept_and_locked(world: World, visit: Visit) -> None:
    visitor = visit(world.person())
    visitor.expects(NETWORK)
    page = visitor.start(world.quiz(2))
    choose(page, "Answer A of 1")
    visitor.context.set_offline(True)
    confirm(page)
    expect(page.locator("#play-notice")).to_contain_text("Your answer is kept")
    page.get_by_text("Answer B of 1").click(force=True)
    page.keyboard.press("3")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="Answer A of 1")).to_be_checked()
    visitor.context.set_offline(False)
    at(page, "feedback", 1)
    expect(page.locator("#verdict")).to_have_text("Right")


def test_a_choice_that_is_on_its_way_is_locked_too(world: World, visit: Visit) -> None:
    quiz = world.quiz(2)
    page = visit(world.person()).start(quiz)
    choose(page, "Answer A of 1")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/play/answer", hold)
    confirm(page)
    page.get_by_text("Answer B of 1").click(force=True)
    page.keyboard.press("3")
    expect(page.get_by_role("radio", name="Answer A of 1")).to_be_checked()
    held[0].continue_()
    at(page, "feedback", 1)
    assert [one.text for one in world.answers(quiz)] == ["Answer A of 1"]


def test_going_offline_says_so_at_once_and_the_words_go_when_it_is_over(
    world: World, visit: Visit
) -> None:
    visitor = visit(world.person())
    page = visitor.start(world.quiz(2))
    visitor.context.set_offline(True)
    expect(page.locator("#play-notice")).to_contain_text("You are offline.")
    visitor.context.set_offline(False)
    expect(page.locator("#play-notice")).to_be_empty()


def test_next_pressed_offline_goes_on_when_the_connection_is_back(
    world: World, visit: Visit
) -> None:
    visitor = visit(world.person())
    visitor.expects(NETWORK)
    page = visitor.start(world.quiz(2))
    answer(page, "Answer A of 1")
    visitor.context.set_offline(True)
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#play-notice")).to_contain_text("The next question comes")
    visitor.context.set_offline(False)
    at(page, "question", 2)
    expect(page.get_by_role("heading", name="Question 2?")).to_be_focused()


def test_a_server_in_trouble_is_asked_again_until_it_answers(world: World, visit: Visit) -> None:
    quiz = world.quiz(2)
    visitor = visit(world.person())
    visitor.expects(UNAVAILABLE)
    page = visitor.start(quiz)
    refused = 0

    def refuse_twice(route: Route) -> None:
        nonlocal refused
        refused += 1
        if refused > 2:
            route.continue_()
        else:
            route.fulfill(status=503, headers={"Retry-After": "1"}, body="away")

    page.route("**/play/answer", refuse_twice)
    choose(page, "Answer A of 1")
    confirm(page)
    expect(page.locator("#play-notice")).to_contain_text(AWAY)
    at(page, "feedback", 1)
    assert refused == 3
    expect(page.locator("#play-notice")).to_be_empty()
    assert [one.text for one in world.answers(quiz)] == ["Answer A of 1"]


def test_an_answer_whose_confirmation_was_lost_is_stored_once(world: World, visit: Visit) -> None:
    quiz = world.quiz(2)
    visitor = visit(world.person())
    visitor.expects(NETWORK)
    page = visitor.start(quiz)
    lost: list[APIResponse] = []

    def lose_the_first(route: Route) -> None:
        if not lost:
            lost.append(route.fetch())  # the server has it; the browser never hears of it
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/play/answer", lose_the_first)
    choose(page, "Answer B of 1")
    confirm(page)
    at(page, "feedback", 1)
    expect(page.locator("#verdict")).to_have_text("Not right")
    assert lost[0].ok
    assert [one.text for one in world.answers(quiz)] == ["Answer B of 1"]
    go_on(page)


def test_a_database_that_goes_away_during_a_play_loses_nothing(world: World, visit: Visit) -> None:
    quiz = world.quiz(2)
    visitor = visit(world.person())
    visitor.expects(UNAVAILABLE)
    page = visitor.start(quiz)
    choose(page, "Answer A of 1")
    with world.database_away():
        confirm(page)
        expect(page.locator("#play-notice")).to_contain_text(AWAY)
    at(page, "feedback", 1)
    assert [one.text for one in world.answers(quiz)] == ["Answer A of 1"]


def test_a_page_asked_for_while_the_database_is_away_comes_by_itself(
    world: World, visit: Visit
) -> None:
    quiz = world.quiz(2, title="Rivers")
    visitor = visit(world.person())
    visitor.expects(UNAVAILABLE)
    with world.database_away():
        page = visitor.go(f"/quiz/{quiz}")
        expect(page.get_by_role("heading", level=1)).to_have_text("The database is away")
        expect(page.get_by_text("This page tries again by itself in")).to_be_visible()
    expect(page).to_have_title("Rivers · Respondeo")
    assert play(page).count() == 0
