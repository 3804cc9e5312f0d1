"""The clock on the screen: it counts from the server's word, and the server decides."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.visitor import (
    Visit,
    answer,
    at,
    choose,
    confirm,
    go_on,
    play,
    said,
    seconds_shown,
    wait_said,
)
from tests.browser.world import World

# Every text of the clock that is painted, with the page's own time in ms.
RECORD = """
addEventListener("DOMContentLoaded", () => {
  window.shown = [];
  const note = () => {
    const clock = document.getElementById("quiz-clock");
    const value = clock?.querySelector(".clock-value")?.textContent;
    const last = window.shown.at(-1);
    const state = clock?.dataset.state;
    if (value && (value !== last?.value || state !== last.state))
      window.shown.push({ at: performance.now(), value, state });
  };
  new MutationObserver(() => requestAnimationFrame(note)).observe(document.getElementById("main"), {
    childList: true, subtree: true, characterData: true, attributes: true,
  });
});
"""


def shown(page: Page) -> list[tuple[float, int, str]]:
    """What the clock has shown: when (seconds), how many seconds, and whether it ran."""
    found = page.evaluate("window.shown")
    return [(one["at"] / 1000, in_seconds(one["value"]), one["state"]) for one in found]


def in_seconds(text: str) -> int:
    total = 0
    for part in text.split(":"):
        total = total * 60 + int(part)
    return total


def wait_shown(page: Page, text: str) -> None:
    expect(page.locator("#quiz-clock .clock-value")).to_have_text(text)


def test_at_zero_the_page_says_so_and_the_result_follows(world: World, visit: Visit) -> None:
    quiz = world.quiz(3, time_limit_seconds=60)
    page = visit(world.person()).start(quiz)
    answer(page, "Answer A of 1")
    go_on(page)
    world.leave_time(quiz, seconds=3)
    page.reload()
    wait_said(page, "Time is up.")
    world.time_is_up(quiz)
    heading = page.get_by_role("heading", name="Time is up. Your answer is in.")
    expect(heading).to_be_focused()
    expect(page.get_by_text("The result comes in a moment.")).to_be_visible()
    world.pass_time(5)
    expect(page).to_have_url(re.compile("/results/"))
    expect(page.get_by_text("1/3")).to_be_visible()
    expect(page.get_by_text("Time ran out after 1 answer.")).to_be_visible()
    assert said(page).count("Time is up.") == 1


def test_an_answer_in_flight_at_zero_is_not_lost(world: World, visit: Visit) -> None:
    quiz = world.quiz(2, time_limit_seconds=60)
    page = visit(world.person()).start(quiz)
    world.leave_time(quiz, seconds=5)
    page.reload()
    choose(page, "Answer A of 1")
    held: list[Route] = []

    def held_back(route: Route) -> None:
        held.append(route)

    page.route("**/play/answer", held_back)
    confirm(page)
    wait_said(page, "Time is up.")
    world.time_is_up(quiz)
    assert len(held) == 1
    held[0].continue_()
    link = page.get_by_role("link", name="See your result")
    expect(link).to_be_visible()
    expect(page.locator("#verdict")).to_have_text("Right")
    link.click()
    expect(page.get_by_text("1/2")).to_be_visible()
    assert [(one.text, one.time_ms) for one in world.answers(quiz)] == [("Answer A of 1", 60_000)]


def test_an_answer_after_the_grace_is_not_taken(world: World, visit: Visit) -> None:
    quiz = world.quiz(2, time_limit_seconds=60)
    page = visit(world.person()).start(quiz)
    choose(page, "Answer A of 1")
    world.pass_time(63)
    confirm(page)
    expect(page).to_have_url(re.compile("/results/"))
    expect(page.get_by_text("0/2")).to_be_visible()
    assert world.answers(quiz) == []


def test_only_a_minute_ten_seconds_and_zero_are_announced(world: World, visit: Visit) -> None:
    quiz = world.quiz(1, time_limit_seconds=120)
    page = visit(world.person()).start(quiz)
    world.leave_time(quiz, seconds=63)
    page.reload()
    wait_said(page, "One minute left.")
    world.leave_time(quiz, seconds=13)
    page.reload()
    wait_said(page, "Ten seconds left.")
    world.leave_time(quiz, seconds=3)
    page.reload()
    expect(page).to_have_url(re.compile("/results/"))
    assert said(page) == ["One minute left.", "Ten seconds left.", "Time is up."]


def test_the_clock_changes_its_tone_in_the_last_tenth(world: World, visit: Visit) -> None:
    page = visit(world.person()).start(world.quiz(1, time_limit_seconds=100))
    clock = page.locator("#quiz-clock")
    calm = clock.evaluate("clock => getComputedStyle(clock).color")
    expect(clock).not_to_have_class(re.compile("is-low"))
    world.pass_time(88)
    page.reload()
    expect(clock).to_have_class(re.compile("is-low"))
    assert clock.evaluate("clock => getComputedStyle(clock).color") != calm


def test_the_clock_never_jumps_within_a_page(world: World, visit: Visit) -> None:
    visitor = visit(world.person())
    visitor.context.add_init_script(RECORD)
    page = visitor.start(world.quiz(3, time_limit_seconds=300))
    wait_shown(page, "4:58")
    answer(page, "Answer A of 1")
    go_on(page)
    stood = seconds_shown(page)
    page.wait_for_function("() => window.shown.length > 5")
    assert stood >= seconds_shown(page)
    answer(page, "Answer A of 2")
    go_on(page)
    values = shown(page)
    for (then, before, state), (now, after, _) in pairwise(values):
        assert after <= before, values
        if state == "running":
            assert abs((before - after) - (now - then)) <= 1.5, values


# The server answers at once, and its answer takes its time to arrive.
SLOW_DOWNLINK = """
const real = window.fetch;
window.fetch = async (...about) => {
  const response = await real(...about);
  await new Promise((done) => setTimeout(done, %d));
  return response;
};
"""


@pytest.mark.parametrize("delay_ms", [900, 2500])
def test_the_clock_does_not_go_back_when_the_servers_word_is_late(
    world: World, visit: Visit, delay_ms: int
) -> None:
    visitor = visit(world.person())
    visitor.context.add_init_script(RECORD)
    visitor.context.add_init_script(SLOW_DOWNLINK % delay_ms)
    page = visitor.start(world.quiz(4, time_limit_seconds=300))
    for number in (1, 2, 3):  # nine tenths of a second: at least two of them pass a full second
        answer(page, f"Answer A of {number}")
        go_on(page)
    assert_counted_down(page)


def test_the_clock_waits_where_the_servers_word_is_slower_than_the_one_before(
    world: World, visit: Visit
) -> None:
    visitor = visit(world.person())
    visitor.context.add_init_script(RECORD)
    page = visitor.start(world.quiz(2, time_limit_seconds=300))
    for _ in range(3):
        wait_ticks(page, 1)
        world.pass_time(-0.4)
        with page.expect_response("**/play"):
            page.evaluate("document.getElementById('play').dispatchEvent(new Event('play:ask'))")
    wait_ticks(page, 1)
    assert_counted_down(page)


def wait_ticks(page: Page, ticks: int) -> None:
    page.wait_for_function("count => window.shown.length >= count", arg=len(shown(page)) + ticks)


def assert_counted_down(page: Page) -> None:
    seconds = [value for _, value, _ in shown(page)]
    assert seconds == sorted(seconds, reverse=True)


def test_a_mark_that_passes_while_an_answer_is_on_its_way_is_announced_once(
    world: World, visit: Visit
) -> None:
    quiz = world.quiz(3, time_limit_seconds=120, feedback="end")
    page = visit(world.person()).start(quiz)
    world.leave_time(quiz, seconds=12.4)
    page.reload()
    wait_shown(page, "0:11")
    choose(page, "Answer A of 1")
    page.evaluate("() => {" + SLOW_DOWNLINK % 1200 + "}")
    confirm(page)
    at(page, "question", 2)
    wait_said(page, "Ten seconds left.")
    wait_shown(page, "0:07")
    assert said(page) == ["Ten seconds left."]


def test_the_clock_is_right_after_the_laptop_slept(world: World, visit: Visit) -> None:
    page = visit(world.person()).start(world.quiz(1, time_limit_seconds=300))
    wait_shown(page, "4:59")
    # The lid is closed for two minutes: the wall clock goes on, the page's own does not.
    world.pass_time(120)
    with page.expect_response("**/play") as asked:
        page.evaluate("{ const real = Date.now; Date.now = () => real() + 120_000; }")
    assert asked.value.ok
    expect(page.locator("#quiz-clock .clock-value")).to_have_text(re.compile(r"^2:5\d$"))


def test_a_page_that_was_frozen_asks_for_the_time_when_it_wakes(world: World, visit: Visit) -> None:
    visitor = visit(world.person())
    page = visitor.start(world.quiz(1, time_limit_seconds=300))
    session = visitor.context.new_cdp_session(page)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    world.pass_time(100)
    session.send("Page.setWebLifecycleState", {"state": "active"})
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#quiz-clock .clock-value")).to_have_text(re.compile(r"^3:(20|1\d)$"))


def test_a_wall_clock_set_back_changes_nothing(world: World, visit: Visit) -> None:
    page = visit(world.person()).start(world.quiz(1, time_limit_seconds=300))
    wait_shown(page, "4:59")
    page.evaluate("{ const real = Date.now; Date.now = () => real() - 3_600_000; }")
    wait_shown(page, "4:57")


def test_at_feedback_the_clock_stands_for_two_minutes_and_then_runs(
    world: World, visit: Visit
) -> None:
    visitor = visit(world.person())
    visitor.context.add_init_script(RECORD)
    page = visitor.start(world.quiz(2, time_limit_seconds=300))
    answer(page, "Answer A of 1")
    clock = page.locator("#quiz-clock")
    expect(clock).to_have_attribute("data-state", "standing")
    left = seconds_shown(page)
    world.pass_time(118)
    page.reload()
    expect(clock).to_have_attribute("data-state", "standing")
    assert seconds_shown(page) == left
    expect(clock).to_have_attribute("data-state", "running")
    page.wait_for_function("() => window.shown.some(one => one.state === 'running')")
    page.wait_for_function("() => window.shown.filter(one => one.state === 'running').length > 1")
    assert seconds_shown(page) < left
    expect(page.get_by_role("heading", name="Question 2?")).to_have_count(0)
    world.pass_time(100)
    go_on(page)
    assert seconds_shown(page) <= left - 100


def test_without_a_limit_the_clock_counts_up(world: World, visit: Visit) -> None:
    page = visit(world.person()).start(world.quiz(2))
    wait_shown(page, "0:02")
    world.pass_time(60)
    page.reload()
    expect(page.locator("#quiz-clock .clock-value")).to_have_text(re.compile(r"^1:0\d$"))
    answer(page, "Answer A of 1")
    expect(page.locator("#quiz-clock")).to_have_attribute("data-state", "standing")
    assert said(page) == []


def test_time_that_is_up_on_the_quiz_page_changes_nothing_by_itself(
    world: World, visit: Visit
) -> None:
    who, quiz = world.person(), world.quiz(2, time_limit_seconds=60)
    world.attempt(who, quiz)
    world.leave_time(quiz, seconds=3)
    page = visit(who).go(f"/quiz/{quiz}")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(page.locator(".start .clock-value")).to_have_text("0:00")
    world.pass_time(10)
    page.get_by_role("button", name="Resume").click()
    expect(page).to_have_url(re.compile("/results/"))
    assert play(page).count() == 0
    at_end = world.attempts(quiz)
    assert [(one.timed_out, one.total_time_ms) for one in at_end] == [(True, 60_000)]


def test_after_the_last_answer_the_clock_stands_for_good(world: World, visit: Visit) -> None:
    quiz = world.quiz(1, time_limit_seconds=60)
    page = visit(world.person()).start(quiz)
    world.leave_time(quiz, seconds=4)
    page.reload()
    answer(page, "Answer A of 1")
    clock = page.locator("#quiz-clock")
    left = seconds_shown(page)
    expect(clock).to_have_attribute("data-state", "standing")
    # Time enough for a clock that runs on to reach zero.
    page.evaluate("seconds => new Promise(done => setTimeout(done, seconds * 1000))", left + 1)
    expect(page.get_by_role("link", name="See your result")).to_be_visible()
    assert seconds_shown(page) == left
    assert "Time is up." not in said(page)
