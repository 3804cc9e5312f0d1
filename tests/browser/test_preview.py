"""A preview in a browser: keys, the clock and the connection are those of a play."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import SIZES, Visit, at
from tests.browser.world import World


def previewed(visit: Visit, world: World, quiz: object, **wishes: object) -> Page:
    visitor = visit(world.person("Admin", groups=["admin"]), **wishes)
    visitor.expects("net::ERR_", "Failed to fetch")
    page = visitor.go(f"/quiz/{quiz}/preview")
    page.locator("#start-button").click()
    at(page, "question", 1)
    page.wait_for_load_state("domcontentloaded")
    return page


@pytest.mark.parametrize("size", SIZES, ids=["wide", "phone"])
def test_a_preview_is_played_by_keyboard_and_survives_a_lost_connection(
    world: World, visit: Visit, size: tuple[int, int]
) -> None:
    quiz = world.quiz(2, time_limit_seconds=300)
    page = previewed(visit, world, quiz, size=size)
    expect(page.locator("#question-text")).to_be_focused()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    at(page, "feedback", 1)
    expect(page.locator("#play-go")).to_be_focused()
    page.keyboard.press("Enter")
    at(page, "question", 2)
    expect(page).to_have_title("Preview · Question 2 of 2 · A quiz · Respondeo")
    page.keyboard.press("2")
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    expect(page.locator("#play-notice")).to_contain_text("Your answer is kept")
    page.context.set_offline(False)
    at(page, "feedback", 2)
    page.keyboard.press("Enter")
    expect(page.locator(".score-ring")).to_contain_text("1/2")
    expect(page).to_have_title("Preview · 1 of 2: A quiz · Respondeo")
    expect(page.locator(".preview-strip")).to_be_in_viewport()
    assert world.attempts(quiz) == []


def test_a_preview_times_out_by_itself_like_a_play(world: World, visit: Visit) -> None:
    quiz = world.quiz(2, time_limit_seconds=300, feedback="end")
    page = previewed(visit, world, quiz)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    at(page, "question", 2)
    world.pass_time(299)
    page.evaluate("document.getElementById('play').dispatchEvent(new CustomEvent('play:ask'))")
    expect(page.locator(".score-ring")).to_contain_text("1/2")
    expect(page.get_by_text("Time ran out after 1 answer.")).to_be_visible()


def test_a_preview_works_without_javascript(world: World, visit: Visit) -> None:
    page = previewed(visit, world, world.quiz(1), javascript=False)
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("button", name="See your result").click()
    expect(page.locator(".score-ring")).to_contain_text("1/1")
