"""The settings in a real browser: others see what one chose, and their open boards follow."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from respondeo.models import User
from tests.browser.test_narrow import ARABIC, WORD, fits
from tests.browser.visitor import NARROW, Visit
from tests.browser.world import World
from tests.web.pictures import halves, picture

SHOWN = "Saved. This is what others see from now on."


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo on this device."""
    file = tmp_path / "me.jpg"
    file.write_bytes(halves("JPEG", (900, 600)))
    return file


def save_name(page: Page, name: str) -> None:
    """Choose another name and save it."""
    page.goto("/settings/")
    page.get_by_role("radio", name="Another name").check()
    page.get_by_role("textbox", name="The other name").fill(name)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").filter(has_text=SHOWN)).to_be_visible()


def test_another_browsers_open_board_shows_the_new_name_and_picture_by_itself(
    world: World, visit: Visit, photo: Path
) -> None:
    quiz = world.quiz(1)
    ada = world.person("Ada")
    world.attempt(ada, quiz, right=1)
    board = visit(world.person("Bob")).go(f"/quiz/{quiz}/results")
    overall = visit().go("/leaderboard")
    expect(board.locator("#board .name")).to_have_text("Ada")
    mine = visit(ada).go("/settings/")
    save_name(mine, "Night Owl")
    expect(mine.locator("#preview .name")).to_have_text("Night Owl")
    mine.get_by_label("A picture from this device").set_input_files(photo)
    mine.get_by_role("button", name="Upload").click()
    expect(mine.get_by_role("status").filter(has_text="Your picture is saved.")).to_be_visible()
    for page in (board, overall):
        # Nobody does anything: the page asks every 10 to 15 seconds.
        expect(page.locator("#board .name")).to_have_text("Night Owl", timeout=25_000)
        expect(page.locator("#board .avatar img")).to_have_js_property("naturalWidth", 256)
    header = mine.locator("#person-button img")
    expect(header).to_have_js_property("naturalWidth", 256)
    seen = board.locator("#board .avatar img").get_attribute("src")
    assert header.get_attribute("src") == seen


def test_where_a_picture_does_not_come_the_initials_stand(world: World, visit: Visit) -> None:
    ada = world.person("Ada Lovelace")
    with world.session() as session:
        session.get_one(User, ada.id).image = f"/media/{'0' * 64}.webp"
    visitor = visit(ada)
    visitor.expects("status of 404")
    page = visitor.go("/settings/")
    expect(page.locator("#person-button .avatar")).to_have_text("AL")
    expect(page.locator("#preview .avatar")).to_have_text("AL")
    expect(page.locator(".avatar img")).to_have_count(0)


@pytest.mark.parametrize("megabytes", [8.5, 12, 40])
def test_a_photo_that_is_too_large_is_refused_in_words(
    world: World, visit: Visit, tmp_path: Path, megabytes: float
) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(picture("JPEG") + bytes(int(megabytes * 1_000_000)))
    visitor = visit(world.person())
    visitor.expects("status of 422")
    page = visitor.go("/settings/")
    page.get_by_label("A picture from this device").set_input_files(large)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("Choose a picture of at most 8 MB.")).to_be_visible()
    expect(page.get_by_label("A picture from this device")).to_be_focused()


def test_a_double_click_on_save_saves_once_and_says_so(world: World, visit: Visit) -> None:
    page = visit(world.person("Ada")).go("/settings/")
    page.get_by_role("radio", name="Hide me").check()
    page.get_by_role("button", name="Save", exact=True).dblclick()
    expect(page.get_by_role("status").filter(has_text=SHOWN)).to_be_visible()
    expect(page.locator("#preview .name")).to_have_text("Player")


def test_people_are_found_as_one_types_and_disabled_without_javascript(
    world: World, visit: Visit
) -> None:
    admin, bob = world.person("Zed", groups=["admin"]), world.person("Bob")
    page = visit(admin).go("/settings/people")
    page.get_by_role("searchbox", name="Search people").fill("bo")
    expect(page.locator("#people-results h2")).to_have_text(["Bob"])
    expect(page).to_have_url(f"{world.url}/settings/people?q=bo")
    plain = visit(admin, javascript=False).go("/settings/people?q=bo")
    expect(plain.get_by_role("button", name="Disable")).to_be_hidden()
    plain.get_by_text("Manage Bob").click()
    plain.get_by_role("button", name="Disable").click()
    expect(plain.get_by_role("status").filter(has_text="Disabled, and signed")).to_be_visible()
    expect(plain).to_have_url(f"{world.url}/settings/people?q=bo&done=disabled")
    other = visit(bob).go("/settings/")
    expect(other).to_have_url(f"{world.url}/sign-in?next=/settings/")


ZALGO = "Z" + "\u0336\u0321\u0363\u0352" + "algo" * 9


@pytest.mark.parametrize("name", [WORD, ARABIC[:50], ZALGO, "x"], ids=["word", "rtl", "zalgo", "x"])
def test_settings_fit_a_narrow_phone(world: World, visit: Visit, name: str) -> None:
    who = world.person(name, groups=["admin", WORD, *(f"group-{n}" for n in range(40))])
    page = visit(who, size=NARROW, touch=True).go("/settings/")
    fits(page)
    save_name(page, name[:50])
    fits(page)
    page.goto("/settings/people")
    page.locator(".manage summary").first.click()
    fits(page)
    page.goto(f"/settings/access?groups={WORD},{WORD}")
    fits(page)
    page.goto("/settings/security")
    fits(page)
    quiz = world.quiz(1)
    world.attempt(world.person(name), quiz, right=1)
    page.goto(f"/quiz/{quiz}/results")
    fits(page)
