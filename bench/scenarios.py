"""What the simulated people do: play a quiz from start to board, or read one page again and again.

A scenario is a generator of requests that never ends; it reads of each response only what it
needs for the next request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from random import Random

from bench.client import Browser, Steps, Unexpected
from bench.world import World

_FIELD = re.compile(r'<input[^>]*\sname="(attempt|question|answer)"[^>]*\svalue="([0-9a-f-]{36})"')
_RESULT = re.compile(r'href="(/quiz/[0-9a-f-]{36}/results/[0-9a-f-]{36})"')
_STYLE = re.compile(r'href="(/static/css/app\.css[^"]*)"')


@dataclass(frozen=True, slots=True)
class Scenario:
    """A line of the report. `players` makes the endless steps of that many people."""

    name: str
    players: Callable[[int], list[Steps]]
    bare: bool = False


def scenarios(world: World, app_url: str, bare_url: str) -> list[Scenario]:
    """All that is measured, the bare page first."""
    fresh = cycle(world.cookies)  # one person after the other: everybody plays once

    def everybody(steps: Callable[[Browser], Steps]) -> Callable[[int], list[Steps]]:
        return lambda count: [steps(Browser(app_url, next(fresh))) for _ in range(count)]

    def strangers(kind: str, path: str) -> Callable[[int], list[Steps]]:
        return lambda count: [reading(Browser(bare_url), kind, path) for _ in range(count)]

    def page(name: str, path: str) -> Scenario:
        return Scenario(name, everybody(lambda browser: reading(browser, name, path)))

    rng, quiz = Random(1), f"/quiz/{world.read}"
    return [
        Scenario("bare: a page", strangers("bare: a page", "/"), bare=True),
        Scenario("bare: SELECT 1", strangers("bare: SELECT 1", "/database"), bare=True),
        Scenario(
            "play",
            lambda count: [
                playing(app_url, f"/quiz/{world.played}", fresh, rng) for _ in range(count)
            ],
        ),
        page("list", "/"),
        page("quiz page", quiz),
        Scenario("play page", everybody(lambda b: resuming(b, f"/quiz/{world.played}"))),
        page("board", f"{quiz}/results"),
        Scenario("board, unchanged", everybody(lambda b: polling(b, f"{quiz}/results?page=1"))),
        page("overall board", "/leaderboard"),
        Scenario("app.css", everybody(styling)),
    ]


def reading(browser: Browser, kind: str, path: str) -> Steps:
    """One page, again and again."""
    request = browser.get(kind, path)
    while True:
        yield request


def playing(origin: str, quiz: str, cookies: Iterator[str], rng: Random) -> Steps:
    """Whole plays, one after the other, each by somebody else: start, answer all, result, board.

    The browser has JavaScript: answers are sent by htmx, and what comes back is a fragment.
    """
    while True:
        browser = Browser(origin, next(cookies))
        yield browser.post("start", f"{quiz}/play", {}, expects=303)
        shown = (yield browser.get("first question", f"{quiz}/play")).text()
        while True:
            fields, answers = _form(shown)
            form = fields | {"answer": rng.choice(answers)}
            shown = (yield browser.post("answer", f"{quiz}/play/answer", form, htmx=True)).text()
            if over := _RESULT.search(shown):
                break
            fields, _ = _form(shown)
            shown = (yield browser.post("next", f"{quiz}/play/next", fields, htmx=True)).text()
        yield browser.get("result", over[1])
        yield browser.get("its board", f"{quiz}/results")


def _form(page: str) -> tuple[dict[str, str], list[str]]:
    """The hidden fields of the play page's form, and the answers to choose from."""
    found = _FIELD.findall(page)
    fields = {name: value for name, value in found if name != "answer"}
    if fields.keys() != {"attempt", "question"}:
        raise Unexpected(f"No question in this page:\n{page[:2000]}")
    return fields, [value for name, value in found if name == "answer"]


def resuming(browser: Browser, quiz: str) -> Steps:
    """An open attempt, loaded again and again."""
    yield browser.post(None, f"{quiz}/play", {}, expects=303)
    yield from reading(browser, "play page", f"{quiz}/play")


def polling(browser: Browser, path: str) -> Steps:
    """A board that asks whether there is anything new, and there is not."""
    tag = (yield browser.get(None, path, htmx=True)).header("HX-PTag")
    if tag is None:
        raise Unexpected("The board came without a tag.")
    while True:
        yield browser.get("board, unchanged", path, expects=304, htmx=True, HX_PTag=tag)


def styling(browser: Browser) -> Steps:
    """The style sheet, as the pages name it."""
    found = _STYLE.search((yield browser.get(None, "/")).text())
    if found is None:
        raise Unexpected("The page names no style sheet.")
    yield from reading(browser, "app.css", found[1])
