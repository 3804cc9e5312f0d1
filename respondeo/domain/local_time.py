"""A date and a time as people write them, where they are: which moment that is.

Clocks that are put forward skip some times, and clocks that are put back show some twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from respondeo.domain.errors import Invalid, Problem

ZONELESS = "UTC"
_DATE = re.compile(r"2\d{3}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d(:\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Moment:
    """What somebody meant. `twice`: that time comes twice on that day, and the first is meant."""

    at: datetime
    twice: bool


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def zones() -> tuple[str, ...]:
    """The time zones there are by their IANA names, UTC first; only UTC where none are known."""
    places = (name for name in _known() if "/" in name and not name.startswith("Etc/"))
    return (ZONELESS, *sorted(places))


def moment(date: str, time: str, zone: str) -> Moment:
    """The moment, in UTC, at which a clock in the zone shows this date and time.

    date, time: `2026-11-30` and `09:00`, as browsers send them.
    Raises Invalid, naming `date`, `time` or `zone`; so where no clock shows that time.
    """
    there = _zone(zone)
    shown = _shown(date.strip(), time.strip())
    first, last = (shown.replace(tzinfo=there, fold=fold) for fold in (0, 1))
    at = first.astimezone(UTC)
    if at.astimezone(there).replace(tzinfo=None) != shown:
        raise Invalid(
            Problem(
                "time",
                f"No clock in {zone} shows {shown:%H:%M} on that day: clocks are put forward"
                " then. Choose another time.",
            )
        )
    return Moment(at, twice=first.utcoffset() != last.utcoffset())


def _zone(name: str) -> tzinfo:
    if name == ZONELESS:
        return UTC  # also on a machine without any data about zones
    if name not in _known():
        raise Invalid(Problem("zone", "Choose a time zone of the list."))
    return ZoneInfo(name)


def _shown(date: str, time: str) -> datetime:
    problems = []
    if not _DATE.fullmatch(date):
        problems.append(Problem("date", "Choose a date, such as 2026-11-30."))
    if not _TIME.fullmatch(time):
        problems.append(Problem("time", "Choose a time, such as 09:00."))
    if problems:
        raise Invalid(*problems)
    try:
        return datetime.fromisoformat(f"{date}T{time}")
    except ValueError:
        raise Invalid(Problem("date", "There is no such date or time.")) from None
