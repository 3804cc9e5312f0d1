"""The memory of one worker over very many requests: it must stay flat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import linear_regression
from typing import Any

from bench import k6
from bench.k6 import Plan
from bench.reload import TOUR
from bench.servers import workers_mb
from bench.stage import Stage, stage
from bench.world import PLAYERS

CONNECTIONS = 8
PARTS = 20
MOST_MB = 5.0
"""What a worker may grow by in 100,000 requests, once it is warm."""


def run(url: str, requests: int, say: Callable[[str], None]) -> dict[str, Any]:
    """So many requests to one worker that is never replaced; prints the curve of its memory."""
    say("filling the database")
    with stage(url, web_concurrency=1, web_max_requests=0) as on:
        curve, faults = measure(on, requests, say)
    say("")
    warm = [point for point in curve if point[0] >= requests / 2]
    slope = 100_000 * linear_regression(*zip(*warm, strict=True)).slope
    met = slope < MOST_MB
    print(f"\nMemory of one worker (RSS) over {requests:,} requests, in MB:\n{drawn(curve)}")
    print(
        f"second half: {slope:+.1f} MB in 100,000 requests, asked: less than {MOST_MB:g}:"
        f" {'met' if met else 'NOT met'}"
    )
    if not met:
        faults.append(f"A worker grows by {slope:.1f} MB in 100,000 requests.")
    return {"curve_mb": curve, "slope_mb": slope, "met": met, "faults": faults}


def measure(
    on: Stage, requests: int, say: Callable[[str], None]
) -> tuple[list[tuple[int, float]], list[str]]:
    """The worker's memory after each part of the requests, and what went wrong."""
    curve = [(0, sum(workers_mb(on.app.web)))]
    faults: list[str] = []
    each = requests // PARTS
    for part in range(1, PARTS + 1):
        say(f"{(part - 1) * each:,} of {requests:,} requests, {curve[-1][1]:.0f} MB")
        on.world.open_attempts([])
        plan = Plan(
            "touring",
            on.app.origin,
            CONNECTIONS,
            steps=each,
            people=PLAYERS,
            more={"tour": TOUR, "tour_pauses": [[0, 0]]},
        )
        faults += on.app.wrong_in_words(k6.run(plan, on.world.folder))
        curve.append((part * each, sum(workers_mb(on.app.web))))
    return curve, faults


def drawn(curve: Sequence[tuple[int, float]]) -> str:
    """The curve as lines of text."""
    most = max(mb for _, mb in curve)
    lines = [f"{0:>9,} {curve[0][1]:>7.1f}"]
    lines += [
        f"{at:>9,} {mb:>7.1f} {mb - before:>+6.1f} {'·' * round(40 * mb / most)}"
        for (_, before), (at, mb) in pairwise(curve)
    ]
    return "\n".join(lines)
