"""Times as people read them."""

from __future__ import annotations

import pytest

from respondeo.web.filters import board_time, limit_short


@pytest.mark.parametrize(
    ("ms", "told"),
    [
        (0, "0.00 s"),
        (51_049, "51.04 s"),
        (59_999, "59.99 s"),
        (60_000, "1:00.00"),
        (96_420, "1:36.42"),
        (3_725_999, "1:02:05.99"),
    ],
)
def test_a_board_tells_times_to_the_hundredth(ms: int, told: str) -> None:
    assert board_time(ms) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "No limit"), (10, "10 s"), (60, "1 min"), (90, "1:30 min"), (3600, "60 min")],
)
def test_a_card_tells_the_limit_in_short(seconds: int, told: str) -> None:
    assert limit_short(seconds) == told
