"""Medians, shares, the bars of histograms, the steps of an axis."""

from __future__ import annotations

import statistics as standard

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respondeo.domain.statistics import (
    MOST_BARS,
    Bar,
    Score,
    axis_steps,
    counts_right,
    median,
    median_score,
    percent,
    score_bars,
    time_bars,
    time_scale,
)

DAY = 86_400_000


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5))))
def test_the_median_of_counted_values_is_the_median_of_the_values(
    counted: list[tuple[float, int]],
) -> None:
    values = [value for value, count in counted for _ in range(count)]
    assert median(counted) == (standard.median(values) if values else None)


@pytest.mark.parametrize(
    ("part", "whole", "told"),
    [(0, 0, 0), (0, 5, 0), (5, 5, 100), (1, 3, 33), (1, 1000, 1), (999, 1000, 99)],
)
def test_only_all_is_a_hundred_per_cent_and_only_none_is_nothing(
    part: int, whole: int, told: int
) -> None:
    assert percent(part, whole) == told


# -- scores --------------------------------------------------------------------------------------


def test_every_number_of_right_answers_has_a_bar_also_where_nobody_is() -> None:
    scores = [Score(3, 3, 2), Score(0, 3, 1)]
    assert score_bars(scores) == (Bar(0, 1, 1), Bar(1, 2, 0), Bar(2, 3, 0), Bar(3, 4, 2))
    assert median_score(scores) == 3


def test_scores_of_attempts_with_different_numbers_of_questions_are_compared_in_per_cent() -> None:
    scores = [Score(1, 2, 1), Score(2, 4, 1), Score(4, 4, 1)]
    assert not counts_right(scores)
    assert [bar.count for bar in score_bars(scores)] == [0, 0, 0, 0, 0, 2, 0, 0, 0, 1]
    assert median_score(scores) == 50


def test_a_long_quiz_has_a_bar_for_each_ten_per_cent_but_its_median_in_answers() -> None:
    scores = [Score(19, 20, 1), Score(20, 20, 1), Score(1, 20, 1)]
    assert [bar.count for bar in score_bars(scores)] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert median_score(scores) == 19


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30), st.integers(1, 9)), min_size=1))
def test_no_attempt_is_lost_between_bars_of_scores(made: list[tuple[int, int, int]]) -> None:
    scores = [Score(min(correct, total), total, count) for correct, total, count in made]
    bars = score_bars(scores)
    assert sum(bar.count for bar in bars) == sum(score.count for score in scores)
    assert len(bars) <= MOST_BARS


# -- times ---------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 8 * DAY), min_size=1, max_size=60))
def test_every_time_lies_in_the_bar_that_says_so(times: list[int]) -> None:
    almost_all = sorted(times)[int(0.95 * (len(times) - 1))]
    scale = time_scale(min(times), max(times), almost_all)
    places = [min((time - scale.start) // scale.width, scale.bars - 1) for time in times]
    bars = time_bars(scale, [(place, places.count(place)) for place in set(places)])
    assert 1 <= len(bars) <= MOST_BARS
    for bar in bars:
        inside = [t for t in times if bar.low <= t and (bar.high is None or t < bar.high)]
        assert bar.count == len(inside)
    assert sum(bar.count for bar in bars) == len(times)


def test_one_who_went_to_lunch_does_not_press_the_others_into_one_bar() -> None:
    scale = time_scale(20_000, 3 * DAY, 120_000)
    bars = time_bars(scale, [(0, 5), (scale.bars - 1, 1)])
    assert (scale.start, scale.width) == (20_000, 10_000)
    assert bars[-1] == Bar(130_000, None, 1)


def test_times_that_are_all_late_begin_where_the_first_one_is() -> None:
    scale = time_scale(541_000, 600_000, 599_000)
    assert (scale.start, scale.width, scale.is_open) == (540_000, 10_000, False)


# -- an axis -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("most", "steps"),
    [(0, (0, 1)), (1, (0, 1)), (4, (0, 1, 2, 3, 4)), (7, (0, 2, 4, 6, 8)), (19, (0, 5, 10, 15, 20)),
     (101, (0, 50, 100, 150)), (10_000, (0, 5_000, 10_000))],
)  # fmt: skip
def test_an_axis_has_a_few_round_steps(most: int, steps: tuple[int, ...]) -> None:
    assert axis_steps(most) == steps


@given(st.integers(0, 10**9))
def test_an_axis_reaches_what_is_drawn_in_at_most_four_steps(most: int) -> None:
    steps = axis_steps(most)
    assert steps[0] == 0
    assert steps[-1] >= most
    assert 2 <= len(steps) <= 5
