"""The content security policy, kept by every page: the browser finds nothing to forbid."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from respondeo.security import HEADERS
from tests.browser.visitor import Visit, answer, go_on
from tests.browser.world import World

WATCH = """
globalThis.forbidden = [];
addEventListener("securitypolicyviolation", (event) => {
  const said = JSON.parse(sessionStorage.getItem("forbidden") ?? "[]");
  said.push(`${location.pathname}: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
  sessionStorage.setItem("forbidden", JSON.stringify(said));
});
"""


def forbidden(page: Page) -> list[Any]:
    found: list[Any] = json.loads(page.evaluate('sessionStorage.getItem("forbidden") ?? "[]"'))
    return found


@pytest.mark.parametrize("groups", [None, [], ["admin"]], ids=["guest", "player", "admin"])
def test_no_page_does_what_the_policy_forbids(
    visit: Visit, world: World, groups: list[str] | None
) -> None:
    world.demo_people()
    quiz = world.quiz(2)
    other = world.person("Another Player")
    theirs = world.attempt(other, quiz, right=2)
    visitor = visit(None if groups is None else world.person(groups=groups))
    visitor.expects("404", "403", "400")
    visitor.context.add_init_script(WATCH)
    page = visitor.start(quiz)
    answer(page, "Answer A of 1") if groups is not None else page.reload()
    if groups is not None:
        go_on(page)
        answer(page, "Answer B of 2")
        page.locator("#play-go").click()
    paths = ["/", "/?q=nothing+like+this", f"/quiz/{quiz}", f"/quiz/{quiz}/results", "/leaderboard"]
    paths += [f"/quiz/{quiz}/results/{theirs}", "/sign-in", "/nothing", "/docs"]
    if groups is not None:
        paths += ["/settings/", "/settings/security", "/settings/people", "/settings/access"]
        paths += ["/settings/keys"]
        paths += ["/quiz/new", f"/quiz/{quiz}/edit"]
        paths += ["/quiz/mine", "/quiz/import"]
        paths += [f"/quiz/{quiz}/{page}" for page in ("publish", "delete")]
    if groups:
        paths += [f"/quiz/{quiz}/preview", f"/quiz/{quiz}/statistics"]
    for path in paths:
        response = page.goto(path)
        assert response is not None
        told = response.all_headers()
        for name, value in HEADERS.items():
            assert told[name.lower()] == value, (path, name)
        page.wait_for_load_state("networkidle")
    assert forbidden(page) == []


def test_what_the_policy_forbids_is_forbidden(visit: Visit) -> None:
    visitor = visit()
    visitor.expects("Content Security Policy", "Refused", "violates", "blocked")
    visitor.context.add_init_script(WATCH)
    page = visitor.go("/")
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "globalThis.ran = true";
          document.body.append(script);
          document.body.insertAdjacentHTML("beforeend", '<p style="color: red" id="red">x</p>');
        }"""
    )
    page.wait_for_function('JSON.parse(sessionStorage.getItem("forbidden") ?? "[]").length >= 2')
    assert page.evaluate("globalThis.ran") is None
    assert (
        page.evaluate("getComputedStyle(document.getElementById('red')).color") != "rgb(255, 0, 0)"
    )
