"""An author in a real browser: a schedule in their own time zone, a file, a narrow phone."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.test_narrow import ARABIC, WORD, fits
from tests.browser.visitor import NARROW, Visit
from tests.browser.world import World, question
from tests.factories import document

FILE = {
    "title": "Rivers",
    "description": "Long ones.",
    "questions": [
        {
            "text": "Which is the longest?",
            "answers": [{"text": "Nile", "isCorrect": True}, {"text": "Po", "isCorrect": False}],
        }
    ],
}


def test_a_file_becomes_a_quiz_that_opens_when_the_authors_own_clock_says_so(
    world: World, visit: Visit, tmp_path: Path
) -> None:
    file = tmp_path / "rivers.json"
    file.write_text(json.dumps(FILE))
    author = visit(world.person("Ann", groups=["admin"]), zone="Asia/Tokyo")
    author.expects("status of 404", "status of 422")
    page = author.go("/quiz/import")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Look at it").click()
    expect(page.locator(".wording .is-right")).to_contain_text("Nile")
    page.get_by_role("button", name="Create this quiz").dblclick()
    page.wait_for_url("**/edit")
    page.goto("/quiz/mine")
    expect(page.locator(".own-list > li")).to_have_count(1)
    page.locator(".manage summary").click()
    page.get_by_role("link", name="Publication").click()
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    page.get_by_label("On a date").check()
    page.get_by_label("Date", exact=True).fill("2030-01-02")
    page.get_by_label("Time", exact=True).fill("08:30")
    page.get_by_role("button", name="Publish version 1").click()
    expect(page.get_by_role("status").filter(has_text="Scheduled.")).to_be_visible()
    expect(page.locator("time").first).to_have_text("2 Jan 2030, 08:30")
    expect(page.locator("time").first).to_have_attribute("datetime", "2030-01-01T23:30:00+00:00")
    author.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the link").click()
    expect(page.locator("#toasts")).to_contain_text("Link copied.")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.locator("#share-link").input_value()
    stranger = visit()
    stranger.expects("status of 404")
    expect(stranger.go(link.removeprefix(world.url)).get_by_text("Error 404")).to_be_visible()
    page.get_by_role("button", name="Publish now").click()
    expect(page.get_by_role("heading", name="It is open")).to_be_visible()
    stranger.page.reload()
    expect(stranger.page.get_by_role("heading", name="Rivers")).to_be_visible()


def test_authors_pages_fit_a_narrow_phone(world: World, visit: Visit) -> None:
    hard = [question(f"{WORD} {WORD}?", WORD * 3, ARABIC * 2, explanation=WORD * 4)]
    quiz = world.quiz([*hard, *document(2).questions], title=WORD, description=ARABIC)
    world.rewrite(quiz)
    world.schedule(world.quiz(1, title=ARABIC[:70]))
    visitor = visit(world.person(WORD, groups=["admin"]), size=NARROW, touch=True)
    visitor.expects("status of 422")
    page = visitor.go("/quiz/mine?whose=all")
    page.locator(".manage summary").first.click()
    fits(page)
    small = """
      () => [...document.querySelectorAll(".own-list .btn, .own-list summary, .chip")]
        .map(element => [element.getBoundingClientRect(), element.outerHTML.slice(0, 80)])
        .filter(([box]) => box.width > 0 && box.height < 47.5)
        .map(([box, html]) => `${box.height} px: ${html}`)
    """
    assert page.evaluate(small) == []
    for path in (f"/quiz/{quiz}", f"/quiz/{quiz}/publish", f"/quiz/{quiz}/delete", "/quiz/import"):
        fits(visitor.go(path))
    page.locator("#import-text").fill(json.dumps({WORD: 1, "title": WORD * 400}))
    page.get_by_role("button", name="Look at it").click()
    fits(page)
    page.locator("#import-text").fill(
        json.dumps({"title": WORD * 4, "questions": [{"text": WORD}]})
    )
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("button", name="Create this quiz")).to_be_visible()
    fits(page)
