"""A deploy under load: workers are replaced and no request fails; and how long a start takes."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from bench import k6
from bench.k6 import Plan
from bench.servers import RESPONDEO, cpu_seconds, free_port, serving
from bench.stage import Stage, stage
from bench.world import PLAYERS

CONNECTIONS = 32
EVERY_S, RELOADS = 4, 5
# Short ones, and some that end about when a stopping worker gives up kept connections (2 s).
PAUSES_S = ((0, 0.1), (0, 0.1), (0, 0.1), (1.5, 2.5), (0, 0.5))
PACE = 0.02
BOOTING = "Booting worker"
"""What gunicorn's log says of a new worker."""

STARTS = 3
MOST_START_S = 2.0

TOUR = (
    ("browser", "/"),
    ("browser", "/quiz/{quiz}"),
    ("browser", "/quiz/{quiz}/results"),
    ("browser", "/leaderboard"),
    ("program", "/api/quizzes"),
    ("program", "/api/quizzes/{quiz}"),
    ("program", "/api/quizzes/{quiz}/leaderboard"),
    ("program", "/api/leaderboard"),
)


def run(url: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Reload under load, then start a few times; prints what was found."""
    say("filling the database")
    with stage(url) as on:
        say("reloading under load")
        reloads = reload(on)
        say("starting")
        starts = [start(on) for _ in range(STARTS)]
    say("")
    seconds, cpu = median(one[0] for one in starts), median(one[1] for one in starts)
    met = seconds < MOST_START_S
    print(
        f"\n{RELOADS} reloads under {reloads['requests_per_s']:,.0f} requests a second:"
        f" {reloads['replaced']} workers replaced, {reloads['failed']:,} of"
        f" {reloads['requests']:,} requests failed, asked: none:"
        f" {'NOT met' if reloads['failed'] else 'met'}"
        f"\nFirst page {seconds:.2f} s after the start ({cpu:.2f} s of processor time), asked:"
        f" under {MOST_START_S:g} s: {'met' if met else 'NOT met'}"
    )
    faults = reloads.pop("faults")
    if reloads["replaced"] < RELOADS * on.settings.web_concurrency:
        faults.append("The reloads replaced too few workers: nothing was tried.")
    return {"reload": reloads, "start_s": seconds, "start_cpu_s": cpu, "faults": faults}


def reload(on: Stage) -> dict[str, Any]:
    """Tell gunicorn to reload, again and again, while people read and play on connections that are
    kept, and others come with new ones."""
    on.world.open_attempts([])
    plan = Plan(
        "touring",
        on.app.origin,
        CONNECTIONS,
        EVERY_S * (RELOADS + 1),
        people=PLAYERS,
        pace=PACE,
        more={"tour": TOUR, "tour_pauses": [[a / PACE, b / PACE] for a, b in PAUSES_S]},
    )
    before = on.app.log.read_text().count(BOOTING)
    with k6.running(plan, on.world.folder) as result:
        for _ in range(RELOADS):
            time.sleep(EVERY_S)
            on.app.web.send_signal(signal.SIGHUP)
        found = result()
    return {
        "requests": found.took.count + found.wrong,
        "requests_per_s": found.rate,
        "replaced": on.app.log.read_text().count(BOOTING) - before,
        "failed": found.wrong,
        "faults": on.app.wrong_in_words(found),
    }


def start(on: Stage) -> tuple[float, float]:
    """How long `flask serve` takes to its first page, in seconds, and its processor time."""
    port = free_port()
    begun = time.perf_counter()
    with serving(RESPONDEO, on.settings, port, path="/sign-in") as (server, _):
        return time.perf_counter() - begun, cpu_seconds(server)
