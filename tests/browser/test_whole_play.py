"""A whole quiz with JavaScript, from the list to the board."""

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
    said,
    wait_said,
)
from tests.browser.world import World


def test_a_quiz_is_played_from_the_list_to_the_board(world: World, visit: Visit) -> None:
    quiz = world.quiz(3, title="Rivers", time_limit_seconds=300)
    rival = world.person("Rival")
    world.attempt(rival, quiz, right=1, wrong=2, seconds=20)
    page = visit(world.person("Ada Player")).go("/")

    page.get_by_role("link", name="Rivers").click()
    expect(page).to_have_url(re.compile(f"/quiz/{quiz}$"))
    expect(page).to_have_title("Rivers · Respondeo")
    page.get_by_role("button", name="Start").click()

    expect(page).to_have_url(re.compile(f"/quiz/{quiz}/play$"))
    expect(page.get_by_role("heading", name="Question 1?")).to_be_visible()
    expect(play(page)).to_contain_text("0 right")
    answer(page, "Answer A of 1")
    expect(page.locator("#verdict")).to_have_text("Right")
    expect(play(page)).to_contain_text("1 right")
    go_on(page)
    answer(page, "Answer B of 2")
    expect(page.locator("#verdict")).to_have_text("Not right")
    expect(play(page)).to_contain_text("1 right")
    go_on(page)
    answer(page, "Answer A of 3")
    expect(play(page)).to_contain_text("2 right")

    page.get_by_role("link", name="See your result").click()
    expect(page).to_have_url(re.compile(f"/quiz/{quiz}/results/[0-9a-f-]+$"))
    expect(page).to_have_title("2 of 3: Rivers · Respondeo")
    expect(page.get_by_text("2/3")).to_be_visible()
    expect(page.get_by_text("1st")).to_be_visible()
    expect(page.get_by_role("heading", name="Question 2?")).to_be_visible()

    page.get_by_role("link", name="Leaderboard").last.click()
    expect(page).to_have_url(re.compile(f"/quiz/{quiz}/results$"))
    rows = page.locator("#board tbody tr")
    expect(rows.nth(0)).to_contain_text("Ada Player")
    expect(rows.nth(0)).to_contain_text("2/3")
    expect(rows.nth(1)).to_contain_text("Rival")


def test_focus_goes_to_the_question_and_to_the_next_step(world: World, visit: Visit) -> None:
    page = visit(world.person()).start(world.quiz(2))
    answer(page, "Answer A of 1")
    expect(page.get_by_role("button", name="Next")).to_be_focused()
    go_on(page)
    expect(page.get_by_role("heading", name="Question 2?")).to_be_focused()
    answer(page, "Answer B of 2")
    expect(page.get_by_role("link", name="See your result")).to_be_focused()


def test_the_verdict_and_the_explanation_describe_the_focused_button(
    world: World, visit: Visit
) -> None:
    page = visit(world.person()).start(world.quiz(2, reveal="always"))
    answer(page, "Answer B of 1")
    expect(page.get_by_role("button", name="Next")).to_have_accessible_description(
        "Not right The right answer: Answer A of 1. Because of 1."
    )
    expect(page.locator(".answer.is-right")).to_contain_text("Answer A of 1")
    expect(page.locator(".answer.is-right")).to_contain_text("Right answer")
    expect(page.locator(".answer.is-wrong")).to_contain_text("Your answer")


def test_the_title_says_which_question_it_is(world: World, visit: Visit) -> None:
    page = visit(world.person()).start(world.quiz(2, title="Rivers"))
    address = page.url
    expect(page).to_have_title("Question 1 of 2 · Rivers · Respondeo")
    answer(page, "Answer A of 1")
    expect(page).to_have_title("Question 1 of 2 · Rivers · Respondeo")
    go_on(page)
    expect(page).to_have_title("Question 2 of 2 · Rivers · Respondeo")
    assert page.url == address


def test_the_pips_tell_right_wrong_here_and_to_come(world: World, visit: Visit) -> None:
    page = visit(world.person()).start(world.quiz(4))
    answer(page, "Answer A of 1")
    go_on(page)
    answer(page, "Answer B of 2")
    go_on(page)
    kinds = page.locator(".pips > i").evaluate_all("pips => pips.map(pip => pip.className)")
    assert kinds == ["right", "wrong", "current", "todo"]


def test_confirming_without_a_choice_asks_for_one(world: World, visit: Visit) -> None:
    quiz = world.quiz(2)
    page = visit(world.person()).start(quiz)
    confirm(page)
    first = page.get_by_role("radio").first
    assert first.evaluate("field => field.validity.valueMissing")
    at(page, "question", 1)
    assert world.answers(quiz) == []


def test_feedback_at_the_end_tells_nothing_before_the_end(world: World, visit: Visit) -> None:
    quiz = world.quiz(2, feedback="end", title="Rivers")
    page = visit(world.person()).start(quiz)
    choose(page, "Answer A of 1")
    confirm(page)
    at(page, "question", 2)
    expect(page.get_by_role("heading", name="Question 2?")).to_be_focused()
    expect(play(page)).not_to_contain_text("right")
    kinds = page.locator(".pips > i").evaluate_all("pips => pips.map(pip => pip.className)")
    assert kinds == ["answered", "current"]
    choose(page, "Answer B of 2")
    confirm(page)
    expect(page).to_have_title("1 of 2: Rivers · Respondeo")


def test_a_score_of_everything_is_the_only_exclamation(world: World, visit: Visit) -> None:
    page = visit(world.person()).start(world.quiz(1))
    answer(page, "Answer A of 1")
    page.get_by_role("link", name="See your result").click()
    expect(page.get_by_text("A perfect score!")).to_be_visible()


def test_a_guest_plays_gets_a_score_and_no_review(world: World, visit: Visit) -> None:
    page = visit().start(world.quiz(2))
    for number in (1, 2):
        choose(page, f"Answer A of {number}")
        confirm(page)
        if number == 1:
            at(page, "question", 2)
    expect(page.get_by_text("2/2")).to_be_visible()
    expect(page.get_by_text("Played as a guest")).to_be_visible()
    expect(page.get_by_role("heading", name="Review")).to_have_count(0)


def test_the_demo_people_sign_in_with_one_click_and_out_by_the_menu(
    world: World, visit: Visit
) -> None:
    world.demo_people()
    page = visit().go("/")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Demo Player").click()
    expect(page).to_have_url(f"{world.url}/")
    page.get_by_role("button", name="Demo Player: menu").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def test_nothing_is_announced_but_what_must_be(world: World, visit: Visit) -> None:
    page = visit(world.person()).start(world.quiz(2))
    answer(page, "Answer A of 1")
    go_on(page)
    assert said(page) == []
    page.evaluate('document.dispatchEvent(new CustomEvent("respondeo:say", {detail: "Hello."}))')
    wait_said(page, "Hello.")
