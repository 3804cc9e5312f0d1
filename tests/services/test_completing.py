"""An overdue attempt ends by its deadline: the same outcome whoever reads it, and whenever."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.access import Viewer
from respondeo.domain.errors import NotFound
from respondeo.models import Quiz, QuizAttempt, QuizBoard, QuizStanding
from respondeo.services import catalogue, playing, results, starting, taking
from respondeo.services.catalogue import Filters
from tests.conftest import Clock
from tests.factories import add_user, editor, guest, player, published_quiz
from tests.services.plays import answer, finish, go_on, play, stand, start

Reader = Callable[[Session, Viewer, QuizAttempt], object]


def stranger_reads_result(session: Session, _: Viewer, attempt: QuizAttempt) -> object:
    someone = player(add_user(session))
    return results.attempt_to_show(session, someone, attempt.quiz_id, attempt.id)


def editor_reads_result(session: Session, _: Viewer, attempt: QuizAttempt) -> object:
    someone = editor(add_user(session))
    found = results.attempt_to_show(session, someone, attempt.quiz_id, attempt.id)
    return results.result(session, someone, found)


READERS: dict[str, Reader] = {
    "play page": lambda session, _, attempt: playing.play(session, stand(session, attempt)),
    "start form": lambda session, viewer, attempt: starting.start_attempt(
        session, viewer, attempt.quiz_id, number=1
    ),
    "next start": lambda session, viewer, attempt: starting.start_attempt(
        session, viewer, attempt.quiz_id
    ),
    "next": lambda session, viewer, attempt: taking.show_next(
        session, viewer, attempt.quiz_id, attempt.id
    ),
    "own result": lambda session, viewer, attempt: results.attempt_to_show(
        session, viewer, attempt.quiz_id, attempt.id
    ),
    "a stranger's look at the result": stranger_reads_result,
    "an editor's look at the result": editor_reads_result,
    "the quiz's board": lambda session, _, attempt: taking.complete_overdue(
        session, attempt.quiz_id
    ),
    "the global board": lambda session, _viewer, _attempt: taking.complete_overdue(session),
    "the list": lambda session, viewer, _: catalogue.listing(session, viewer, Filters()),
    "the quiz's page": lambda session, viewer, attempt: catalogue.quiz_card(
        session, viewer, attempt.quiz_id
    ),
}


@pytest.mark.parametrize("late", [timedelta(milliseconds=1), timedelta(days=30)], ids=str)
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("state", ["question", "feedback"])
def test_the_outcome_is_the_same_whoever_reads_and_whenever(
    session: Session, clock: Clock, state: str, reader: Reader, late: timedelta
) -> None:
    quiz = published_quiz(session, questions=3, time_limit_seconds=60)
    viewer = player(add_user(session))
    attempt = start(session, viewer, quiz)
    clock.advance(seconds=20)
    answer(session, viewer, attempt)
    if state == "question":
        go_on(session, viewer, attempt)
    deadline = clock.now() + timedelta(seconds=40 + (120 if state == "feedback" else 0))
    assert attempt.deadline_at == deadline
    clock.stop(deadline + timedelta(seconds=2) + late)
    reader(session, viewer, attempt)
    session.flush()
    assert outcome(attempt) == (deadline, True, 60_000, 1)
    assert standings_of(session, quiz) == [(attempt.id, 1, 60_000, deadline)]
    assert plays_of(session, quiz) == 1


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_inside_the_grace_no_reader_ends_the_attempt(
    session: Session, clock: Clock, reader: Reader
) -> None:
    quiz = published_quiz(session, time_limit_seconds=60)
    viewer = player(add_user(session))
    attempt = start(session, viewer, quiz)
    clock.advance(ms=62_000)
    with suppress(NotFound):  # strangers see no open attempt
        reader(session, viewer, attempt)
    assert attempt.completed_at is None
    assert answer(session, viewer, attempt).is_correct


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_a_lapsed_attempt_without_limit_totals_its_answered_questions(
    session: Session, clock: Clock, reader: Reader
) -> None:
    quiz = published_quiz(session, questions=3)
    viewer = player(add_user(session))
    attempt = start(session, viewer, quiz)
    clock.advance(seconds=5)
    answer(session, viewer, attempt)
    go_on(session, viewer, attempt)
    deadline = clock.now() + timedelta(days=7)
    clock.advance(days=8)
    reader(session, viewer, attempt)
    session.flush()
    assert outcome(attempt) == (deadline, True, 5_000, 1)
    assert standings_of(session, quiz) == [(attempt.id, 1, 5_000, deadline)]


def test_an_attempt_left_at_a_feedback_and_taken_up_again_has_seven_more_days(
    session: Session, clock: Clock
) -> None:
    viewer = player(add_user(session))
    attempt = start(session, viewer, published_quiz(session, questions=3))
    answer(session, viewer, attempt)
    clock.advance(days=6)
    go_on(session, viewer, attempt)
    clock.advance(days=6)
    assert answer(session, viewer, attempt).is_correct


def test_the_last_answer_completes_the_attempt_at_its_own_time(
    session: Session, clock: Clock
) -> None:
    viewer = player(add_user(session))
    attempt = start(session, viewer, published_quiz(session, questions=2, time_limit_seconds=60))
    for seconds in (10, 20):
        go_on(session, viewer, attempt)
        clock.advance(seconds=seconds)
        answer(session, viewer, attempt)
        clock.advance(seconds=5)
    finished = clock.now() - timedelta(seconds=5)
    assert outcome(attempt) == (finished, False, 30_000, 2)
    assert (attempt.shown_at, attempt.feedback_at, attempt.deadline_at) == (None, None, None)


def test_a_quizs_board_completes_its_own_overdue_attempts_and_no_others(
    session: Session, clock: Clock
) -> None:
    here, there = (published_quiz(session, time_limit_seconds=60) for _ in range(2))
    overdue = [start(session, player(add_user(session)), here) for _ in range(3)]
    elsewhere = start(session, player(add_user(session)), there)
    clock.advance(seconds=30)
    running = start(session, player(add_user(session)), here)
    clock.advance(seconds=33)
    assert taking.complete_overdue(session, here.id) == 3
    assert all(attempt.completed_at is not None for attempt in overdue)
    assert running.completed_at is elsewhere.completed_at is None
    assert taking.complete_overdue(session, here.id) == 0


def test_the_global_board_completes_the_oldest_hundred(session: Session, clock: Clock) -> None:
    quiz = published_quiz(session, questions=1, time_limit_seconds=60)
    attempts = []
    for _ in range(103):
        attempts.append(start(session, player(add_user(session)), quiz))
        clock.advance(ms=1)
    clock.advance(seconds=63)
    assert taking.complete_overdue(session) == 100
    open_ones = [attempt for attempt in attempts if attempt.completed_at is None]
    assert open_ones == attempts[100:]
    assert taking.complete_overdue(session) == 3
    assert plays_of(session, quiz) == 103


def test_a_guests_overdue_attempt_ends_too_and_counts_nowhere(
    session: Session, clock: Clock
) -> None:
    quiz = published_quiz(session, time_limit_seconds=60)
    attempt = start(session, guest(), quiz)
    deadline = attempt.deadline_at
    clock.advance(seconds=63)
    assert taking.complete_overdue(session, quiz.id) == 1
    assert outcome(attempt) == (deadline, True, 60_000, 0)
    assert standings_of(session, quiz) == []
    assert plays_of(session, quiz) == 0


def test_what_is_over_stays_as_it_is(session: Session, clock: Clock) -> None:
    quiz = published_quiz(session, time_limit_seconds=60)
    viewer = player(add_user(session))
    attempt = play(session, viewer, quiz)
    before = outcome(attempt)
    clock.advance(days=100)
    for reader in READERS.values():
        reader(session, viewer, attempt)
    assert outcome(attempt) == before
    assert finish(session, viewer, attempt) is attempt


def outcome(attempt: QuizAttempt) -> tuple[datetime | None, bool, int | None, int]:
    return (
        attempt.completed_at,
        attempt.timed_out,
        attempt.total_time_ms,
        attempt.correct_count,
    )


def standings_of(session: Session, quiz: Quiz) -> list[object]:
    rows = session.execute(
        sa.select(
            QuizStanding.attempt_id,
            QuizStanding.correct_count,
            QuizStanding.total_time_ms,
            QuizStanding.completed_at,
        ).where(QuizStanding.quiz_id == quiz.id)
    )
    return [tuple(row) for row in rows]


def plays_of(session: Session, quiz: Quiz) -> int:
    return session.execute(
        sa.select(QuizBoard.plays).where(QuizBoard.quiz_id == quiz.id)
    ).scalar_one()
