"""Nothing jumps when a question is swapped, and nothing moves for those who want it still."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.visitor import (
    PHONE,
    SIZES,
    Visit,
    answer,
    at,
    choose,
    confirm,
    go_on,
)
from tests.browser.world import World, question

SHIFTS = """
  window.shifts = [];
  new PerformanceObserver(list => {
    for (const entry of list.getEntries())
      window.shifts.push([entry.value, entry.sources?.map(source => source.node?.className)]);
  }).observe({ type: "layout-shift", buffered: true });
"""

# Every animation and transition that starts, with its duration in ms.
ANIMATIONS = """
  window.moved = [];
  const note = () => {
    for (const one of document.getAnimations()) {
      const duration = one.effect.getComputedTiming().duration;
      if (!one.noted) window.moved.push(duration);
      one.noted = true;
    }
    requestAnimationFrame(note);
  };
  note();
"""

TWO_FRAMES = """
() => Promise.race([
  new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))),
  new Promise((_, fail) => setTimeout(() => fail("no frames"), 5000)),
])
"""

LONG = "An answer that needs more than one line on any phone, and now and then two on a desk. "


def box(page: Page, selector: str) -> tuple[float, float, float, float]:
    found = page.locator(selector).bounding_box()
    assert found is not None
    return round(found["x"]), round(found["y"]), round(found["width"]), round(found["height"])


ARRIVED = """
  () => Promise.all(
    [...document.querySelectorAll(".question")]
      .flatMap(one => one.getAnimations({ subtree: true }))
      .map(one => one.finished)
  )
"""


@pytest.mark.parametrize("size", SIZES, ids=["wide", "phone"])
def test_nothing_shifts_when_a_question_is_swapped(
    world: World, visit: Visit, size: tuple[int, int]
) -> None:
    visitor = visit(world.person(), size=size)
    visitor.context.add_init_script(SHIFTS)
    quiz = world.quiz(3, time_limit_seconds=300, reveal="always")
    page = visitor.start(quiz)
    for number in (1, 2, 3):
        answer(page, f"Answer B of {number}")
        if number < 3:
            go_on(page)
    assert sum(value for value, _ in page.evaluate("window.shifts")) < 0.01, page.evaluate(
        "window.shifts"
    )


@pytest.mark.parametrize("size", SIZES, ids=["wide", "phone"])
@pytest.mark.parametrize("words", ["short", "long"])
def test_next_is_where_confirm_was(
    world: World, visit: Visit, size: tuple[int, int], words: str
) -> None:
    options = ["One", "Two", "Three"] if words == "short" else [f"{LONG * n}{n}" for n in (1, 2, 3)]
    questions = [question("Which?", *options, explanation=LONG), question("And?", "a", "b")]
    page = visit(world.person(), size=size).start(
        world.quiz(questions, reveal="always", time_limit_seconds=300)
    )
    kept = (".play-head", "#quiz-clock", ".play-title", "#question-text", ".pips")
    page.get_by_role("radio").nth(1).check()
    page.evaluate(ARRIVED)
    button, head = box(page, "#play-go"), [box(page, one) for one in kept]
    rows = page.locator(".answer").evaluate_all(
        "rows => rows.map(row => Math.round(row.getBoundingClientRect().top))"
    )
    scrolled = page.evaluate("scrollY")
    confirm(page)
    at(page, "feedback")
    assert box(page, "#play-go") == button
    assert [box(page, one) for one in kept] == head
    assert page.evaluate("scrollY") == scrolled
    assert rows == page.locator(".answer").evaluate_all(
        "rows => rows.map(row => Math.round(row.getBoundingClientRect().top))"
    )


@pytest.mark.parametrize("size", SIZES, ids=["wide", "phone"])
def test_a_picture_keeps_its_room_while_it_loads(
    world: World, visit: Visit, size: tuple[int, int]
) -> None:
    visitor = visit(world.person(), size=size, still=True)
    visitor.context.add_init_script(SHIFTS)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visitor.page.route("**/media/slow.svg", hold)
    quiz = world.quiz([question("Which?", "a", "b", image_url="/media/slow.svg")])
    page = visitor.start(quiz)
    picture = page.locator(".question-image")
    expect(picture).to_be_visible()
    page.wait_for_function("() => document.getAnimations().length === 0")  # it has arrived
    room, button = box(page, ".question-image"), box(page, "#play-go")
    assert room[3] > 100
    tall = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="900"/>'
    held[0].fulfill(body=tall, content_type="image/svg+xml")
    page.wait_for_function("() => document.querySelector('.question-image').naturalHeight")
    assert (box(page, ".question-image"), box(page, "#play-go")) == (room, button)
    assert sum(value for value, _ in page.evaluate("window.shifts")) < 0.01


@pytest.mark.parametrize("size", SIZES, ids=["wide", "phone"])
def test_words_stand_where_a_picture_does_not_come(
    world: World, visit: Visit, size: tuple[int, int]
) -> None:
    visitor = visit(world.person(), size=size, still=True)
    visitor.expects("status of 404")
    visitor.context.add_init_script(SHIFTS)
    gone = f"/media/{'0' * 64}.webp"
    asked = [
        question("Which?", "a", "b", image_url=gone, image_alt="A red door"),
        question("And?", "c", "d", image_url=gone),
    ]
    quiz = world.quiz(asked, reveal="always")
    page = visitor.start(quiz)
    room = page.locator(".question-image")
    expect(room).to_have_text("The picture could not be loaded.A red door")
    first = box(page, ".question-image")
    assert first[3] > 100
    answer(page, "b")
    expect(room).to_have_text("The picture could not be loaded.A red door")
    assert box(page, ".question-image") == first
    go_on(page)
    expect(room).to_have_text("The picture could not be loaded.")
    assert sum(value for value, _ in page.evaluate("window.shifts")) < 0.01
    answer(page, "c")
    page.get_by_role("link", name="See your result").click()
    page.locator("#question-2").scroll_into_view_if_needed()
    expect(page.locator(".question-image.is-lost")).to_have_count(2)


def test_a_long_question_begins_at_its_beginning(world: World, visit: Visit) -> None:
    questions = [question(f"{LONG * 5} {n}?", *[LONG * 3 + str(o) for o in range(6)]) for n in "12"]
    page = visit(world.person(), size=PHONE).start(world.quiz(questions))
    page.get_by_role("radio").nth(5).check()
    confirm(page)
    at(page, "feedback")
    go_on(page)
    heading = page.get_by_role("heading", level=2)
    expect(heading).to_be_focused()
    top = heading.evaluate("heading => heading.getBoundingClientRect().top")
    assert top >= box(page, ".play-head")[3] - 1
    assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize("still", [True, False], ids=["reduced", "usual"])
def test_motion_follows_the_wish_for_less_of_it(world: World, visit: Visit, still: bool) -> None:
    quiz = world.quiz(2, reveal="always")
    visitor = visit(world.person(), still=still)
    visitor.context.add_init_script(ANIMATIONS)
    page = visitor.start(quiz)
    choose(page, "Answer A of 1")
    confirm(page)
    at(page, "feedback")
    go_on(page)
    answer(page, "Answer B of 2")
    page.get_by_role("link", name="See your result").click()
    expect(page.get_by_role("heading", name="Review")).to_be_visible()
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    durations = page.evaluate("window.moved")
    if still:
        assert all(duration <= 1 for duration in durations), durations
        assert (
            page.evaluate(
                "() => document.getAnimations().filter(one => one.playState === 'running').length"
            )
            == 0
        )
    else:
        assert any(duration >= 150 for duration in durations), durations


@pytest.mark.parametrize("still", [True, False], ids=["reduced", "usual"])
def test_rows_of_a_board_glide_unless_motion_is_unwanted(
    world: World, visit: Visit, still: bool
) -> None:
    quiz = world.quiz(1)
    world.attempt(world.person("Ada"), quiz, wrong=1, seconds=5)
    visitor = visit(world.person("Bob"), still=still)
    visitor.context.add_init_script(ANIMATIONS)
    page = visitor.go(f"/quiz/{quiz}/results")
    world.attempt(world.person("Zoe"), quiz, right=1)
    other = visitor.tab("/sign-in")
    page.bring_to_front()
    other.evaluate("() => new BroadcastChannel('respondeo').postMessage('result')")
    expect(page.locator("#board tbody tr")).to_have_count(2)
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    durations = page.evaluate("window.moved")
    assert any(duration >= 150 for duration in durations) is not still, durations
