"""The figures, as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from bench.k6 import Took
from bench.load import Measured, middle

HEADINGS = (
    "",
    "req/s",
    "× bare",
    "asked",
    "",
    "p50",
    "p95",
    "p99",
    "p99/p50",
    "wrong",
    "web",
    "db",
    "cost",
)
WIDTHS = (26, 7, 8, 9, 5, 8, 8, 8, 8, 6, 7, 7, 6)
MOST_TAIL = 5
TAIL_FROM = 64
"""At so many connections p99 may be MOST_TAIL times p50."""


def entry(measured: Measured) -> dict[str, Any]:
    """What was found of one scenario. Times in ms."""
    scenario, slices = measured.scenario, measured.slices
    took = middle([piece.run.took for piece in slices])
    cpu = [
        measured.cpu_ms(lambda one: one.web_cpu_s),
        measured.cpu_ms(lambda one: one.database_cpu_s),
    ]
    bare = sum(piece.web_cpu_s for piece in measured.bare)
    bare_ms = 1000 * bare / max(1, sum(piece.run.took.count for piece in measured.bare))
    ratio = median(measured.ratios)
    tail = took.p99_ms / took.p50_ms if took.p50_ms else None
    return {
        "name": scenario.name,
        "group": scenario.group,
        "connections": measured.connections,
        "requests": took.count,
        "requests_per_s": measured.rate,
        "of_bare": ratio,
        "of_bare_rounds": measured.ratios,
        "target": scenario.target if measured.connections < TAIL_FROM else None,
        "met": _met(measured, ratio, tail),
        **_times(took),
        "p99_of_p50": tail,
        "wrong": sum(piece.run.wrong for piece in slices),
        "web_cpu_ms": cpu[0],
        "database_cpu_ms": cpu[1],
        "cost_of_bare": sum(cpu) / bare_ms if bare_ms else None,
        "attempts_per_s": _attempts_per_s(measured),
        "workers_mb": measured.workers_mb,
        "k6_cpu_share": sum(piece.run.cpu_s for piece in slices)
        / sum(piece.run.wall_s for piece in slices),
        "kinds": {
            kind: {"requests": one.count, **_times(one)} for kind, one in _kinds(measured).items()
        },
    }


def _met(measured: Measured, ratio: float, tail: float | None) -> bool | None:
    """Whether what is asked of it is so; None where nothing is."""
    if measured.scenario.bare:
        return None
    if measured.connections >= TAIL_FROM:
        return tail is not None and tail <= MOST_TAIL
    target = measured.scenario.target
    return None if target is None else ratio >= target


def _kinds(measured: Measured) -> dict[str, Took]:
    kinds = measured.scenario.kinds
    return {kind: middle([piece.run.kinds[kind] for piece in measured.slices]) for kind in kinds}


def _attempts_per_s(measured: Measured) -> float | None:
    done = [piece.run.attempts / piece.run.elapsed_s for piece in measured.slices]
    return median(done) if any(done) else None


def _times(took: Took) -> dict[str, float]:
    return {"p50_ms": took.p50_ms, "p95_ms": took.p95_ms, "p99_ms": took.p99_ms}


def heading(conditions: Mapping[str, Any], entries: Sequence[dict[str, Any]]) -> str:
    """Under which conditions, and what the columns mean."""
    share = max(one["k6_cpu_share"] for one in entries)
    own = [one for one in entries if one["workers_mb"]]
    memory = ""
    if own:
        first, last = own[0]["workers_mb"][0], own[-1]["workers_mb"][-1]
        memory = f"Workers: {_mb(first)} MB at the beginning, {_mb(last)} MB at the end.\n"
    return (
        "\n{processors} processors; {workers} workers with {threads} threads each;"
        " {rounds} × {seconds:g} s.\n".format(**conditions)
        + f"k6 used at most {share:.0%} of one processor.\n{memory}"
        "× bare: the median of the ratios to the bare page just before, and what is asked of it."
        "\np50 to p99: ms until the answer. web, db: ms of processor time a request."
        "\ncost: both, in bare pages. wrong: answers that were not the expected ones.\n"
    )


def _mb(workers: Sequence[float]) -> str:
    return " + ".join(f"{one:.0f}" for one in workers)


def table(entries: Sequence[dict[str, Any]]) -> str:
    """The figures as lines of text."""
    lines: list[str] = []
    for place, one in enumerate(entries):
        before = entries[place - 1] if place else None
        if before is None or before["connections"] != one["connections"]:
            lines += ["", _line((f"{one['connections']} connections", *HEADINGS[1:]))]
        if before is None or before["group"] != one["group"] or lines[-2] == "":
            lines.append(one["group"])
        lines.append(_line(_cells(one, f"  {one['name']}")))
        if one["attempts_per_s"]:
            lines.append(f"    {one['attempts_per_s']:,.0f} attempts completed a second")
        lines += [_line(_cells(kind, f"    {name}")) for name, kind in one["kinds"].items()]
    return "\n".join(lines)


def _cells(one: Mapping[str, Any], name: str) -> tuple[str, ...]:
    def told(key: str, digits: int) -> str:
        value = one.get(key)
        return "" if value is None else f"{value:,.{digits}f}"

    met = one.get("met")
    return (
        name,
        told("requests_per_s", 0),
        told("of_bare", 3),
        _asked(one),
        "" if met is None else ("met" if met else "NOT"),
        *(told(f"{key}_ms", 1) for key in ("p50", "p95", "p99")),
        told("p99_of_p50", 1),
        told("wrong", 0),
        told("web_cpu_ms", 2),
        told("database_cpu_ms", 2),
        told("cost_of_bare", 1),
    )


def _asked(one: Mapping[str, Any]) -> str:
    """What is asked: of the ratio, or of the tail."""
    if one.get("met") is None:
        return ""
    return f"≥ {one['target']:g}" if one["target"] else f"tail ≤{MOST_TAIL}"


def _line(cells: Sequence[str]) -> str:
    first, *rest = (
        f"{cell:<{width}}" if place == 0 else f"{cell:>{width}}"
        for place, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    )
    return (first + "".join(rest)).rstrip()
