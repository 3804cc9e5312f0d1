"""Bar charts as SVG: where the bars, lines and words stand.

Across, everything is in per cent of the chart's width, so that it needs no script to fit a phone;
upwards in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from respondeo.domain.statistics import Bar, axis_steps

HEIGHT = 160
ABOVE, BELOW = 20, 24
LEFT = 9.0
WIDEST = 16.0
GAP = 0.16
NARROWEST_PX = 300
LETTER_PX = 7.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """One bar: its place in per cent and pixels, the number on it, what it stands for in words."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    count: int
    number: str
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole chart. `lines`: height and number of each step; `marks`: place and words below.

    is_crowded: on a phone some bar is narrower than the number on it.
    """

    bars: tuple[Drawn, ...]
    lines: tuple[tuple[float, str], ...]
    marks: tuple[tuple[float, str], ...]
    is_crowded: bool
    height: int = ABOVE + HEIGHT + BELOW
    floor: int = ABOVE + HEIGHT
    left: float = LEFT


def chart(bars: Sequence[Bar], words: Sequence[str], marks: Sequence[str], *, edges: bool) -> Chart:
    """The chart of these bars.

    words: what each bar stands for. marks: the same as short as it fits below; with `edges`
    each says where its bar begins, and one more may say where the last one ends.
    """
    steps = axis_steps(max(bar.count for bar in bars))
    slot = min(WIDEST, (100 - LEFT) / len(bars))
    return Chart(
        tuple(_drawn(bar, place, slot, steps[-1], words[place]) for place, bar in enumerate(bars)),
        tuple((ABOVE + HEIGHT * (1 - step / steps[-1]), short(step)) for step in steps),
        tuple(
            (round(LEFT + slot * (place + (0 if edges else 0.5)), 3), mark)
            for place, mark in _thinned(marks, slot)
        ),
        any(len(short(bar.count)) * LETTER_PX > slot * NARROWEST_PX / 100 for bar in bars),
    )


def _drawn(bar: Bar, place: int, slot: float, top: int, words: str) -> Drawn:
    height = HEIGHT * bar.count / top
    x = LEFT + slot * place
    return Drawn(
        x=round(x + slot * GAP / 2, 3),
        y=round(ABOVE + HEIGHT - height, 2),
        width=round(slot * (1 - GAP), 3),
        height=round(height, 2),
        middle=round(x + slot / 2, 3),
        count=bar.count,
        number=short(bar.count) if bar.count else "",
        words=words,
    )


def _thinned(marks: Sequence[str], slot: float) -> Sequence[tuple[int, str]]:
    """As many of the marks, evenly, as stand beside each other on a phone."""
    longest = max(len(mark) for mark in marks) + 1
    every = max(1, -(-int(longest * LETTER_PX) // int(slot * NARROWEST_PX / 100)))
    return list(enumerate(marks))[::every]


def short(count: int) -> str:
    """999 → "999"; 1580 → "1.5k"; 12 000 → "12k"; 2 500 000 → "2.5M". Never more than there are."""
    for size, sign in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return (
                f"{count * 10 // size / 10:g}{sign}"
                if count < 10 * size
                else f"{count // size}{sign}"
            )
    return str(count)
