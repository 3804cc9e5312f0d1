"""Two instances on one database, beside one that has as many workers as both together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from bench import k6
from bench.k6 import Plan, Run
from bench.scenarios import NEWCOMERS
from bench.servers import RESPONDEO, Target, free_port
from bench.stage import Stage, stage, target
from bench.world import PLAYERS

CONNECTIONS = 8
"""Of each of the two generators."""

ROUNDS, SLICE_S = 5, 2
PLANS = {
    "a board's page": Plan("reading", "", CONNECTIONS, SLICE_S, path="/quiz/{quiz}/results"),
    "the list as JSON": Plan(
        "reading", "", CONNECTIONS, SLICE_S, path="/api/quizzes", as_whom="script"
    ),
    "whole attempts": Plan("playing", "", CONNECTIONS, SLICE_S, first=PLAYERS),
}


@dataclass(frozen=True, slots=True)
class Slice:
    """Requests a second, and the processor time of one in the servers and in PostgreSQL, in ms."""

    rate: float
    web_ms: float
    database_ms: float


def run(url: str, say: Callable[[str], None]) -> dict[str, Any]:
    """One instance and two take turns; prints what each answers in a second."""
    say("filling the database")
    found: dict[str, Any] = {}
    faults: list[str] = []
    with stage(url, others=NEWCOMERS, web_max_requests=0) as on, ExitStack() as stack:
        half = on.settings.model_copy(
            update={"web_concurrency": max(1, on.settings.web_concurrency // 2)}
        )
        two = [stack.enter_context(target(RESPONDEO, half, free_port())) for _ in range(2)]
        for name, plan in PLANS.items():
            slices: list[list[Slice]] = [[], []]
            for number in range(ROUNDS + 1):
                say(f"{name}, round {number} of {ROUNDS}")
                for place, targets in enumerate(([on.app, on.app], two)):
                    measured, wrong = _slice(on, plan, targets)
                    faults += wrong
                    if number:  # the first warms
                        slices[place].append(measured)
            found[name] = [_middle(one) for one in slices]
    say("")
    workers = on.settings.web_concurrency
    print(
        f"\nTwo instances with {half.web_concurrency} workers each, beside one with {workers}, on"
        " the same processors\n(requests a second; ms of processor time of one in the servers, in"
        " PostgreSQL):"
    )
    for name, (one, both) in found.items():
        print(
            f"{name:18} one {one['rate']:>6,.0f} ({one['web_ms']:.2f}, {one['database_ms']:.2f})"
            f"   two {both['rate']:>6,.0f} ({both['web_ms']:.2f}, {both['database_ms']:.2f})"
            f"   × {both['rate'] / one['rate']:.2f}"
        )
    return {"two_instances": found, "faults": faults}


def _slice(on: Stage, plan: Plan, targets: Sequence[Target]) -> tuple[Slice, list[str]]:
    """Two generators at once, one to each target, that act for different people."""
    servers = {server.origin: server for server in targets}.values()

    def used() -> tuple[float, float]:
        return sum(server.used()[0] for server in servers), targets[0].used()[1]

    on.world.open_attempts([])
    share = NEWCOMERS // len(targets)
    with ExitStack() as stack:
        web, database = used()
        results: list[Callable[[], Run]] = []
        for place, server in enumerate(targets):
            of_people = plan
            if plan.first:
                first = plan.first + place * share
                of_people = replace(plan, first=first, people=first + share)
            to_target = replace(of_people, origin=server.origin)
            results.append(stack.enter_context(k6.running(to_target, on.world.folder)))
        runs = [result() for result in results]
        web_after, database_after = used()
    requests = max(1, sum(one.took.count for one in runs))
    wrong = [
        words
        for one, server in zip(runs, targets, strict=True)
        for words in server.wrong_in_words(one)
    ]
    return Slice(
        sum(one.rate for one in runs),
        1000 * (web_after - web) / requests,
        1000 * (database_after - database) / requests,
    ), wrong


def _middle(slices: Sequence[Slice]) -> dict[str, float]:
    return {
        name: median(getattr(one, name) for one in slices)
        for name in ("rate", "web_ms", "database_ms")
    }
