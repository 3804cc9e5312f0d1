"""Many people at once, who pause as people do: how many the server carries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench import k6
from bench.k6 import Plan, Run
from bench.stage import Stage, stage
from bench.watching import Watch
from bench.world import PLAYERS

MOST_MS = 250
"""What p95 may be with the users that were asked for."""

TOO_SLOW_MS = 500
FIRST_USERS, STEP_USERS, LAST_USERS = 1000, 1000, 8000
ARRIVE_S, SETTLE_S, MEASURE_S = 15, 25, 30

KINDS = (
    *("list", "quiz", "board", "global_board"),
    *("start", "first_question", "answer", "last_answer", "next", "result", "its_board", "poll"),
)


@dataclass(frozen=True, slots=True)
class Users:
    """What so many users felt, and what they cost. cores: of web and of PostgreSQL."""

    users: int
    run: Run
    cores: tuple[float, float]

    def entry(self) -> dict[str, Any]:
        """As the file of results has it."""
        took = self.run.took
        return {
            "users": self.users,
            "requests_per_s": self.run.rate,
            "p50_ms": took.p50_ms,
            "p95_ms": took.p95_ms,
            "p99_ms": took.p99_ms,
            "failed": self.run.wrong,
            "attempts": self.run.attempts,
            "web_cores": self.cores[0],
            "database_cores": self.cores[1],
            "k6_cores": self.run.cpu_s / self.run.wall_s,
            "kinds": {kind: one.p95_ms for kind, one in self.run.kinds.items() if one.count},
        }


def run(url: str, users: int, *, ramp: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """The users that were asked for, then more and more until it gets slow; prints both."""
    say("filling the database")
    most = max(users, LAST_USERS) if ramp else users
    with stage(url, others=3 * (most // 10 + 1)) as on:
        say(f"{users:,} users")
        fixed = measure(on, users)
        steps = [*ramped(on, say)] if ramp else []
        faults = [words for one in (fixed, *steps) for words in on.app.wrong_in_words(one.run)]
    say("")
    found = fixed.entry()
    met = found["p95_ms"] < MOST_MS and not found["failed"]
    print(
        f"\nMixed: of ten users six browse, three play, one watches a board."
        f"\nasked: {users:,} users, p95 under {MOST_MS} ms, no request failed:"
        f" {'met' if met else 'NOT met'}\n"
    )
    entries = [one.entry() for one in steps]
    print(table([found, *entries]))
    if entries:
        print(f"\n{carried(entries)}")
    print("\np95 in ms by kind: " + ", ".join(f"{k} {v:,.0f}" for k, v in found["kinds"].items()))
    return {"asked": found, "met": met, "ramp": entries, "faults": faults}


def carried(entries: list[dict[str, Any]]) -> str:
    """How many users there may be before it gets slow, in words."""
    well = [one["users"] for one in entries if one["p95_ms"] <= TOO_SLOW_MS and not one["failed"]]
    most = f"{well[-1]:,} users are carried" if well else f"{entries[0]['users']:,} are too many"
    return f"{most}: p95 within {TOO_SLOW_MS} ms and no request failed."


def ramped(on: Stage, say: Callable[[str], None]) -> Iterator[Users]:
    """More users each time, until p95 passes TOO_SLOW_MS or something fails."""
    for users in range(FIRST_USERS, LAST_USERS + 1, STEP_USERS):
        say(f"{users:,} users")
        found = measure(on, users)
        yield found
        if found.run.took.p95_ms > TOO_SLOW_MS or found.run.wrong:
            return


def measure(on: Stage, users: int) -> Users:
    """So many users: they arrive one after the other, settle, and are measured."""
    on.world.open_attempts([])
    plan = Plan(
        "mixed",
        on.app.origin,
        users,
        MEASURE_S,
        people=PLAYERS,
        kinds=KINDS,
        from_s=SETTLE_S,
        arrive_s=ARRIVE_S,
        pace=1,
    )
    with Watch(on.app) as watch:
        found = k6.run(plan, on.world.folder)
    return Users(users, found, watch.cores(MEASURE_S))


def table(entries: list[dict[str, Any]]) -> str:
    """The figures as lines of text."""
    lines = [" users   req/s     p50     p95     p99  failed   cores: web    db    k6"]
    lines += [
        f"{one['users']:>6,}{one['requests_per_s']:>8,.0f}{one['p50_ms']:>8,.0f}"
        f"{one['p95_ms']:>8,.0f}{one['p99_ms']:>8,.0f}{one['failed']:>8,}"
        f"{one['web_cores']:>13.2f}{one['database_cores']:>6.2f}{one['k6_cores']:>6.2f}"
        for one in entries
    ]
    return "\n".join(lines)
