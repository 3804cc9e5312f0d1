"""What a first visit costs over the wire, and that all of it comes from here."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.visitor import Visit, Visitor, answer
from tests.browser.world import World

KB = 1024
MOST, MOST_SCRIPT = 60 * KB, 25 * KB


class Scales:
    """Weighs what a tab receives: bytes on the wire, headers and all, by kind."""

    def __init__(self, visitor: Visitor, *, cold: bool = True) -> None:
        self.kinds: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.bytes: dict[str, int] = {}
        session = visitor.context.new_cdp_session(visitor.page)
        session.on("Network.requestWillBeSent", self._asked)
        session.on("Network.loadingFinished", self._finished)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": cold})

    def _asked(self, event: dict[str, Any]) -> None:
        self.kinds[event["requestId"]] = event.get("type", "")
        self.names[event["requestId"]] = event["request"]["url"]

    def _finished(self, event: dict[str, Any]) -> None:
        self.bytes[event["requestId"]] = int(event["encodedDataLength"])

    def total(self, kind: str | None = None) -> int:
        return sum(
            size
            for name, size in self.bytes.items()
            if kind is None or self.kinds.get(name) == kind
        )

    def list(self) -> str:
        """Each file with its weight, heaviest first."""
        found = sorted((size, self.names.get(name, "?")) for name, size in self.bytes.items())
        return "\n".join(f"{size:7} {name}" for size, name in reversed(found))


def test_the_first_load_of_the_play_page_is_light(world: World, visit: Visit) -> None:
    who, quiz = world.person(), world.quiz(10, time_limit_seconds=300)
    world.attempt(who, quiz)
    visitor = visit(who)
    scales = Scales(visitor)
    visitor.go(f"/quiz/{quiz}/play").wait_for_load_state("networkidle")
    assert len(scales.bytes) >= 8, scales.list()
    print(f"play: {scales.total()} bytes, {scales.total('Script')} of them scripts")  # noqa: T201
    assert scales.total() <= MOST, scales.list()
    assert scales.total("Script") <= MOST_SCRIPT, scales.list()


@pytest.mark.parametrize("page", ["list", "quiz", "result", "board", "sign-in"])
def test_the_first_load_of_every_other_page_is_light(world: World, visit: Visit, page: str) -> None:
    who, quiz = world.person(), world.quiz(3)
    attempt = world.attempt(who, quiz, right=3)
    paths = {
        "list": "/", "quiz": f"/quiz/{quiz}", "result": f"/quiz/{quiz}/results/{attempt}",
        "board": "/leaderboard", "sign-in": "/sign-in",
    }  # fmt: skip
    visitor = visit(None if page == "sign-in" else who)
    scales = Scales(visitor)
    visitor.go(paths[page]).wait_for_load_state("networkidle")
    assert scales.total() <= MOST, scales.list()
    assert scales.total("Script") <= MOST_SCRIPT, scales.list()


def test_a_question_costs_one_small_answer(world: World, visit: Visit) -> None:
    visitor = visit(world.person())
    page = visitor.start(world.quiz(3))
    page.wait_for_load_state("networkidle")
    scales = Scales(visitor)
    answer(page, "Answer A of 1")
    page.wait_for_load_state("networkidle")
    assert len(scales.bytes) == 1, scales.list()
    assert scales.total() <= 3 * KB, scales.list()


def test_what_was_loaded_once_is_not_loaded_again(world: World, visit: Visit) -> None:
    quiz = world.quiz(2)
    visitor = visit(world.person())
    visitor.go(f"/quiz/{quiz}").wait_for_load_state("networkidle")
    scales = Scales(visitor, cold=False)
    visitor.go(f"/quiz/{quiz}/results").wait_for_load_state("networkidle")
    files = {url: scales.bytes[name] for name, url in scales.names.items() if "/static/" in url}
    assert len(files) >= 8, scales.list()
    assert set(files.values()) == {0}, scales.list()
