"""Signing in with a password in real browsers, changing it, and leaving the others."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import NARROW, Visit
from tests.browser.world import World

ADA, GOOD, NEW = "ada@people.example", "correct horse battery", "a better password"


def sign_in(page: Page, password: str) -> None:
    page.get_by_label("E-mail").fill(ADA)
    page.get_by_label("Password").fill(password)
    page.get_by_label("Password").press("Enter")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_password_that_changes_here_signs_the_other_browser_out(
    world: World, visit: Visit, javascript: bool
) -> None:
    world.with_password("Ada", ADA, GOOD)
    here, there = visit(javascript=javascript), visit(javascript=javascript)
    for visitor in (here, there):
        sign_in(visitor.go("/sign-in?next=/settings/security"), GOOD)
        expect(visitor.page).to_have_url(re.compile("/settings/security$"))
    page = here.go("/settings/security")
    expect(page.locator(".sessions > li").first).to_contain_text("Chrome on Linux This browser")
    page.get_by_label("Current password").fill(GOOD)
    page.get_by_label("New password").fill(NEW)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("status").filter(has_text="Your password is changed")).to_be_visible()
    expect(page.locator(".sessions > li")).to_have_count(1)
    there.page.reload()
    expect(there.page).to_have_url(re.compile(r"/sign-in\?next="))
    there.expects("status of 422")
    sign_in(there.page, GOOD)
    expect(there.page.get_by_text("E-mail or password is wrong.")).to_be_visible()
    expect(there.page.get_by_label("E-mail")).to_have_value(ADA)
    expect(there.page.get_by_label("Password")).to_be_focused()
    sign_in(there.page, NEW)
    expect(there.page).to_have_url(re.compile("/settings/security$"))


def test_another_browser_is_signed_out_by_a_double_click(world: World, visit: Visit) -> None:
    ada = world.with_password("Ada", ADA, GOOD)
    there, here = visit(ada), visit()
    sign_in(here.go("/sign-in?next=/settings/security"), GOOD)
    here.page.locator(".sessions").get_by_role("button", name="Sign out").dblclick()
    expect(here.page.get_by_text("That browser is signed out.")).to_be_visible()
    there.go("/settings/security")
    expect(there.page).to_have_url(re.compile(r"/sign-in\?next="))


def test_the_page_fits_a_narrow_phone_and_its_fingers(world: World, visit: Visit) -> None:
    ada = world.with_password("Ada", ADA, GOOD)
    other = visit()
    sign_in(other.go("/sign-in"), GOOD)
    expect(other.page.locator("#person-button")).to_be_visible()
    for who, path in ((ada, "/settings/security"), (None, "/sign-in")):
        page = visit(who, size=NARROW, touch=True).go(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for button in page.locator("main button").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 44
