"""The list of quizzes: searched and filtered in place, each state with an address."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import Visit, wait_said
from tests.browser.world import World


@pytest.fixture
def quizzes(world: World) -> World:
    """Four quizzes."""
    world.quiz(1, title="Rivers of Europe", difficulty="easy")
    world.quiz(1, title="Mountains", difficulty="hard", description="Where rivers begin.")
    world.quiz(1, title="Ríos", difficulty="easy", language="es")
    world.quiz(1, title="Lakes", difficulty="medium")
    return world


def titles(page: Page) -> list[str]:
    return page.locator(".quiz-card h2").all_inner_texts()


def search(page: Page, text: str) -> None:
    """Type more into the search."""
    box = page.get_by_role("searchbox", name="Search quizzes")
    box.press("End")
    box.press_sequentially(text)


def test_search_updates_in_place_with_an_address_of_its_own(quizzes: World, visit: Visit) -> None:
    page = visit().go("/")
    page.evaluate("() => { window.same = true; }")
    search(page, "river")
    expect(page).to_have_url(f"{quizzes.url}/?q=river")
    expect(page.locator("#quiz-results").get_by_text("2 quizzes", exact=True)).to_be_visible()
    assert sorted(titles(page)) == ["Mountains", "Rivers of Europe"]
    wait_said(page, "2 quizzes")
    expect(page.get_by_role("searchbox", name="Search quizzes")).to_be_focused()
    assert page.evaluate("() => window.same")
    page.reload()
    assert sorted(titles(page)) == ["Mountains", "Rivers of Europe"]
    expect(page.get_by_role("searchbox", name="Search quizzes")).to_have_value("river")


def test_chips_filter_in_place_and_say_that_they_are_on(quizzes: World, visit: Visit) -> None:
    page = visit().go("/")
    page.evaluate("() => { window.same = true; }")
    page.get_by_role("link", name="Easy").click()
    expect(page).to_have_url(f"{quizzes.url}/?difficulty=easy")
    expect(page.get_by_role("link", name="Easy")).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("link", name="Easy")).to_be_focused()
    page.get_by_role("link", name="Español").click()
    expect(page).to_have_url(re.compile("language=es"))
    assert titles(page) == ["Ríos"]
    wait_said(page, "1 quiz")
    page.get_by_role("link", name="Easy").click()
    expect(page).to_have_url(f"{quizzes.url}/?language=es")
    page.get_by_role("link", name="Español").click()
    expect(page).to_have_url(f"{quizzes.url}/")
    assert len(titles(page)) == 4
    assert page.evaluate("() => window.same")


def test_a_search_keeps_the_filters_and_filters_keep_the_search(
    quizzes: World, visit: Visit
) -> None:
    page = visit().go("/")
    search(page, "river")
    expect(page).to_have_url(re.compile("q=river"))
    page.get_by_role("link", name="Hard").click()
    expect(page).to_have_url(re.compile("difficulty=hard"))
    assert titles(page) == ["Mountains"]
    search(page, "s")
    expect(page).to_have_url(re.compile("q=rivers"))
    expect(page).to_have_url(re.compile("difficulty=hard"))
    assert titles(page) == ["Mountains"]


def test_back_and_forward_restore_the_list(quizzes: World, visit: Visit) -> None:
    page = visit().go("/")
    page.get_by_role("link", name="Easy").click()
    expect(page.locator(".quiz-card")).to_have_count(2)
    page.get_by_role("link", name="Español").click()
    expect(page.locator(".quiz-card")).to_have_count(1)
    page.go_back()
    expect(page.locator(".quiz-card")).to_have_count(2)
    expect(page).to_have_url(f"{quizzes.url}/?difficulty=easy")
    page.go_back()
    expect(page.locator(".quiz-card")).to_have_count(4)
    expect(page.get_by_role("link", name="Easy")).not_to_have_attribute("aria-current", "true")
    expect(page.locator("header.site-head")).to_have_count(1)
    page.go_forward()
    expect(page.locator(".quiz-card")).to_have_count(2)


def test_a_list_is_there_again_after_a_look_at_a_quiz(quizzes: World, visit: Visit) -> None:
    page = visit().go("/")
    search(page, "lak")
    expect(page.locator(".quiz-card")).to_have_count(1)
    page.get_by_role("link", name="Lakes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lakes")
    page.go_back()
    expect(page).to_have_url(f"{quizzes.url}/?q=lak")
    assert titles(page) == ["Lakes"]
    expect(page.get_by_role("searchbox", name="Search quizzes")).to_have_value("lak")


def test_nothing_found_is_said_and_shows_the_way_back(quizzes: World, visit: Visit) -> None:
    page = visit().go("/")
    search(page, "volcano")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    wait_said(page, "No quizzes found")
    page.get_by_role("link", name="Clear the search and all filters").click()
    expect(page.locator(".quiz-card")).to_have_count(4)
    expect(page.get_by_role("searchbox", name="Search quizzes")).to_have_value("")


def test_an_empty_server_says_that_there_are_no_quizzes_yet(world: World, visit: Visit) -> None:
    page = visit().go("/")
    expect(page.get_by_role("heading", name="No quizzes yet")).to_be_visible()


def test_most_played_comes_first_when_asked_for(quizzes: World, visit: Visit) -> None:
    quiz = quizzes.quiz(1, title="Seas")
    quizzes.quiz(1, title="Newest of all")
    quizzes.attempt(quizzes.person(), quiz, right=1)
    page = visit().go("/")
    assert titles(page)[0] == "Newest of all"
    page.get_by_role("link", name="Most played").click()
    expect(page).to_have_url(f"{quizzes.url}/?sort=played")
    expect(page.locator(".quiz-card h2").first).to_have_text("Seas")
    page.get_by_role("link", name="Newest", exact=True).click()
    expect(page).to_have_url(f"{quizzes.url}/")
    expect(page.locator(".quiz-card h2").first).to_have_text("Newest of all")


def test_thirty_quizzes_make_a_page(world: World, visit: Visit) -> None:
    for number in range(31):
        world.quiz(1, title=f"Quiz {number:02}")
    page = visit().go("/")
    expect(page.get_by_text("31 quizzes", exact=True)).to_be_visible()
    expect(page.locator(".quiz-card")).to_have_count(30)
    page.get_by_role("link", name="Next").click()
    expect(page).to_have_url(f"{world.url}/?page=2")
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    assert titles(page) == ["Quiz 00"]
    page.get_by_role("link", name="Previous").click()
    expect(page).to_have_url(f"{world.url}/")


def test_what_concerns_me_stands_on_the_card(world: World, visit: Visit) -> None:
    ada = world.person("Ada")
    world.attempt(ada, world.quiz(2, title="Done", max_attempts=2), right=1, wrong=1)
    world.attempt(ada, world.quiz(2, title="Open", time_limit_seconds=300), right=1)
    page = visit(ada).go("/")
    expect(page.locator(".quiz-card", has_text="Done")).to_contain_text("Best 1/2")
    expect(page.locator(".quiz-card", has_text="Done")).to_contain_text("1 attempt left")
    expect(page.locator(".quiz-card", has_text="Open")).to_contain_text("Resume")


def test_a_lost_connection_is_said_and_the_list_stays(quizzes: World, visit: Visit) -> None:
    visitor = visit()
    visitor.expects("net::ERR_", "Failed to fetch")
    page = visitor.go("/")
    visitor.context.set_offline(True)
    page.get_by_role("link", name="Easy").click()
    expect(page.locator("#toasts")).to_have_text("You are offline. Try again when you are back.")
    expect(page.locator(".quiz-card")).to_have_count(4)
    visitor.context.set_offline(False)
    page.get_by_role("link", name="Easy").click()
    expect(page.locator(".quiz-card")).to_have_count(2)
