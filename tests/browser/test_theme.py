"""Light, dark, or as the system has it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.visitor import Visit
from tests.browser.world import World


def ground(page: Page) -> str:
    """The colour behind everything."""
    colour: str = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    return colour


def test_the_theme_changes_without_a_reload_and_is_remembered(world: World, visit: Visit) -> None:
    page = visit().go("/")
    page.evaluate("() => { window.same = true; }")
    light = ground(page)
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="Theme: system. Change to light").click()
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="Theme: light. Change to dark").click()
    expect(page.locator("html")).to_have_class(re.compile(r"\bdark\b"))
    dark = ground(page)
    assert dark != light
    assert page.evaluate("() => window.same")
    page.goto("/leaderboard")
    assert ground(page) == dark
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="Theme: dark. Change to system").click()
    assert ground(page) == light


def test_a_chosen_theme_is_there_in_a_new_tab_at_the_first_paint(
    world: World, visit: Visit
) -> None:
    visitor = visit(theme="light")
    page = visitor.go("/")
    for name in ("light", "dark"):
        with page.expect_response("**/theme"):
            page.get_by_role("button", name=f"Change to {name}").click()
    answer = page.request.get("/leaderboard").text()
    assert '<html lang="en" dir="ltr" class="dark">' in answer


def test_a_dark_system_is_followed_at_once(world: World, visit: Visit) -> None:
    page = visit(theme="dark").go("/")
    dark = ground(page)
    expect(page.locator("html")).to_have_class(re.compile(r"\bdark\b"))
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).not_to_have_class(re.compile(r"\bdark\b"))
    assert ground(page) != dark


def test_a_chosen_theme_wins_over_the_system(world: World, visit: Visit) -> None:
    visitor = visit(theme="dark")
    page = visitor.go("/")
    dark = ground(page)
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="Change to light").click()
    assert ground(page) != dark
    page.emulate_media(color_scheme="light")
    light = ground(page)
    page.emulate_media(color_scheme="dark")
    assert ground(page) == light
    expect(page.locator("html")).not_to_have_class(re.compile(r"\bdark\b"))
