"""The reference of the API: draws our document, tries it with a key, here and nowhere else."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.test_narrow import fits
from tests.browser.test_policy import WATCH, forbidden
from tests.browser.visitor import NARROW, Visit, Visitor


@pytest.fixture
def reader(visit: Visit) -> Visitor:
    """Somebody on a phone who reads the reference."""
    visitor = visit(size=NARROW)
    visitor.context.add_init_script(WATCH)
    return visitor


def opened(visitor: Visitor) -> Page:
    """The reference with the list of quizzes unfolded."""
    page = visitor.go("/docs")
    page.locator("#operations-Quizzes-list_quizzes .opblock-summary-control").click()
    return page


def test_a_key_that_is_typed_in_is_sent_with_what_is_tried(reader: Visitor) -> None:
    tried: list[tuple[str, str]] = []

    def api(route: Route) -> None:
        tried.append((route.request.url, route.request.headers.get("x-api-key", "")))
        route.fulfill(json={"items": []})

    reader.context.route("**/api/quizzes*", api)
    page = opened(reader)
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".modal-ux input").first.fill("rsp_of_a_reader")
    page.locator(".modal-ux button.authorize").first.click()
    page.locator(".modal-ux .btn-done").first.click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table")).to_contain_text("items")
    ((address, key),) = tried
    assert address.startswith(f"{reader.url}/api/quizzes")
    assert key == "rsp_of_a_reader"
    assert forbidden(page) == []
    fits(page)
    assert "rsp_of_a_reader" not in page.evaluate("JSON.stringify({...localStorage})")


def test_the_dialog_asks_for_a_key_alone_and_is_used_with_the_keyboard(reader: Visitor) -> None:
    page = opened(reader)
    authorize = page.get_by_role("button", name="Authorize").first
    authorize.press("Enter")
    dialog = page.get_by_role("dialog")
    field, close = dialog.get_by_role("textbox"), dialog.get_by_role("button", name="Close").first
    expect(field).to_be_focused()  # and there is no other
    close.focus()
    page.keyboard.press("Shift+Tab")
    expect(dialog.get_by_role("button", name="Close").last).to_be_focused()
    page.keyboard.press("Tab")
    expect(close).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(authorize).to_be_focused()


def test_a_body_can_be_read_while_it_is_written(reader: Visitor) -> None:
    page = reader.go("/docs")
    page.locator("#operations-Quizzes-create_quiz .opblock-summary-control").click()
    box = page.get_by_role("textbox", name="Request body").bounding_box()
    assert box is not None
    assert box["height"] > 200


def test_the_reference_follows_the_theme(reader: Visitor) -> None:
    page = opened(reader)
    ground = "block => getComputedStyle(block).backgroundColor"
    block = page.locator(".opblock").first
    light = block.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html.dark-mode")).to_be_visible()
    assert block.evaluate(ground) != light


def test_a_document_that_does_not_come_is_said_with_what_to_do(visit: Visit) -> None:
    visitor = visit()
    visitor.expects("net::ERR_FAILED", "Failed to fetch")
    visitor.context.route("**/docs/openapi.json", lambda route: route.abort())
    page = visitor.go("/docs")
    expect(page.get_by_role("alert")).to_contain_text("The reference could not be loaded.")
    expect(page.get_by_role("link", name="load this page again")).to_be_visible()
    expect(page.locator("#reference-waiting")).to_have_count(0)


def test_without_javascript_the_reference_leads_to_the_document(visit: Visit) -> None:
    page = visit(javascript=False).go("/docs")
    expect(page.get_by_text("This reference needs JavaScript.")).to_be_visible()
    link = page.get_by_role("link", name="the OpenAPI document").last
    expect(link).to_have_attribute("href", "/docs/openapi.json")
