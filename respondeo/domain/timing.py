"""The only arithmetic on time: spent, remaining, deadline, overdue.

All durations are whole milliseconds, all moments the database's. Source of the rules: "Taking
a quiz" in the product description.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

GRACE_MS = 2_000
"""How long after the limit an answer still counts, for the network's sake."""

FEEDBACK_PAUSE_MS = 120_000
"""How long the clock stands at a feedback."""

UNTIMED_LAPSE_MS = 7 * 24 * 60 * 60 * 1_000
"""How long an attempt without a limit stays open after its last step."""


def _ms(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


def _after(moment: datetime, ms: int) -> datetime:
    return moment + timedelta(milliseconds=ms)


@dataclass(frozen=True, slots=True)
class Clock:
    """Where an open attempt's time stands.

    limit_ms: the limit of the whole attempt, None where there is none.
    spent_ms: the sum of the times of the questions answered so far.
    shown_at: when the current question's clock started; None at a feedback.
    feedback_at: when the feedback was given; None at a question.

    Exactly one of `shown_at` and `feedback_at` is set.
    """

    limit_ms: int | None
    spent_ms: int
    shown_at: datetime | None
    feedback_at: datetime | None

    def question_started(self) -> datetime:
        """When the current (or still hidden) question's time starts to run."""
        if self.shown_at is not None:
            return self.shown_at
        assert self.feedback_at is not None
        return _after(self.feedback_at, FEEDBACK_PAUSE_MS)

    def question_ms(self, now: datetime) -> int:
        """What the current question has taken, never more than the attempt had left."""
        elapsed = max(0, _ms(now - self.question_started()))
        if self.limit_ms is None:
            return elapsed
        return min(elapsed, max(0, self.limit_ms - self.spent_ms))

    def spent(self, now: datetime) -> int:
        """The attempt's time up to now; never more than the limit."""
        return self.spent_ms + self.question_ms(now)

    def remaining(self, now: datetime) -> int | None:
        """What is left, or None where there is no limit."""
        return None if self.limit_ms is None else self.limit_ms - self.spent(now)

    def pause_left(self, now: datetime) -> int:
        """How long the clock will still stand: 0 at a question and after a long feedback."""
        if self.feedback_at is None:
            return 0
        return min(FEEDBACK_PAUSE_MS, max(0, _ms(self.question_started() - now)))

    def deadline(self, last_step: datetime) -> datetime:
        """When the attempt ends if nothing more happens after its last step."""
        if self.limit_ms is None:
            return _after(last_step, UNTIMED_LAPSE_MS)
        return _after(self.question_started(), max(0, self.limit_ms - self.spent_ms))

    def answered(self, now: datetime) -> Clock:
        """The clock after the current question was answered: it stands, at feedback."""
        return replace(self, spent_ms=self.spent(now), shown_at=None, feedback_at=now)

    def next_shown(self, now: datetime) -> Clock:
        """The clock after the next question was shown; a pause that was too long counts."""
        return replace(self, shown_at=min(now, self.question_started()), feedback_at=None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: timed out or not, when, and its time in ms."""

    timed_out: bool
    completed_at: datetime
    total_ms: int


def outcome(limit_ms: int | None, spent_ms: int, deadline: datetime, now: datetime) -> Outcome:
    """The end of an attempt: it depends on the deadline, not on who looks or when.

    Who runs out of time has used the limit; without one, what the answers took.
    """
    timed_out = limit_reached(deadline, now)
    total_ms = limit_ms if timed_out and limit_ms is not None else spent_ms
    return Outcome(timed_out, min(now, deadline), total_ms)


def limit_reached(deadline: datetime, now: datetime) -> bool:
    """Whether the time is up, grace or no grace."""
    return now >= deadline


def overdue(deadline: datetime, now: datetime) -> bool:
    """Whether nothing more can be saved: the deadline and the grace have passed."""
    return deadline < overdue_before(now)


def overdue_before(now: datetime) -> datetime:
    """Deadlines earlier than this are overdue."""
    return _after(now, -GRACE_MS)


def grace_left(deadline: datetime, now: datetime) -> int:
    """How long answers are still accepted after the deadline, in ms."""
    return max(0, _ms(_after(deadline, GRACE_MS) - now))
