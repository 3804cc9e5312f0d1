"""An attempt stands where it stood: other browsers, other tabs, reload, back."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.visitor import (
    Visit,
    answer,
    at,
    choose,
    confirm,
    go_on,
    play,
    seconds_shown,
)
from tests.browser.world import World


def test_a_second_browser_goes_on_with_the_time_that_really_passed(
    world: World, visit: Visit
) -> None:
    who, quiz = world.person(), world.quiz(3, time_limit_seconds=300, randomize_answers=True)
    first = visit(who).start(quiz)
    answer(first, "Answer A of 1")
    go_on(first)
    order = play(first).locator(".answer span").all_inner_texts()
    first.context.close()

    world.leave_time(quiz, seconds=200)
    page = visit(who).go("/")
    expect(page.get_by_text(re.compile(r"^Resume · 3:(20|1\d) left$"))).to_be_visible()
    page.goto(f"/quiz/{quiz}")
    expect(page.locator(".start")).to_contain_text("left, and the clock is running")
    page.get_by_role("button", name="Resume").click()
    at(page, "question", 2)
    expect(play(page)).to_contain_text("1 right")
    assert 180 < seconds_shown(page) <= 200
    assert play(page).locator(".answer span").all_inner_texts() == order
    assert len(world.attempts(quiz)) == 1


def test_reload_stays_at_the_question(world: World, visit: Visit) -> None:
    page = visit(world.person()).start(world.quiz(3))
    answer(page, "Answer A of 1")
    go_on(page)
    page.reload()
    at(page, "question", 2)
    expect(page.get_by_role("radio", checked=True)).to_have_count(0)


def test_reload_stays_at_the_feedback(world: World, visit: Visit) -> None:
    page = visit(world.person()).start(world.quiz(3))
    answer(page, "Answer B of 1")
    page.reload()
    at(page, "feedback", 1)
    expect(page.locator("#verdict")).to_have_text("Not right")
    go_on(page)
    expect(page.get_by_role("heading", name="Question 2?")).to_be_focused()


def test_reload_of_the_last_feedback_shows_the_result(world: World, visit: Visit) -> None:
    page = visit(world.person()).start(world.quiz(1))
    answer(page, "Answer A of 1")
    page.reload()
    expect(page).to_have_url(re.compile("/results/"))
    expect(page.get_by_text("1/1")).to_be_visible()


def test_back_and_forward_come_to_where_the_attempt_stands(world: World, visit: Visit) -> None:
    quiz = world.quiz(3)
    page = visit(world.person()).start(quiz)
    answer(page, "Answer A of 1")
    go_on(page)
    page.go_back()
    expect(page).to_have_url(re.compile(f"/quiz/{quiz}$"))
    page.go_forward()
    at(page, "question", 2)
    expect(page.get_by_role("radio", name="Answer A of 2")).to_be_visible()


def test_back_from_the_result_does_not_open_the_attempt_again(world: World, visit: Visit) -> None:
    quiz = world.quiz(1)
    page = visit(world.person()).start(quiz)
    answer(page, "Answer A of 1")
    page.get_by_role("link", name="See your result").click()
    expect(page).to_have_url(re.compile("/results/"))
    page.go_back()
    expect(page.get_by_role("button", name="Confirm")).to_have_count(0)
    assert len(world.attempts(quiz)) == 1


def test_a_second_tab_cannot_change_a_committed_answer(world: World, visit: Visit) -> None:
    quiz = world.quiz(2)
    visitor = visit(world.person())
    first = visitor.start(quiz)
    second = visitor.tab(f"/quiz/{quiz}/play")
    answer(second, "Answer A of 1")
    answer(first, "Answer B of 1")
    expect(first.locator("#verdict")).to_have_text("Right")
    expect(first.locator(".answer.is-right")).to_contain_text("Answer A of 1")
    expect(first.locator(".answer.is-wrong")).to_have_count(0)
    assert [one.text for one in world.answers(quiz)] == ["Answer A of 1"]


def test_a_tab_left_behind_shows_the_stored_answer_and_leads_on(world: World, visit: Visit) -> None:
    quiz = world.quiz(3)
    visitor = visit(world.person())
    first = visitor.start(quiz)
    second = visitor.tab(f"/quiz/{quiz}/play")
    answer(second, "Answer A of 1")
    go_on(second)
    answer(first, "Answer B of 1")
    expect(play(first)).to_contain_text("This is how you answered")
    first.get_by_role("link", name="Continue").click()
    at(first, "question", 2)
    assert [one.text for one in world.answers(quiz)] == ["Answer A of 1"]


def test_next_in_a_stale_tab_does_not_skip_a_question(world: World, visit: Visit) -> None:
    quiz = world.quiz(4)
    visitor = visit(world.person())
    first = visitor.start(quiz)
    answer(first, "Answer A of 1")
    second = visitor.tab(f"/quiz/{quiz}/play")
    go_on(second)
    answer(second, "Answer A of 2")
    first.get_by_role("button", name="Next").click()
    at(first, "feedback", 2)


def test_a_stale_tab_of_an_attempt_that_is_over_shows_the_result(
    world: World, visit: Visit
) -> None:
    quiz = world.quiz(1, time_limit_seconds=60)
    page = visit(world.person()).start(quiz)
    world.pass_time(70)
    choose(page, "Answer A of 1")
    confirm(page)
    expect(page).to_have_url(re.compile("/results/"))


def test_a_double_click_on_confirm_does_not_skip_the_feedback(world: World, visit: Visit) -> None:
    quiz = world.quiz(2)
    page = visit(world.person()).start(quiz)
    choose(page, "Answer A of 1")
    page.get_by_role("button", name="Confirm").dblclick()
    at(page, "feedback", 1)
    page.reload()
    at(page, "feedback", 1)


def test_the_second_half_of_a_double_click_is_no_click_on_next(world: World, visit: Visit) -> None:
    page = visit(world.person()).start(world.quiz(2))
    choose(page, "Answer A of 1")
    page.evaluate(
        """() => document.addEventListener("htmx:after:swap", () => {
          const again = { bubbles: true, cancelable: true, detail: 2 };
          document.getElementById("play-go").dispatchEvent(new MouseEvent("click", again));
          window.clicked = true;
        }, { once: true })"""
    )
    confirm(page)
    page.wait_for_function("() => window.clicked")
    at(page, "feedback", 1)
    page.reload()
    at(page, "feedback", 1)


def test_start_pressed_in_two_tabs_starts_one_attempt(world: World, visit: Visit) -> None:
    quiz = world.quiz(2, max_attempts=3)
    visitor = visit(world.person())
    first, second = visitor.tab(f"/quiz/{quiz}"), visitor.tab(f"/quiz/{quiz}")
    first.get_by_role("button", name="Start").click()
    at(first, "question", 1)
    second.get_by_role("button", name="Start").click()
    at(second, "question", 1)
    assert len(world.attempts(quiz)) == 1
