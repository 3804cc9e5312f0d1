"""The picture field of an editor: what is typed, uploaded, dropped and pasted, and what it says."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from flask import Flask, render_template_string
from playwright.sync_api import Page, Route, expect

from respondeo.web import access
from tests.browser.axe import axe_finds_nothing
from tests.browser.visitor import SIZES, Visit
from tests.browser.world import World
from tests.web.pictures import picture

EDITOR = """
{% extends "base.html" %}
{% block title %}A form with pictures{% endblock %}
{% block head %}<script src="{{ static_url('js/picture.js') }}" defer></script>{% endblock %}
{% block main %}
  {% from "macros/picture.html" import picture_field %}
  <h1>A form with pictures</h1>
  <form method="post" action="/" enctype="multipart/form-data">
    {{ picture_field("hero-", "", none, "hero", quiz, {}) }}
    {{ picture_field("q-1-", url, "A door", "question", quiz, {}) }}
    {{ picture_field("q-2-", "http://x", "", "question", quiz, {"q-2-image_url": "Use https."}) }}
  </form>
{% endblock %}
"""
GONE = f"/media/{'0' * 64}.webp"
ON_FIELD = """
([selector, name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  const moved = new DataTransfer();
  moved.items.add(new File([bytes], "picture", { type }));
  const how = { bubbles: true, cancelable: true };
  const field = document.querySelector(selector);
  field.dispatchEvent(name === "paste"
    ? new ClipboardEvent(name, { ...how, clipboardData: moved })
    : new DragEvent(name, { ...how, dataTransfer: moved }));
}
"""


@pytest.fixture
def editor(world: World, visit: Visit, _app: Flask) -> Any:
    """Open a page with three fields, as somebody who may edit."""

    def opened(**wishes: Any) -> Page:
        quiz = world.quiz(1)
        visitor = visit(world.person("Admin", groups=["admin"]), still=True, **wishes)
        visitor.expects("status of 4", "net::ERR_", "asked another host: https://")
        with _app.test_request_context("/"):
            access.as_nobody()
            body = render_template_string(EDITOR, quiz=quiz, url=GONE)

        def answer(route: Route) -> None:
            route.fulfill(body=body, content_type="text/html")

        visitor.context.route("https://**", lambda route: route.abort())
        visitor.context.route("**/editor", answer)
        page = visitor.go("/editor")
        page.evaluate(
            """() => {
              window.noticed = [];
              document.addEventListener("input", ({ target }) => window.noticed.push(target.name));
            }"""
        )
        return page

    return opened


def says(page: Page, field: str, words: str) -> None:
    expect(page.locator(f"#{field}image-said")).to_have_text(words)


def moved(page: Page, selector: str, event: str, data: bytes, kind: str = "image/png") -> None:
    encoded = base64.b64encode(data).decode()
    page.evaluate(ON_FIELD, [selector, event, kind, encoded])


@pytest.mark.parametrize("size", SIZES, ids=["wide", "phone"])
def test_an_author_gives_a_picture_in_every_way_there_is(
    editor: Any, size: tuple[int, int]
) -> None:
    page = editor(size=size)
    address = page.get_by_label("Cover picture")
    says(page, "q-1-", "That address gives no picture. Check it, or upload the picture.")
    axe_finds_nothing(page, "one that gives no picture, one that is refused")

    page.locator("#hero-picture").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": picture(size=(800, 400))}
    )
    says(page, "hero-", "This picture loads.")
    first = address.input_value()
    assert first.startswith("/media/")
    assert page.evaluate("window.noticed").count("hero-image_url") == 1
    assert page.locator("#hero-picture").input_value() == ""
    expect(page.locator("#hero-image-shown img")).to_be_visible()
    axe_finds_nothing(page, "a picture that loads")

    moved(page, "#q-1-image-url", "paste", picture(color="blue"))
    says(page, "q-1-", "This picture loads.")
    moved(page, "#q-2-image-url", "drop", picture(color="lime"))
    says(page, "q-2-", "This picture loads.")
    expect(page.locator("#q-2-image-alt")).to_be_visible()

    address.fill("http://insecure.example/a.png")
    says(page, "hero-", "Only https addresses: others would not be shown.")
    expect(page.locator("#hero-image-shown")).to_be_hidden()
    address.fill("https://nowhere.example/a.png")
    says(page, "hero-", "That address gives no picture. Check it, or upload the picture.")
    address.fill(first)
    says(page, "hero-", "This picture loads.")

    page.locator("[data-picture='hero-']").get_by_role("button", name="Remove").click()
    expect(address).to_have_value("")
    expect(address).to_be_focused()
    says(
        page,
        "hero-",
        "An https address; or upload, paste or drop a PNG, JPEG or WebP of up to 8 MB.",
    )


def test_what_cannot_be_uploaded_is_said_beside_the_field(editor: Any) -> None:
    page = editor()
    moved(page, "#hero-image-url", "drop", b"<svg/>", "image/svg+xml")
    says(page, "hero-", "Choose a PNG, JPEG or WebP picture.")
    page.evaluate(
        """() => {
          const moved = new DataTransfer();
          moved.items.add(new File([new Uint8Array(8_000_001)], "large", { type: "image/png" }));
          document.getElementById("hero-image-url").dispatchEvent(
            new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: moved }),
          );
        }"""
    )
    says(page, "hero-", "Choose a picture of at most 8 MB.")
    page.context.set_offline(True)
    moved(page, "#hero-image-url", "drop", picture())
    says(page, "hero-", "You are offline. Try again when you are back.")
    page.context.set_offline(False)
    page.context.clear_cookies()
    moved(page, "#hero-image-url", "drop", picture())
    says(page, "hero-", "You are signed out. Sign in in another tab, then try again.")
    expect(page.get_by_label("Cover picture")).to_have_value("")


def test_a_field_that_came_later_works_and_one_that_was_swapped_gets_its_picture(
    editor: Any,
) -> None:
    page = editor()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/pictures", hold)
    moved(page, "#hero-image-url", "drop", picture())
    expect(page.locator("[data-picture='hero-'] progress")).to_be_visible()
    page.evaluate(
        """() => {
          const field = document.querySelector("[data-picture='hero-']");
          const shape = field.outerHTML.replace(/data-state="\\w+"/, "");
          field.outerHTML = shape;
          const last = document.querySelector("[data-picture='q-2-']");
          last.outerHTML = shape.replaceAll("hero-", "q-9-");
        }"""
    )
    held[0].continue_()
    says(page, "hero-", "This picture loads.")
    page.locator("#q-9-image-url").fill(page.get_by_label("Cover picture").first.input_value())
    says(page, "q-9-", "This picture loads.")
