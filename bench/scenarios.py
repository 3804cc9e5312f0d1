"""What is measured: which requests, by whom, and what is asked of their speed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from bench.k6 import Plan
from bench.world import PLAYERS, QUESTIONS, QUIZZES, World

PEOPLE = 50
NEWCOMERS = 500
"""People who have played nothing yet: their first attempts are new on their boards."""

MOST_ANSWERS_S = 2000
"""What the server is thought to take at most: attempts are made ready for so many a second."""

JSON_WITH_KEY = "JSON with a key"
JSON_WITH_SESSION = "JSON with a session"
PAGES = "pages"
UNCOMPRESSED = "pages, uncompressed"
BOARDS_CHANGED = "all boards just changed"
PLAY = "play"
OTHER = "other"

PLAY_KINDS = ("start", "first_question", "answer", "last_answer", "next", "result", "its_board")


def open_none(world: World, _seconds: float) -> None:
    """Nobody is in the middle of anything."""
    world.open_attempts([])


@dataclass(frozen=True, slots=True)
class Scenario:
    """A line of the report.

    target: the least that its rate may be of the bare page's, None where nothing is asked.
    people, first: who acts, from which place on. prepare: makes ready what a slice of so many
    seconds needs. changes: it leaves boards other than it found them.
    longer: its slices take so many times the usual. briefly: once is enough, at few connections.
    """

    name: str
    group: str
    does: str = "reading"
    path: str = "/"
    as_whom: str = "browser"
    target: float | None = None
    encoding: str | None = None
    people: int = PEOPLE
    first: int = 0
    kinds: tuple[str, ...] = ()
    prepare: Callable[[World, float], None] = open_none
    changes: bool = False
    longer: float = 1
    briefly: bool = False
    bare: bool = False

    def plan(self, origin: str, connections: int, seconds: float) -> Plan:
        """What k6 is told."""
        return Plan(
            does=self.does,
            origin=origin,
            connections=connections,
            seconds=seconds * self.longer,
            path=self.path,
            as_whom=self.as_whom,
            encoding=self.encoding,
            people=self.people,
            first=self.first,
            kinds=self.kinds,
        )


def open_for_pages(world: World, _seconds: float) -> None:
    """An open attempt for each person and quiz that requests rotate over."""
    world.open_attempts([(n % PEOPLE, n % QUIZZES) for n in range(math.lcm(PEOPLE, QUIZZES))])


def open_for_answers(world: World, seconds: float) -> None:
    """Open attempts at quizzes that go from each answer to the next question."""
    many = math.ceil(seconds * MOST_ANSWERS_S / QUESTIONS)
    world.open_attempts([*islice(world.without_feedback, many)])


def change_boards(world: World, _seconds: float) -> None:
    """What was made of any board is of no more use."""
    world.open_attempts([])
    world.change_boards()


def _json(group: str, as_whom: str, target: float) -> list[Scenario]:
    paths = {
        "list": "/api/quizzes",
        "quiz": "/api/quizzes/{quiz}",
        "board": "/api/quizzes/{quiz}/leaderboard",
        "global board": "/api/leaderboard",
    }
    return [
        Scenario(name, group, path=path, as_whom=as_whom, target=target)
        for name, path in paths.items()
    ]


def _pages(group: str, *, encoding: str | None, target: float | None) -> list[Scenario]:
    paths = {
        "list": "/",
        "quiz": "/quiz/{quiz}",
        "play": "/quiz/{quiz}/play",
        "board": "/quiz/{quiz}/results",
    }
    return [
        Scenario(
            name,
            group,
            path=path,
            encoding=encoding,
            target=target,
            prepare=open_for_pages if name == "play" else open_none,
            briefly=encoding is not None,
        )
        for name, path in paths.items()
    ]


def _boards_changed() -> list[Scenario]:
    """What costs more for a moment, where every board has a new result."""
    asked = {
        "quiz": ("/quiz/{quiz}", "browser"),
        "board": ("/quiz/{quiz}/results", "browser"),
        "board as JSON": ("/api/quizzes/{quiz}/leaderboard", "script"),
    }
    return [
        Scenario(name, BOARDS_CHANGED, path=path, as_whom=who, prepare=change_boards, changes=True)
        for name, (path, who) in asked.items()
    ]


BARE = Scenario("a page", "bare Flask", as_whom="stranger", bare=True)

SCENARIOS = (
    *_json(JSON_WITH_KEY, "program", 0.2),
    *_json(JSON_WITH_SESSION, "script", 0.35),
    *_pages(PAGES, encoding=None, target=0.2),
    *_pages(UNCOMPRESSED, encoding="identity", target=None),
    Scenario("board, unchanged", OTHER, "watching"),
    Scenario("global board", OTHER, path="/leaderboard", briefly=True),
    Scenario(
        "bare: SELECT 1", OTHER, path="/database", as_whom="stranger", briefly=True, bare=True
    ),
    *_boards_changed(),
    Scenario(
        "answer",
        PLAY,
        "answering",
        people=PLAYERS,
        target=0.1,
        prepare=open_for_answers,
        changes=True,
    ),
    Scenario(
        "whole attempts",
        PLAY,
        "playing",
        people=PLAYERS + NEWCOMERS,
        first=PLAYERS,
        kinds=PLAY_KINDS,
        changes=True,
        longer=2,
    ),
    Scenario(
        "submitted whole (JSON)",
        PLAY,
        "submitting",
        people=PLAYERS,
        changes=True,
    ),
)
