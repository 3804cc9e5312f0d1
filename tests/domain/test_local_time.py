"""Which moment a date and a time mean where somebody is."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest

from respondeo.domain.errors import Invalid
from respondeo.domain.local_time import moment, zones


@pytest.mark.parametrize(
    ("date", "time", "zone", "at"),
    [
        ("2026-11-30", "09:00", "UTC", datetime(2026, 11, 30, 9, tzinfo=UTC)),
        ("2026-11-30", "09:00", "Europe/Berlin", datetime(2026, 11, 30, 8, tzinfo=UTC)),
        ("2026-07-01", "09:00", "Europe/Berlin", datetime(2026, 7, 1, 7, tzinfo=UTC)),
        ("2026-11-30", "00:15:30", "Asia/Tokyo", datetime(2026, 11, 29, 15, 15, 30, tzinfo=UTC)),
        ("2027-01-01", "23:00", "America/Los_Angeles", datetime(2027, 1, 2, 7, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_a_time_is_the_moment_that_clocks_there_show_it(
    date: str, time: str, zone: str, at: datetime
) -> None:
    found = moment(date, time, zone)
    assert (found.at, found.twice) == (at, False)


def test_a_time_that_clocks_skip_is_refused_and_says_why() -> None:
    with pytest.raises(Invalid, match="No clock in Europe/Berlin shows 02:30") as refused:
        moment("2027-03-28", "02:30", "Europe/Berlin")
    assert [problem.path for problem in refused.value.problems] == ["time"]
    assert moment("2027-03-28", "03:00", "Europe/Berlin").at == datetime(2027, 3, 28, 1, tzinfo=UTC)


def test_of_a_time_that_comes_twice_the_first_is_meant() -> None:
    found = moment("2027-10-31", "02:30", "Europe/Berlin")
    assert (found.at, found.twice) == (datetime(2027, 10, 31, 0, 30, tzinfo=UTC), True)
    assert not moment("2027-10-31", "03:00", "Europe/Berlin").twice


@pytest.mark.parametrize(
    ("date", "time", "zone", "fields"),
    [
        ("", "", "UTC", ["date", "time"]),
        ("2026-02-30", "09:00", "UTC", ["date"]),
        ("30.11.2026", "09:00", "UTC", ["date"]),
        ("2026-11-30", "9 o’clock", "UTC", ["time"]),
        ("2026-11-30", "25:00", "UTC", ["date"]),
        ("2026-11-30", "09:00+05:00", "UTC", ["time"]),
        ("0001-01-01", "00:00", "Asia/Tokyo", ["date"]),
        ("9999-12-31", "23:59", "America/Los_Angeles", ["date"]),
        ("٢٠٢٦-١١-٣٠", "09:00", "UTC", ["date"]),
        ("2026-11-30", "09:00", "Atlantis/Capital", ["zone"]),
        ("2026-11-30", "09:00", "../../etc/passwd", ["zone"]),
        ("2026-11-30", "09:00", "\0", ["zone"]),
        ("2026-11-30", "09:00", "", ["zone"]),
    ],
)
def test_what_is_no_time_is_refused_at_its_field(
    date: str, time: str, zone: str, fields: list[str]
) -> None:
    with pytest.raises(Invalid) as refused:
        moment(date, time, zone)
    assert [problem.path for problem in refused.value.problems] == fields


def test_zones_are_offered_by_place_and_names_of_old_are_understood() -> None:
    assert zones()[0] == "UTC"
    assert {"Europe/Berlin", "America/Argentina/Buenos_Aires"} <= set(zones())
    assert not [name for name in zones() if name.startswith("Etc/")]
    for name in available_timezones():
        assert moment("2026-11-30", "09:00", name).at.tzinfo is UTC
