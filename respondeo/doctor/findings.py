"""What the doctor finds: each check passes, warns, fails, or could not be made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a finding stands; the later, the worse."""

    PASSES = "pass"
    SKIPPED = "skip"
    WARNS = "warn"
    FAILS = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's. `mend` are the commands that set it right, ready to be typed."""

    state: State
    says: str
    mend: tuple[str, ...] = ()


def passes(says: str) -> Finding:
    return Finding(State.PASSES, says)


def warns(says: str, *mend: str) -> Finding:
    return Finding(State.WARNS, says, mend)


def fails(says: str, *mend: str) -> Finding:
    return Finding(State.FAILS, says, mend)


def skipped(says: str) -> Finding:
    return Finding(State.SKIPPED, says)
