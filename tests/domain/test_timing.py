"""Limit, grace, pause and lapse, to the millisecond on both sides of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respondeo.domain import timing
from respondeo.domain.timing import Clock

T0 = datetime(2026, 3, 29, 0, 59, 58, 123456, tzinfo=UTC)
LIMIT = 60_000
PAUSE = 120_000
GRACE = 2_000
WEEK = 7 * 24 * 3_600_000


def at(ms: int) -> datetime:
    return T0 + timedelta(milliseconds=ms)


def at_question(limit: int | None = LIMIT, *, spent: int = 0) -> Clock:
    return Clock(limit, spent, shown_at=T0, feedback_at=None)


def at_feedback(limit: int | None = LIMIT, *, spent: int = 0) -> Clock:
    return Clock(limit, spent, shown_at=None, feedback_at=T0)


@pytest.mark.parametrize(
    ("elapsed", "spent", "reached", "overdue"),
    [
        (0, 0, False, False),
        (1, 1, False, False),
        (LIMIT - 1, LIMIT - 1, False, False),
        (LIMIT, LIMIT, True, False),
        (LIMIT + 1, LIMIT, True, False),
        (LIMIT + GRACE - 1, LIMIT, True, False),
        (LIMIT + GRACE, LIMIT, True, False),
        (LIMIT + GRACE + 1, LIMIT, True, True),
        (LIMIT + WEEK, LIMIT, True, True),
    ],
)
def test_the_limit_and_the_grace_end_at_their_millisecond(
    elapsed: int, spent: int, *, reached: bool, overdue: bool
) -> None:
    clock, now = at_question(), at(elapsed)
    assert clock.spent(now) == spent
    assert clock.remaining(now) == LIMIT - spent
    assert clock.answered(now).spent_ms == spent
    assert timing.limit_reached(clock.deadline(T0), now) is reached
    assert timing.overdue(clock.deadline(T0), now) is overdue


@pytest.mark.parametrize(
    ("elapsed", "question_ms"),
    [(14_999, 14_999), (15_000, 15_000), (15_001, 15_000), (17_000, 15_000)],
)
def test_a_question_takes_no_more_than_the_attempt_had_left(elapsed: int, question_ms: int) -> None:
    clock = at_question(spent=45_000)
    assert clock.deadline(T0) == at(15_000)
    assert clock.question_ms(at(elapsed)) == question_ms
    assert clock.spent(at(elapsed)) == 45_000 + question_ms


@pytest.mark.parametrize(
    ("elapsed", "pause_left", "running"),
    [
        (0, PAUSE, 0),
        (1, PAUSE - 1, 0),
        (PAUSE - 1, 1, 0),
        (PAUSE, 0, 0),
        (PAUSE + 1, 0, 1),
        (PAUSE + LIMIT, 0, LIMIT),
        (PAUSE + LIMIT + 1, 0, LIMIT),
    ],
)
def test_the_clock_stands_two_minutes_at_a_feedback_and_no_longer(
    elapsed: int, pause_left: int, running: int
) -> None:
    clock = at_feedback()
    assert clock.pause_left(at(elapsed)) == pause_left
    assert clock.spent(at(elapsed)) == running
    assert clock.next_shown(at(elapsed)).spent(at(elapsed)) == running


def test_at_a_feedback_the_attempt_ends_after_the_pause_and_what_remains() -> None:
    assert at_feedback(spent=LIMIT - 7).deadline(T0) == at(PAUSE + 7)


@pytest.mark.parametrize("read_for", [0, 5_000, PAUSE, PAUSE + 30_000])
def test_going_on_late_neither_gains_nor_loses_time(read_for: int) -> None:
    shown = at_feedback(spent=20_000).next_shown(at(read_for))
    counted = max(0, read_for - PAUSE)
    assert shown.remaining(at(read_for)) == 40_000 - counted
    assert shown.deadline(at(read_for)) == at(read_for + 40_000 - counted)
    assert shown.pause_left(at(read_for)) == 0


@pytest.mark.parametrize("clock", [at_question(None), at_feedback(None)])
def test_without_a_limit_an_attempt_lapses_seven_days_after_its_last_step(clock: Clock) -> None:
    assert clock.remaining(at(WEEK)) is None
    assert clock.deadline(T0) == at(WEEK)


def test_going_on_after_six_days_is_a_step_from_which_seven_days_count() -> None:
    six_days = at(6 * 24 * 3_600_000)
    assert at_feedback(None).next_shown(six_days).deadline(six_days) == six_days + timedelta(days=7)


def test_without_a_limit_the_time_of_a_question_is_not_capped() -> None:
    assert at_question(None, spent=5).answered(at(WEEK + 1)).spent_ms == WEEK + 6


@pytest.mark.parametrize("clock", [at_question(spent=9), at_feedback(spent=9)])
def test_a_clock_that_goes_backwards_takes_nothing_and_gives_nothing(clock: Clock) -> None:
    earlier = at(-3_600_000)
    assert clock.spent(earlier) == 9
    assert clock.remaining(earlier) == LIMIT - 9
    assert clock.pause_left(earlier) <= PAUSE
    assert clock.answered(earlier).spent_ms == 9


def test_parts_of_a_millisecond_never_bring_the_end_forward() -> None:
    almost = at(LIMIT) - timedelta(microseconds=1)
    assert at_question().remaining(almost) == 1
    assert not timing.limit_reached(at_question().deadline(T0), almost)
    assert timing.overdue(T0, at(GRACE) + timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("limit", "read_at", "timed_out", "completed_at", "total"),
    [
        (LIMIT, LIMIT - 1, False, LIMIT - 1, 777),
        (LIMIT, LIMIT, True, LIMIT, LIMIT),
        (LIMIT, LIMIT + GRACE, True, LIMIT, LIMIT),
        (LIMIT, LIMIT + 100 * WEEK, True, LIMIT, LIMIT),
        (None, LIMIT - 1, False, LIMIT - 1, 777),
        (None, LIMIT, True, LIMIT, 777),
        (None, LIMIT + 100 * WEEK, True, LIMIT, 777),
    ],
)
def test_how_an_attempt_ends_depends_on_its_deadline_and_not_on_when_it_is_read(
    *, limit: int | None, read_at: int, timed_out: bool, completed_at: int, total: int
) -> None:
    ended = timing.outcome(limit, 777, deadline=at(LIMIT), now=at(read_at))
    assert (ended.timed_out, ended.completed_at, ended.total_ms) == (
        timed_out,
        at(completed_at),
        total,
    )


@pytest.mark.parametrize("late", [0, 1, GRACE - 1, GRACE, GRACE + 1, WEEK])
def test_what_is_left_of_the_grace_and_what_is_overdue_fit_together(late: int) -> None:
    assert timing.grace_left(T0, at(late)) == max(0, GRACE - late)
    assert timing.overdue(T0, at(late)) is (late > GRACE)
    assert (timing.overdue_before(at(late)) > T0) is (late > GRACE)


steps = st.lists(
    st.tuples(
        st.integers(min_value=-10_000_000, max_value=400_000_000),  # thinking, µs
        st.integers(min_value=-10_000_000, max_value=400_000_000),  # reading, µs
    ),
    max_size=12,
)


@given(limit=st.integers(min_value=1, max_value=600_000), steps=steps)
def test_however_an_attempt_is_played_its_time_adds_up(
    limit: int, steps: list[tuple[int, int]]
) -> None:
    clock, now, sum_of_questions = at_question(limit), T0, 0
    for thinking, reading in steps:
        deadline = clock.deadline(now)
        now += timedelta(microseconds=thinking)
        check(clock, limit, deadline, now)
        sum_of_questions += clock.question_ms(now)
        clock = clock.answered(now)
        assert clock.spent_ms == sum_of_questions <= limit
        deadline = clock.deadline(now)
        now += timedelta(microseconds=reading)
        check(clock, limit, deadline, now)
        clock = clock.next_shown(now)


def check(clock: Clock, limit: int, deadline: datetime, now: datetime) -> None:
    spent, remaining = clock.spent(now), clock.remaining(now)
    assert remaining is not None
    assert clock.spent_ms <= spent <= limit
    assert spent + remaining == limit
    assert (remaining == 0) == (timing.limit_reached(deadline, now) or clock.spent_ms == limit)
    assert timing.overdue(deadline, now) == (now - deadline > timedelta(seconds=2))
