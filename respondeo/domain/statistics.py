"""Figures about many attempts: medians, shares, the bars of a histogram, the steps of an axis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST_BARS = 13
"""More bars than this do not fit a phone with their numbers on them."""

_SECOND = 1_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
ROUND_TIMES = (
    *(_SECOND * n for n in (1, 2, 5, 10, 15, 30)),
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 6, 12)),
    _DAY,
)
"""How wide a bar of a histogram of times may be, in ms."""


@dataclass(frozen=True, slots=True)
class Bar:
    """How many attempts lie from `low` up to and without `high`; None: without an end."""

    low: int
    high: int | None
    count: int


@dataclass(frozen=True, slots=True)
class TimeScale:
    """The bars of a histogram of times: from `start`, each `width` ms, perhaps the last open."""

    start: int
    width: int
    bars: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class Score:
    """How many attempts got `correct` of `total` right."""

    correct: int
    total: int
    count: int


def percent(part: int, whole: int) -> int:
    """How many hundredths of the whole, 0 of nothing. Only all is 100, and only none is 0."""
    if part in (0, whole):
        return 100 if part else 0
    return min(99, max(1, round(100 * part / whole)))


def median(counted: Iterable[tuple[float, int]]) -> float | None:
    """The value in the middle; each comes with how often it occurs. Of two middle ones, between."""
    values = sorted((value, count) for value, count in counted if count)
    whole = sum(count for _, count in values)
    if not whole:
        return None
    return (_at(values, (whole - 1) // 2) + _at(values, whole // 2)) / 2


def _at(values: Sequence[tuple[float, int]], place: int) -> float:
    for value, count in values:
        place -= count
        if place < 0:
            return value
    raise IndexError


# -- scores --------------------------------------------------------------------------------------


def common_total(scores: Iterable[Score]) -> int | None:
    """How many questions all these attempts had, None where some had more than others."""
    totals = {score.total for score in scores}
    return totals.pop() if len(totals) == 1 else None


def counts_right(scores: Iterable[Score]) -> bool:
    """Whether a bar can stand for a number of right answers; else it stands for a tenth."""
    total = common_total(scores)
    return total is not None and total < MOST_BARS


def median_score(scores: Sequence[Score]) -> float | None:
    """The median of right answers; in per cent where attempts had not all as many questions."""
    if common_total(scores) is not None:
        return median((score.correct, score.count) for score in scores)
    return median((100 * score.correct / score.total, score.count) for score in scores)


def score_bars(scores: Sequence[Score]) -> tuple[Bar, ...]:
    """One bar for each number of right answers, or for each ten per cent; all right is in the last.

    No bar is left out: where nobody is, is a finding too.
    """
    exact = counts_right(scores)
    total = common_total(scores)
    counts = [0] * (total + 1 if exact and total is not None else 10)
    for score in scores:
        place = score.correct if exact else min(9, 10 * score.correct // score.total)
        counts[place] += score.count
    if exact:
        return tuple(Bar(place, place + 1, count) for place, count in enumerate(counts))
    return tuple(Bar(10 * place, 10 * place + 10, count) for place, count in enumerate(counts))


# -- times ---------------------------------------------------------------------------------------


def time_scale(shortest: int, longest: int, most: int) -> TimeScale:
    """Bars for times in ms from the shortest to the longest.

    most: what nineteen of twenty stay below. Where the last of them took far longer, they share
    an open bar, or one who went to lunch would press all others into a single one.
    """
    is_open = longest - shortest > 2 * max(most - shortest, _SECOND)
    end = most if is_open else longest
    for width in ROUND_TIMES:
        start = shortest // width * width
        bars = (end - start) // width + 1 + is_open
        if bars <= MOST_BARS - 1:
            return TimeScale(start, width, bars, is_open)
    return TimeScale(0, _DAY, MOST_BARS - 1, is_open=True)


def time_bars(scale: TimeScale, counts: Iterable[tuple[int, int]]) -> tuple[Bar, ...]:
    """The bars of the scale; `counts`: how many attempts there are at each place, from 0."""
    found = dict(counts)
    last = scale.bars - 1
    return tuple(
        Bar(
            low := scale.start + place * scale.width,
            None if scale.is_open and place == last else low + scale.width,
            found.get(place, 0),
        )
        for place in range(scale.bars)
    )


# -- an axis -------------------------------------------------------------------------------------


def axis_steps(most: int) -> tuple[int, ...]:
    """Round numbers from 0 to at least `most`, in at most four steps."""
    step, factors = 1, (2, 2.5, 2)
    turn = 0
    while step * 4 < most:
        step = int(step * factors[turn % 3])
        turn += 1
    return tuple(range(0, step * max(1, -(-most // step)) + 1, step))
