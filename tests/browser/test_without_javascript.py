"""Everything that matters works where JavaScript is switched off."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.visitor import Visit, answer, choose, confirm, go_on, play
from tests.browser.world import World


def test_a_whole_quiz_is_played_without_javascript(world: World, visit: Visit) -> None:
    quiz = world.quiz(2, title="Rivers", time_limit_seconds=300, reveal="always")
    page = visit(world.person("Ada Player"), javascript=False).go("/")
    page.get_by_role("link", name="Rivers").click()
    page.get_by_role("button", name="Start").click()
    expect(play(page)).to_contain_text("5:00")
    expect(play(page)).to_contain_text("left when this page was loaded")
    answer(page, "Answer B of 1")
    expect(page.locator("#verdict")).to_have_text("Not right")
    expect(page.locator(".answer.is-right")).to_contain_text("Answer A of 1")
    expect(page.get_by_text("Because of 1.")).to_be_visible()
    go_on(page)
    answer(page, "Answer A of 2")
    expect(play(page)).to_contain_text("1 right")
    page.get_by_role("link", name="See your result").click()
    expect(page).to_have_title("1 of 2: Rivers · Respondeo")
    expect(page.get_by_role("textbox", name="Link to this result")).to_be_visible()
    expect(page.get_by_role("button", name="Share")).to_be_hidden()
    page.get_by_role("link", name="Leaderboard").last.click()
    expect(page.locator("#board tbody tr")).to_contain_text("Ada Player")
    assert [stored.text for stored in world.answers(quiz)] == ["Answer B of 1", "Answer A of 2"]


def test_feedback_at_the_end_is_played_without_javascript(world: World, visit: Visit) -> None:
    page = visit(world.person(), javascript=False).start(world.quiz(2, feedback="end"))
    choose(page, "Answer A of 1")
    confirm(page)
    expect(page.get_by_role("heading", name="Question 2?")).to_be_visible()
    expect(play(page)).not_to_contain_text("right")
    choose(page, "Answer A of 2")
    confirm(page)
    expect(page.get_by_text("2/2")).to_be_visible()


def test_time_up_leads_to_the_result_without_javascript(world: World, visit: Visit) -> None:
    quiz = world.quiz(2, time_limit_seconds=60)
    page = visit(world.person(), javascript=False).start(quiz)
    answer(page, "Answer A of 1")
    go_on(page)
    world.time_is_up(quiz)
    page.reload()
    expect(page.get_by_role("heading", name="Time is up. Your answer is in.")).to_be_visible()
    world.pass_time(5)
    expect(page).to_have_url(re.compile("/results/"))
    expect(page.get_by_text("1/2")).to_be_visible()
    expect(page.get_by_text("Time ran out after 1 answer.")).to_be_visible()


def test_the_list_is_searched_and_filtered_without_javascript(world: World, visit: Visit) -> None:
    world.quiz(1, title="Rivers", difficulty="easy")
    world.quiz(1, title="Mountains", difficulty="hard")
    page = visit(javascript=False).go("/")
    page.get_by_role("searchbox", name="Search quizzes").fill("river")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("1 quiz", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Rivers")).to_be_visible()
    expect(page.get_by_role("link", name="Mountains")).to_have_count(0)
    page.get_by_role("link", name="Hard").click()
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    page.get_by_role("link", name="Clear the search and all filters").click()
    expect(page.get_by_text("2 quizzes", exact=True)).to_be_visible()


def test_the_theme_is_switched_by_a_form_without_javascript(world: World, visit: Visit) -> None:
    page = visit(javascript=False).go("/leaderboard")
    page.get_by_role("button", name="Theme: system. Change to light").click()
    expect(page).to_have_url(f"{world.url}/leaderboard")
    page.get_by_role("button", name="Theme: light. Change to dark").click()
    expect(page.locator("html")).to_have_class("dark")
    ground = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    light = visit(javascript=False).go("/leaderboard").locator("body")
    assert ground != light.evaluate("body => getComputedStyle(body).backgroundColor")


def test_a_dark_system_gets_the_dark_theme_without_javascript(world: World, visit: Visit) -> None:
    ground = "body => getComputedStyle(body).backgroundColor"
    dark = visit(javascript=False, theme="dark").go("/").locator("body").evaluate(ground)
    light = visit(javascript=False, theme="light").go("/").locator("body").evaluate(ground)
    assert dark != light


def test_signing_in_and_out_needs_no_javascript(world: World, visit: Visit) -> None:
    world.demo_people()
    page = visit(javascript=False).go("/sign-in?next=/leaderboard")
    page.get_by_role("button", name="Demo Player").click()
    expect(page).to_have_url(f"{world.url}/leaderboard")
    page.get_by_role("button", name="Demo Player: menu").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def test_a_missing_choice_is_asked_for_without_javascript(world: World, visit: Visit) -> None:
    visitor = visit(world.person(), javascript=False)
    visitor.expects("status of 422")
    page = visitor.start(world.quiz(1))
    # Some browsers do not know `required`: the server says it too.
    page.locator("#play form").evaluate("form => { form.noValidate = true; }")
    confirm(page)
    expect(page.get_by_text("Choose one of the answers.")).to_be_visible()
    expect(page.get_by_role("heading", name="Question 1?")).to_be_visible()


def test_a_quiz_is_written_without_javascript(world: World, visit: Visit) -> None:
    visitor = visit(world.person("Ada", groups=["admin"]), javascript=False)
    page = visitor.go("/quiz/new")
    page.get_by_role("textbox", name="Title").fill("Rivers")
    page.get_by_role("button", name="Create and write questions").click()
    page.get_by_role("textbox", name="Question 1").fill("Which is the longest?")
    page.get_by_role("textbox", name="Answer 1").fill("Volga")
    page.get_by_role("checkbox", name="Answer 1 is right").check()
    page.get_by_role("textbox", name="Answer 2").fill("Rhine")
    page.get_by_role("button", name="Add a question").last.click()
    expect(page).to_have_url(re.compile("#q-.*-text$"))
    page.get_by_role("textbox", name="Question 2").fill("Not needed")
    page.get_by_role("button", name="Remove question 2").click()
    expect(page.get_by_text("Question 2 removed.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("textbox", name="Question 2")).to_have_value("Not needed")
    page.get_by_role("button", name="Move question 2 up").click()
    expect(page.get_by_role("textbox", name="Question 1")).to_have_value("Not needed")
    page.get_by_role("button", name="Remove question 1").click()
    page.get_by_role("textbox", name="Description").fill("Where water flows.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Nothing missing")).to_be_visible()
    page.get_by_role("button", name="Picture").click()
    expect(page.get_by_role("textbox", name="Picture (optional)")).to_be_visible()
    page.get_by_role("textbox", name="Answer 2").fill("Danube")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("button", name="Publish version 1")).to_be_visible()
    page.go_back()
    page.reload()
    expect(page.get_by_role("textbox", name="Answer 2")).to_have_value("Danube")
