"""Everything is reached and done with the keyboard alone."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.visitor import PHONE, Visit, at, play
from tests.browser.world import World, question

NAME = """
() => {
  const at = document.activeElement;
  return at === document.body ? "" : (at.getAttribute("aria-label") ||
    at.labels?.[0]?.innerText || at.innerText || at.value || at.id).trim().split("\\n")[0].trim();
}
"""


def tab_through(page: Page) -> list[str]:
    """The names of everything that Tab reaches, until it leaves the page."""
    names: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        name = page.evaluate(NAME)
        if not name or name in names:
            return names
        names.append(name)
    raise AssertionError(f"Tab is caught: {names}")


def test_a_whole_quiz_is_played_with_the_keyboard_alone(world: World, visit: Visit) -> None:
    quiz = world.quiz(2, title="Rivers")
    page = visit(world.person()).go(f"/quiz/{quiz}")
    while page.evaluate("document.activeElement.id") != "start-button":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    at(page, "question", 1)
    page.keyboard.press("2")
    expect(page.get_by_role("radio", name="Answer B of 1")).to_be_checked()
    page.keyboard.press("1")
    expect(page.get_by_role("radio", name="Answer A of 1")).to_be_checked()
    page.keyboard.press("Enter")
    at(page, "feedback", 1)
    page.keyboard.press("Enter")
    at(page, "question", 2)
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    at(page, "feedback", 2)
    page.keyboard.press("Enter")
    expect(page).to_have_title("1 of 2: Rivers · Respondeo")


def test_each_of_six_keys_chooses_its_answer(world: World, visit: Visit) -> None:
    words = [f"Option {letter}" for letter in "abcdef"]
    page = visit(world.person()).start(world.quiz([question("Which one?", *words)]))
    for place, text in enumerate(words, start=1):
        page.keyboard.press(str(place))
        expect(page.get_by_role("radio", name=text)).to_be_checked()
        expect(page.get_by_role("radio", name=text)).to_be_focused()


def test_a_key_without_an_answer_chooses_nothing(world: World, visit: Visit) -> None:
    page = visit(world.person()).start(world.quiz([question("Yes?", "Yes", "No")]))
    page.keyboard.press("3")
    page.keyboard.press("7")
    page.keyboard.press("Control+1")
    expect(page.get_by_role("radio", checked=True)).to_have_count(0)


def test_arrow_keys_move_the_choice(world: World, visit: Visit) -> None:
    page = visit(world.person()).start(world.quiz(1))
    page.keyboard.press("1")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="Answer B of 1")).to_be_checked()
    expect(page.get_by_role("radio", name="Answer B of 1")).to_be_focused()


def test_enter_on_the_link_to_leave_leaves(world: World, visit: Visit) -> None:
    quiz = world.quiz(1)
    page = visit(world.person()).start(quiz)
    page.keyboard.press("1")
    page.get_by_role("link", name="Leave").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/quiz/{quiz}$"))
    assert world.answers(quiz) == []


def test_a_held_enter_does_not_run_through_the_feedback(world: World, visit: Visit) -> None:
    page = visit(world.person()).start(world.quiz(2))
    page.keyboard.press("1")
    page.keyboard.down("Enter")
    at(page, "feedback", 1)
    for _ in range(5):
        page.keyboard.down("Enter")  # the same key again: it repeats
    page.keyboard.up("Enter")
    at(page, "feedback", 1)
    page.keyboard.press("Enter")
    at(page, "question", 2)


def test_the_skip_link_comes_first_and_leads_to_the_content(world: World, visit: Visit) -> None:
    page = visit().go("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    assert skip.evaluate("link => link.getBoundingClientRect().top >= 0")
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox", name="Search quizzes")).to_be_focused()


def test_tab_reaches_all_of_the_list_in_the_order_seen(world: World, visit: Visit) -> None:
    world.quiz(1, title="Rivers")
    page = visit(world.person("Ada Player")).go("/")
    assert tab_through(page) == [
        "Skip to the content", "Respondeo, home", "Quizzes", "Leaderboard",
        "Theme: system. Change to light", "AP", "Search quizzes", "Easy", "Medium", "Hard",
        "English", "Newest", "Most played", "Rivers",
    ]  # fmt: skip


def test_tab_reaches_all_of_a_question(world: World, visit: Visit) -> None:
    page = visit(world.person()).start(world.quiz(1))
    page.reload()
    expect(page.locator("#question-text")).to_be_focused()
    assert tab_through(page)[:2] == ["Answer A of 1", "Confirm"]
    page.locator("#question-text").focus()
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(NAME).startswith("Leave")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(NAME) == "Skip to the content"


def test_what_has_the_focus_is_seen_and_not_covered(world: World, visit: Visit) -> None:
    words = ["A rather long answer that takes several lines on a phone. " * 3] * 6
    page = visit(world.person(), size=PHONE).start(world.quiz([question("Which?", *words)]))
    for place in range(1, 7):
        page.keyboard.press(str(place))
        seen = (
            page.get_by_role("radio")
            .nth(place - 1)
            .evaluate(
                """field => {
              const row = field.closest("label").getBoundingClientRect();
              const top = document.querySelector(".play-head").getBoundingClientRect().bottom;
              const actions = document.querySelector(".play-actions").getBoundingClientRect();
              const box = field.getBoundingClientRect();
              return {over: box.top >= top - 1, under: box.bottom <= actions.top + 1, row: row.top};
            }"""
            )
        )
        assert seen["over"], f"answer {place} is under the head: {seen}"
        assert seen["under"], f"answer {place} is under the button: {seen}"


def test_the_menu_opens_and_closes_with_the_keyboard(world: World, visit: Visit) -> None:
    page = visit(world.person("Ada Player")).go("/")
    button = page.get_by_role("button", name="Ada Player: menu")
    button.focus()
    page.keyboard.press("Enter")
    out = page.get_by_role("button", name="Sign out")
    expect(out).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Settings")).to_be_focused()
    page.keyboard.press("Tab")
    expect(out).to_be_focused()
    page.keyboard.press("Escape")
    expect(out).to_be_hidden()
    expect(button).to_be_focused()


def test_the_review_is_filtered_with_the_keyboard(world: World, visit: Visit) -> None:
    who, quiz = world.person(), world.quiz(3)
    attempt = world.attempt(who, quiz, right=2, wrong=1)
    page = visit(who).go(f"/quiz/{quiz}/results/{attempt}")
    page.locator("#show-all").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("heading", name="Question 3?")).to_be_visible()
    expect(page.get_by_role("heading", name="Question 1?")).to_be_hidden()
    assert play(page).count() == 0
