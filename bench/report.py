"""The figures, as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from bench.load import Measured

HEADINGS = ("", "req/s", "× bare", "alone", "p50", "p95", "p99", "web", "database")
WIDTHS = (18, 8, 8, 8, 8, 8, 8, 8, 8)


def figures(found: Sequence[Measured]) -> list[dict[str, Any]]:
    """One entry a scenario and one for each kind of its requests. Times in ms."""
    return [_scenario(measured) for measured in found]


def _scenario(measured: Measured) -> dict[str, Any]:
    kinds = measured.took()
    everything = sorted(seconds for times in kinds.values() for seconds in times)
    alone = sorted(seconds for times in measured.alone.values() for seconds in times)
    several = len(kinds) > 1
    return {
        "name": measured.scenario.name,
        "requests": measured.requests,
        "requests_per_s": median(piece.rate for piece in measured.slices),
        "of_bare": median(measured.ratios),
        "of_bare_rounds": measured.ratios,
        "web_cpu_ms": 1000 * measured.web_cpu / measured.requests,
        "database_cpu_ms": 1000 * measured.database_cpu / measured.requests,
        "client_cpu_share": sum(piece.client_cpu for piece in measured.slices)
        / sum(piece.elapsed for piece in measured.slices),
        **_times(everything, alone),
        "kinds": {
            kind: {"requests": len(times), **_times(times, sorted(measured.alone.get(kind, [])))}
            for kind, times in kinds.items()
            if several
        },
    }


def _times(took: Sequence[float], alone: Sequence[float]) -> dict[str, float | None]:
    return {
        "alone_ms": percentile(alone, 50) if alone else None,
        "p50_ms": percentile(took, 50),
        "p95_ms": percentile(took, 95),
        "p99_ms": percentile(took, 99),
    }


def percentile(took: Sequence[float], hundredths: int) -> float:
    """Of sorted seconds, in ms: the nearest that so many hundredths do not exceed."""
    return 1000 * took[min(len(took) - 1, len(took) * hundredths // 100)]


def heading(conditions: Mapping[str, Any], entries: Sequence[dict[str, Any]]) -> str:
    """Under which conditions, and what the columns mean."""
    share = max(entry["client_cpu_share"] for entry in entries)
    return (
        "{processors} processors; {workers} workers with {threads} threads each; {players} people"
        " at once, {rounds} × {seconds:g} s.\n".format(**conditions)
        + f"The client used at most {share:.0%} of one processor.\n"
        "× bare: median of the ratios to the bare page just before. alone: with nobody else there."
        "\nalone to p99: ms until the answer. web, database: ms of processor time a request.\n"
    )


def table(entries: Sequence[dict[str, Any]]) -> str:
    """The figures as lines of text."""
    lines = [_line(HEADINGS)]
    for entry in entries:
        lines.append(_line(_cells(entry, entry["name"])))
        lines += [_line(_cells(kind, f"  {name}")) for name, kind in entry["kinds"].items()]
    return "\n".join(lines)


def _cells(entry: dict[str, Any], name: str) -> tuple[str, ...]:
    def told(key: str, digits: int) -> str:
        value = entry.get(key)
        return "" if value is None else f"{value:,.{digits}f}"

    return (
        name,
        told("requests_per_s", 0),
        told("of_bare", 3),
        *(told(f"{key}_ms", 1) for key in ("alone", "p50", "p95", "p99")),
        *(told(f"{key}_cpu_ms", 2) for key in ("web", "database")),
    )


def _line(cells: Sequence[str]) -> str:
    first, *rest = (
        f"{cell:<{width}}" if place == 0 else f"{cell:>{width}}"
        for place, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    )
    return (first + " ".join(rest)).rstrip()
