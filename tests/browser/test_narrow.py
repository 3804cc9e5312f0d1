"""At 360 px nothing scrolls sideways, whatever authors and players write."""

from __future__ import annotations

from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import NARROW, Visit, answer, choose, confirm, go_on
from tests.browser.world import World, question

WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamten"
ARABIC = "ما هي عاصمة الجمهورية اللبنانية وأكبر مدنها على ساحل البحر الأبيض المتوسط؟"
JAPANESE = "日本で一番高い山である富士山の標高は何メートルですか。最も近いものを選んでください。"
SENTENCE = "An answer that goes on and on, because whoever wrote it wanted to be exact about it. "

WIDER = """
() => {
  // A phone makes its window wider where something does not fit.
  const wide = Math.max(innerWidth, document.scrollingElement.scrollWidth);
  if (wide <= 360) return [];
  const over = [...document.querySelectorAll("body *")]
    .filter(element => element.getBoundingClientRect().right > 360.5
                    || element.getBoundingClientRect().left < -0.5)
    .map(element => element.outerHTML.slice(0, 100));
  return [`${wide} px`, ...over.slice(0, 5)];
}
"""


def fits(page: Page) -> None:
    """Fails with what is too wide."""
    assert page.evaluate(WIDER) == [], page.url


@pytest.fixture
def hard_quiz(world: World) -> UUID:
    """A quiz of everything that is hard to lay out."""
    questions = [
        question(f"{WORD} {WORD}?", WORD, WORD * 3, WORD, right=0, explanation=WORD * 4),
        question(ARABIC, "بيروت", ARABIC * 2, right=0, explanation=ARABIC),
        question(JAPANESE, *[JAPANESE * 2 + str(n) for n in range(6)], explanation=JAPANESE * 3),
        question(SENTENCE * 3, *[SENTENCE * 3 + str(n) for n in range(6)], right=5),
        question("?", "a", "b"),
    ]
    return world.quiz(
        questions, title=WORD, description=WORD + " " + WORD[:50], time_limit_seconds=86_400,
        reveal="always",
    )  # fmt: skip


def test_playing_fits_whatever_is_asked(world: World, visit: Visit, hard_quiz: UUID) -> None:
    page = visit(world.person(WORD), size=NARROW, touch=True).start(hard_quiz)
    for number in range(1, 6):
        expect(page.locator("#play")).to_contain_text(f"Question {number} of 5")
        fits(page)
        page.get_by_role("radio").nth(1).check()
        confirm(page)
        expect(page.locator("#verdict")).to_be_visible()
        fits(page)
        if number < 5:
            go_on(page)
    page.get_by_role("link", name="See your result").click()
    expect(page.get_by_role("heading", name="Review")).to_be_visible()
    fits(page)


def test_lists_and_quiz_pages_fit(world: World, visit: Visit, hard_quiz: UUID) -> None:
    world.quiz(1, title="x", description="y")
    world.quiz(1, title=ARABIC[:70], description=ARABIC)
    world.quiz(1, title=JAPANESE[:70], description=JAPANESE, language="ja")
    who = world.person(WORD)
    page = visit(who, size=NARROW, touch=True).go("/")
    fits(page)
    page.get_by_role("button", name=f"{WORD}: menu").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    fits(page)
    page.goto(f"/?q={WORD * 2}")
    fits(page)
    world.attempt(who, hard_quiz, right=1)
    page.goto(f"/quiz/{hard_quiz}")
    fits(page)
    visit(size=NARROW, touch=True).go("/sign-in")


def test_boards_with_long_names_fit(world: World, visit: Visit) -> None:
    quiz = world.quiz(2, title=WORD)
    names = [WORD, ARABIC, JAPANESE, "X", "Maximiliana " * 8, f"{WORD} {WORD}"]
    people = [world.person(name) for name in names]
    for who in people:
        world.attempt(who, quiz, right=1, wrong=1, seconds=4000)
    page = visit(people[0], size=NARROW, touch=True).go(f"/quiz/{quiz}/results")
    expect(page.locator("#board tbody tr")).to_have_count(6)
    fits(page)
    page.goto("/leaderboard")
    fits(page)
    admin = visit(world.person(WORD, groups=["admin"]), size=NARROW, touch=True)
    fits(admin.go(f"/quiz/{quiz}/results"))


def test_statistics_fit(world: World, visit: Visit, hard_quiz: UUID) -> None:
    for name in (WORD, ARABIC, "X"):
        world.attempt(world.person(name), hard_quiz, right=3, wrong=2, seconds=4000)
    admin = visit(world.person(groups=["admin"]), size=NARROW, touch=True)
    page = admin.go(f"/quiz/{hard_quiz}/statistics")
    expect(page.locator(".figures")).to_have_count(5)
    page.locator(".histogram summary").first.click()
    fits(page)


def test_two_hundred_questions_fit(world: World, visit: Visit) -> None:
    page = visit(world.person(), size=NARROW, touch=True).start(world.quiz(200))
    fits(page)
    pips = page.locator(".pips > i")
    assert pips.count() == 200
    last = pips.last.bounding_box()
    assert last is not None
    assert last["x"] + last["width"] <= 360
    answer(page, "Answer A of 1")
    fits(page)


def test_pages_of_trouble_and_of_guests_fit(world: World, visit: Visit) -> None:
    visitor = visit(size=NARROW, touch=True)
    visitor.expects("status of 404")
    for path in ("/nothing", "/sign-in", "/leaderboard", "/"):
        fits(visitor.go(path))
    page = visitor.start(world.quiz(1, title=WORD))
    choose(page, "Answer A of 1")
    confirm(page)
    expect(page.get_by_text("Played as a guest")).to_be_visible()
    fits(page)


def test_what_is_tapped_is_large_enough_for_a_finger(world: World, visit: Visit) -> None:
    quiz = world.quiz(2)
    visitor = visit(world.person(), size=NARROW, touch=True)
    small = """
      () => [...document.querySelectorAll("a.btn, button, a.chip, label.answer, .site-nav a")]
        .map(element => [element.getBoundingClientRect(), element.outerHTML.slice(0, 80)])
        .filter(([box]) => box.width > 0 && box.height < 47.5)
        .map(([box, html]) => `${box.height} px: ${html}`)
    """
    for path in ("/", f"/quiz/{quiz}", "/leaderboard", "/sign-in"):
        assert visitor.go(path).evaluate(small) == [], path
    page = visitor.start(quiz)
    assert page.evaluate(small) == []
    answer(page, "Answer A of 1")
    assert page.evaluate(small) == []


def test_the_editor_fits_and_is_large_enough_for_a_finger(
    world: World, visit: Visit, hard_quiz: UUID
) -> None:
    visitor = visit(world.person(WORD, groups=["admin"]), size=NARROW, touch=True)
    visitor.expects("status of 409", "net::ERR_|Failed to fetch")
    fits(visitor.go("/quiz/new"))
    page = visitor.go(f"/quiz/{hard_quiz}/edit")
    page.locator(".settings summary").click()
    page.get_by_role("button", name="Picture").last.click()
    fits(page)
    small = """
      () => [...document.querySelectorAll("main button, main summary, .option-right, #outline a")]
        .map(element => [element.getBoundingClientRect(), element.outerHTML.slice(0, 80)])
        .filter(([box]) => box.width > 0 && Math.min(box.height, box.width) < 43.5)
        .map(([box, html]) => `${box.width} x ${box.height} px: ${html}`)
    """
    assert page.evaluate(small) == []
    page.get_by_role("button", name="Questions").click()
    fits(page)
    page.keyboard.press("Escape")
    other = visitor.tab(f"/quiz/{hard_quiz}/edit")
    other.locator(".card-text").first.fill(f"{WORD * 2}?")
    expect(other.locator("#save-state")).to_have_text("Saved")
    page.bring_to_front()
    page.locator(".card-text").first.fill(f"{WORD * 3}?")
    expect(page.locator("#conflict")).to_be_visible()
    fits(page)
    page.get_by_role("button", name="Keep all of mine").click()
    visitor.context.set_offline(True)
    page.locator("#title").fill(WORD * 2)
    expect(page.locator("#editor-notices")).to_contain_text("you are offline")
    fits(page)
