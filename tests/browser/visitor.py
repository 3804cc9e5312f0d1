"""Somebody at a browser: a context of their own, watched for errors and for other hosts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from tests.browser.world import Someone

WIDE, PHONE, NARROW = (1280, 900), (390, 844), (360, 740)
SIZES = (WIDE, PHONE)

# What was said aloud survives a new page, as it does for whoever listens.
LISTEN = """
addEventListener("DOMContentLoaded", () => {
  const said = () => JSON.parse(sessionStorage.getItem("said") ?? "[]");
  const announcer = document.getElementById("announcer");
  new MutationObserver(() => {
    const text = announcer.textContent.trim();
    if (text) sessionStorage.setItem("said", JSON.stringify([...said(), text]));
  }).observe(announcer, { childList: true, characterData: true, subtree: true });
});
"""


@dataclass
class Visitor:
    """One browser context; `page` is its first tab."""

    context: BrowserContext
    url: str
    troubles: list[str] = field(default_factory=list)
    expected: list[re.Pattern[str]] = field(default_factory=list)
    _page: Page | None = None

    def __post_init__(self) -> None:
        self.context.set_default_timeout(15_000)
        self.context.on("console", self._heard)
        self.context.on("weberror", lambda error: self.troubles.append(str(error.error)))
        self.context.on("request", self._asked)
        self.context.add_init_script(LISTEN)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.troubles.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self.url}/", "data:", "blob:")):
            self.troubles.append(f"asked another host: {request.url}")

    def expects(self, *patterns: str) -> None:
        """These lines in the console belong to the test."""
        self.expected += [re.compile(pattern) for pattern in patterns]

    def unexpected(self) -> list[str]:
        """What went wrong in this browser that no test asked for."""
        return [
            trouble
            for trouble in self.troubles
            if not any(pattern.search(trouble) for pattern in self.expected)
        ]

    @property
    def page(self) -> Page:
        if self._page is None:
            self._page = self.context.new_page()
        return self._page

    def go(self, path: str) -> Page:
        """Open an address of ours in the first tab."""
        self.page.goto(path)
        return self.page

    def tab(self, path: str) -> Page:
        """Open an address of ours in another tab."""
        page = self.context.new_page()
        page.goto(path)
        return page

    def start(self, quiz: object) -> Page:
        """Open a quiz and press its one button."""
        page = self.go(f"/quiz/{quiz}")
        page.locator("#start-button").click()
        expect(page.locator("#play")).to_have_attribute("data-status", "question")
        page.wait_for_load_state(
            "domcontentloaded"
        )  # its scripts too: tests are faster than people
        return page


Visit = Callable[..., Visitor]
"""visit(who, size=…, theme=…, javascript=…, still=…): a new visitor."""


def options(
    *,
    size: tuple[int, int] = WIDE,
    theme: Literal["light", "dark"] = "light",
    javascript: bool = True,
    still: bool = False,
    touch: bool = False,
    zone: str = "UTC",
) -> dict[str, Any]:
    """How a browser context is made for these wishes. `still`: prefers reduced motion."""
    return {
        "viewport": {"width": size[0], "height": size[1]},
        "color_scheme": theme,
        "java_script_enabled": javascript,
        "reduced_motion": "reduce" if still else "no-preference",
        "has_touch": touch,
        "is_mobile": touch,
        "locale": "en-GB",
        "timezone_id": zone,
    }


def cookie(who: Someone, url: str) -> Any:
    """The cookie that signs this person in."""
    return {"name": "respondeo_session", "value": who.token, "url": url, "httpOnly": True}


# -- what players do and see -----------------------------------------------------------------


def play(page: Page) -> Locator:
    """The part of the play page that is swapped."""
    return page.locator("#play")


def at(page: Page, status: str, position: int | None = None) -> None:
    """Wait until the play stands there."""
    expect(play(page)).to_have_attribute("data-status", status)
    if position is not None:
        expect(play(page)).to_contain_text(f"Question {position} of")


def choose(page: Page, text: str) -> None:
    """Choose the answer with these words."""
    page.get_by_role("radio", name=text, exact=False).check()


def confirm(page: Page) -> None:
    page.get_by_role("button", name="Confirm").click()


def answer(page: Page, text: str) -> None:
    """Choose and confirm; the feedback is there afterwards."""
    choose(page, text)
    confirm(page)
    at(page, "feedback")


def go_on(page: Page) -> None:
    """Leave the feedback for the next question."""
    page.get_by_role("button", name="Next").click()
    at(page, "question")


def said(page: Page) -> list[str]:
    """Everything that was announced politely in this tab."""
    found: list[str] = page.evaluate('JSON.parse(sessionStorage.getItem("said") ?? "[]")')
    return found


def wait_said(page: Page, text: str) -> None:
    """Wait until this was announced."""
    page.wait_for_function(
        'text => JSON.parse(sessionStorage.getItem("said") ?? "[]").includes(text)', arg=text
    )


def seconds_shown(page: Page) -> int:
    """What the clock of the play shows."""
    parts = page.locator("#quiz-clock .clock-value").inner_text().split(":")
    total = 0
    for part in parts:
        total = total * 60 + int(part)
    return total
