"""Writing a quiz in the browser: by keys alone, offline, in two tabs, by hand."""

from __future__ import annotations

from uuid import UUID

import pytest
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from respondeo.domain.draft import Draft
from respondeo.models import Quiz, QuizDraft
from tests.browser.visitor import PHONE, Visit, Visitor, cookie, said, wait_said
from tests.browser.world import Someone, World, question

NETWORK = "net::ERR_|Failed to fetch"


@pytest.fixture
def author(world: World) -> Someone:
    return world.person("Ada", groups=["admin"])


def draft(world: World, quiz: UUID | str) -> Draft:
    with world.session() as session:
        return Draft.model_validate(session.get_one(QuizDraft, UUID(str(quiz))).document)


def texts(world: World, quiz: UUID) -> list[str]:
    return [one.text for one in draft(world, quiz).questions]


def edit(visitor: Visitor, quiz: UUID) -> Page:
    """Open the editor; its scripts are there afterwards."""
    page = visitor.go(f"/quiz/{quiz}/edit")
    page.wait_for_load_state("domcontentloaded")
    return page


def saved(page: Page) -> None:
    expect(page.locator("#save-state")).to_have_text("Saved")


def paste(page: Page, text: str) -> None:
    """Paste this where the focus is."""
    page.evaluate(
        """(text) => {
          const data = new DataTransfer();
          data.setData("text/plain", text);
          const how = { clipboardData: data, bubbles: true, cancelable: true };
          document.activeElement.dispatchEvent(new ClipboardEvent("paste", how));
        }""",
        text,
    )


def words(page: Page, *lines: str) -> None:
    """Type these, Enter after each."""
    for line in lines:
        page.keyboard.type(line)
        page.keyboard.press("Enter")


def tab_to(page: Page, there: Locator, key: str = "Tab") -> None:
    """Go to a control as people without a mouse do."""
    for _ in range(100):
        if there.evaluate("control => control === document.activeElement"):
            return
        page.keyboard.press(key)
    pytest.fail(f"{key} does not lead to {there}")


def test_a_quiz_is_written_and_published_by_keys_alone(
    world: World, visit: Visit, author: Someone
) -> None:
    page = visit(author).go("/quiz/new")
    expect(page.locator("#title")).to_be_focused()
    words(page, "Rivers of Europe")
    expect(page.locator(".card-text")).to_be_focused()
    words(page, "Which is the longest?")
    page.keyboard.type("Volga")
    page.keyboard.press("Control+Enter")
    words(page, "", "Danube", "Rhine")
    words(page, "")  # in an empty answer: a new question
    expect(page.locator(".sheet").last.locator(".card-text")).to_be_focused()
    expect(page.locator("#questions > .sheet").first.locator(".option")).to_have_count(3)
    words(page, "Which flows through Vienna?")
    paste(page, "- Rhine\n- Danube *\n\n3) Loire\n")
    page.keyboard.press("Control+Shift+Enter")
    words(page, "And through Paris?")
    paste(page, "Seine\nElbe\nOder\nVistula\nTagus\nPo\nTiber")
    wait_said(page, "6 answers pasted; 1 more did not fit.")
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Control+Enter")
    tab_to(page, page.locator("#questions > .sheet").last.locator(".card-text"), "Shift+Tab")
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator(":focus")).to_have_value("And through Paris?")
    wait_said(page, "Question 2 of 3.")
    tab_to(page, page.locator("#description"), "Shift+Tab")
    page.keyboard.type("Where water flows.")
    expect(page.get_by_role("heading", name="Nothing missing")).to_be_visible()
    saved(page)
    quiz = page.url.split("/")[-2]
    written = draft(world, quiz)
    assert (written.title, written.description) == ("Rivers of Europe", "Where water flows.")
    assert [
        (one.text, [(a.text, a.is_correct) for a in one.answers if not a.is_blank])
        for one in written.questions
    ] == [
        ("Which is the longest?", [("Volga", True), ("Danube", False), ("Rhine", False)]),
        (
            "And through Paris?",
            [(t, t == "Po") for t in ("Seine", "Elbe", "Oder", "Vistula", "Po", "Tagus")],
        ),
        ("Which flows through Vienna?", [("Rhine", False), ("Danube", True), ("Loire", False)]),
    ]
    outline = page.locator("#outline li .outline-words").all_inner_texts()
    assert outline == [one.text for one in written.questions]
    assert "Saved." not in said(page), "whoever listens is not told at every pause"
    tab_to(page, page.get_by_role("link", name="Publish…"), "Shift+Tab")
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Publish version 1"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="It is open")).to_be_visible()
    with world.session() as session:
        assert session.get_one(Quiz, UUID(quiz)).published_at is not None


def test_what_is_typed_offline_is_kept_sent_later_and_offered_back(
    world: World, visit: Visit, author: Someone
) -> None:
    quiz = world.quiz(2)
    visitor = visit(author)
    visitor.expects(NETWORK)
    page = edit(visitor, quiz)
    text = page.locator(".card-text").first
    visitor.context.set_offline(True)
    text.fill("Typed in a tunnel?")
    expect(page.locator("#editor-notices")).to_contain_text("you are offline")
    expect(page.locator("#save-state")).to_have_text("Not saved")
    visitor.context.set_offline(False)
    saved(page)
    expect(page.locator("#editor-notices")).to_be_empty()
    assert texts(world, quiz)[0] == "Typed in a tunnel?"
    # The next words never arrive: the page is gone before the connection is back. What a page
    # sends while it closes is no longer held up by the browser's pretended loss of connection.
    visitor.context.set_offline(True)
    text.fill("Typed before the battery was empty?")
    expect(page.locator("#save-state")).to_have_text("Not saved")
    page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('Gone')) }")
    page.close()
    visitor.context.set_offline(False)
    page = visitor.tab(f"/quiz/{quiz}/edit")
    expect(page.locator("#editor-notices")).to_contain_text("it never reached us")
    expect(page.locator(".card-text").first).to_have_value("Typed in a tunnel?")
    page.get_by_text("What differs").click()
    expect(page.locator("#editor-notices")).to_contain_text("Typed before the battery was empty?")
    page.get_by_role("button", name="Restore").click()
    saved(page)
    assert texts(world, quiz)[0] == "Typed before the battery was empty?"
    page.reload()
    page.wait_for_load_state("domcontentloaded")
    expect(page.locator("#editor-notices")).to_be_empty()


def test_a_save_whose_answer_was_lost_is_no_conflict(
    world: World, visit: Visit, author: Someone
) -> None:
    quiz = world.quiz(1)
    visitor = visit(author)
    visitor.expects(NETWORK, "status of 409")
    page = edit(visitor, quiz)
    lost: list[APIResponse] = []

    def lose_the_first(route: Route) -> None:
        if not lost and route.request.method == "POST":
            lost.append(route.fetch())
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/edit", lose_the_first)
    page.locator(".card-text").fill("One")
    expect(page.locator("#editor-notices")).to_contain_text("does not answer")
    page.locator(".card-text").fill("One and more?")
    saved(page)
    assert texts(world, quiz) == ["One and more?"]
    expect(page.locator("#conflict")).to_be_hidden()


def test_what_is_taken_back_while_it_is_on_its_way_is_taken_back(
    world: World, visit: Visit, author: Someone
) -> None:
    quiz = world.quiz(1)
    visitor = visit(author)
    visitor.expects(NETWORK, "status of 4")
    page = edit(visitor, quiz)
    first, limit = page.locator(".card-text"), page.locator("[name=time_limit]")
    on_their_way: list[Route] = []

    def keep(route: Route) -> None:
        on_their_way.append(route)

    page.route("**/edit", keep, times=1)
    with page.expect_request("**/edit"):
        first.fill("Typed by mistake?")
    first.fill("Question 1?")
    page.evaluate("dispatchEvent(new Event('beforeunload'))")  # looks what there is to keep
    on_their_way.pop().continue_()
    saved(page)
    assert texts(world, quiz) == ["Question 1?"]
    # So, too, where the answer is lost; and "5" is no other limit than "5:00".
    page.route("**/edit", keep, times=1)
    limit.evaluate("field => field.closest('details').open = true")
    with page.expect_request("**/edit"):
        limit.fill("5")
        first.fill("Typed by mistake?")
    first.fill("Question 1?")
    on_their_way[0].fetch()
    on_their_way[0].abort("connectionreset")
    saved(page)
    expect(page.locator("#conflict")).to_be_hidden()
    assert (texts(world, quiz), draft(world, quiz).time_limit_seconds) == (["Question 1?"], 300)


def test_two_tabs_overwrite_nothing_and_either_text_can_be_kept(
    world: World, visit: Visit, author: Someone
) -> None:
    quiz = world.quiz(2)
    visitor = visit(author)
    visitor.expects("status of 409")
    one = edit(visitor, quiz)
    two = visitor.tab(f"/quiz/{quiz}/edit")
    two.wait_for_load_state("domcontentloaded")
    one.locator(".card-text").first.fill("From the first tab?")
    one.locator("#title").fill("Seas")
    saved(one)
    two.locator(".card-text").first.fill("From the second tab?")
    dialog = two.locator("#conflict")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("From the first tab?")
    expect(dialog).to_contain_text("From the second tab?")
    expect(dialog).to_contain_text("Ada saved it")
    expect(dialog.get_by_role("group", name="Title").get_by_label("Take theirs")).to_be_checked()
    assert texts(world, quiz)[0] == "From the first tab?", "nothing is overwritten"
    two.keyboard.press("Escape")
    expect(two.locator("#save-state")).to_have_text("Not saved")
    two.get_by_role("button", name="Choose").click()
    dialog.get_by_role("group", name="Question 1").get_by_label("Keep mine").check()
    dialog.get_by_role("button", name="Save what I chose").click()
    saved(two)
    assert texts(world, quiz) == ["From the second tab?", "Question 2?"]
    assert draft(world, quiz).title == "Seas"
    expect(two.locator("#title")).to_have_value("Seas")
    one.locator(".card-text").last.fill("Last?")
    one.locator("#conflict").get_by_role("button", name="Take all of theirs").click()
    expect(one.locator(".card-text").first).to_have_value("From the second tab?")
    expect(one.locator(".card-text").last).to_have_value("Question 2?")
    saved(one)


def test_questions_are_dragged_removed_and_brought_back(
    world: World, visit: Visit, author: Someone
) -> None:
    quiz = world.quiz(4)
    page = edit(visit(author, still=True), quiz)
    handle = page.locator(".sheet > .card-head > .handle")
    handle.nth(3).scroll_into_view_if_needed()
    box = handle.nth(3).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 8, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 8, box["y"] - 10, steps=3)
    top = page.locator(".sheet[data-uid]").nth(1).bounding_box()
    assert top is not None
    page.mouse.move(box["x"] + 8, top["y"] + 4, steps=6)
    page.mouse.up()
    expect(page.locator(".card-text").nth(1)).to_have_value("Question 4?")
    saved(page)
    assert texts(world, quiz) == ["Question 1?", "Question 4?", "Question 2?", "Question 3?"]
    page.get_by_role("button", name="Remove question 1").click()
    expect(page.get_by_text("Question 1 removed.").first).to_be_visible()
    saved(page)
    assert texts(world, quiz) == ["Question 4?", "Question 2?", "Question 3?"]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".card-text").first).to_be_focused()
    page.get_by_role("button", name="Duplicate question 4").click()
    saved(page)
    found = texts(world, quiz)
    assert found == ["Question 1?", "Question 4?", "Question 2?", "Question 3?", "Question 3?"]
    answers = draft(world, quiz).questions[4].answers
    assert [one.is_correct for one in answers] == [True, False, False, False]


def test_who_was_signed_out_loses_nothing_and_goes_on(
    world: World, visit: Visit, author: Someone
) -> None:
    quiz = world.quiz(1)
    visitor = visit(author)
    page = edit(visitor, quiz)
    visitor.context.clear_cookies()
    page.locator(".card-text").fill("Still here?")
    notice = page.locator("#editor-notices")
    expect(notice).to_contain_text("you are signed out")
    expect(notice.get_by_role("link", name="Sign in")).to_have_attribute("target", "_blank")
    visitor.context.add_cookies([cookie(author, world.url)])
    page.evaluate("dispatchEvent(new Event('focus'))")
    saved(page)
    assert texts(world, quiz) == ["Still here?"]


def test_what_cannot_be_kept_is_named_and_leads_to_its_field(
    world: World, visit: Visit, author: Someone
) -> None:
    quiz = world.quiz(1)
    visitor = visit(author)
    visitor.expects("status of 422")
    page = edit(visitor, quiz)
    page.locator("#description").evaluate(
        """field => {
          field.value = "x".repeat(20001); // more than the field lets anybody type
          field.dispatchEvent(new Event("input", { bubbles: true }));
        }"""
    )
    fault = page.locator("#editor-notices").get_by_role("link", name="At most 20000 characters")
    fault.click()
    expect(page.locator("#description")).to_be_focused()
    page.locator("#description").fill("Shorter.")
    saved(page)
    expect(page.locator("#editor-notices")).to_be_empty()
    assert draft(world, quiz).description == "Shorter."


def test_a_quiz_that_was_deleted_meanwhile_can_be_taken_away(
    world: World, visit: Visit, author: Someone
) -> None:
    quiz = world.quiz(1)
    visitor = visit(author)
    visitor.expects("status of 404")
    page = edit(visitor, quiz)
    world.delete(quiz)
    page.locator(".card-text").fill("All in vain?")
    expect(page.locator("#editor-notices")).to_contain_text("was deleted")
    with page.expect_download() as copy:
        page.get_by_role("button", name="Download a copy").click()
    assert "All in vain?" in copy.value.path().read_text("utf-8")


def test_what_is_missing_leads_to_its_field_on_a_phone(
    world: World, visit: Visit, author: Someone
) -> None:
    quiz = world.quiz([question("Which?", "a", "b")])
    page = edit(visit(author, size=PHONE, touch=True), quiz)
    page.locator(".option-text").first.fill("")
    page.locator(".option [type=checkbox]").first.uncheck()
    link = page.get_by_role("link", name="Question 1 Write at least two answers.")
    expect(link).to_be_attached()
    expect(page.locator(".note")).to_be_hidden()
    page.locator("#check-count").click()
    link.click()
    expect(page.locator(".option-text").first).to_be_focused()
    expect(page.locator(".note")).to_be_visible()
    page.get_by_role("button", name="Questions").click()
    page.locator("#outline").get_by_role("link", name="1 Which?").click()
    expect(page.locator(".card-text")).to_be_focused()
    page.locator(".card-text").fill("x" * 480)
    expect(page.locator(".count")).to_have_text("20")
    saved(page)
