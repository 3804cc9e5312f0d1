"""What must hold whatever runs at the same time: real commits, real locks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from bench.listening import hearing
from respondeo.db import db
from respondeo.domain.access import Viewer
from respondeo.domain.errors import NoAttemptsLeft
from respondeo.models import (
    QuizAttempt,
    QuizBoard,
    QuizStanding,
)
from respondeo.prepared import driver_of
from respondeo.services import catalogue, starting, taking
from respondeo.services.catalogue import Filters
from tests.conftest import Clock
from tests.factories import guest, published_quiz
from tests.services.boards import assert_boards_are_right
from tests.services.parallel import answering, at_once, in_transaction, people, until_waiting
from tests.services.plays import commit, current, option, rows_of, start


@pytest.mark.parametrize("last", [False, True], ids=["first question", "last question"])
def test_the_same_answer_from_twenty_threads_is_stored_once(
    wide: Flask, committed: Session, *, last: bool
) -> None:
    viewer = people(committed, 1)[0]
    quiz = published_quiz(committed, questions=1 if last else 3)
    attempt = start(committed, viewer, quiz)
    here = current(committed, attempt)
    chosen = option(committed, here, right=True)
    committed.commit()
    came = at_once(wide, [answering(viewer, attempt, here, chosen)] * 20)
    committed.expire_all()
    assert came == [chosen] * 20
    assert attempt.correct_count == 1
    assert [row.answer_id for row in rows_of(committed, attempt)].count(chosen) == 1
    assert committed.get_one(QuizBoard, quiz.id).plays == (1 if last else 0)
    assert_boards_are_right(committed)


def test_of_twenty_different_answers_at_once_one_is_stored_and_all_are_told_it(
    wide: Flask, committed: Session
) -> None:
    viewer = people(committed, 1)[0]
    attempt = start(committed, viewer, published_quiz(committed))
    here = current(committed, attempt)
    choices = [option(committed, here, right=right) for right in (True, False)] * 10
    committed.commit()
    came = at_once(wide, [answering(viewer, attempt, here, chosen) for chosen in choices])
    committed.expire_all()
    row = rows_of(committed, attempt)[0]
    assert set(came) == {row.answer_id}
    assert attempt.correct_count == (row.answer_id == choices[0])


@pytest.mark.parametrize("number", [1, None], ids=["named", "unnamed"])
def test_fifty_threads_starting_with_a_maximum_of_one_make_one_attempt(
    wide: Flask, committed: Session, number: int | None
) -> None:
    viewer, quiz_id = people(committed, 1)[0], published_quiz(committed, max_attempts=1).id
    committed.commit()

    def begin(session: Session) -> UUID:
        return starting.start_attempt(session, viewer, quiz_id, number=number).id

    came = at_once(wide, [begin] * 50)
    attempts = committed.scalars(sa.select(QuizAttempt.id)).all()
    assert len(attempts) == 1
    assert set(came) == set(attempts)


@pytest.mark.parametrize("at", [1, 2])
def test_a_start_that_is_overtaken_at_any_of_its_reads_resumes_the_other(
    wide: Flask, committed: Session, at: int
) -> None:
    viewer, quiz_id = people(committed, 1)[0], published_quiz(committed, max_attempts=1).id
    committed.commit()

    def begin(session: Session) -> UUID:
        return starting.start_attempt(session, viewer, quiz_id).id

    def begin_overtaken(session: Session) -> UUID:
        driver, sent = driver_of(session), count(1)

        def overtake(
            cursor: psycopg.Cursor[Any], _query: object, _params: object, send: Callable[[], Any]
        ) -> Any:
            done = send()
            if cursor.connection is driver and next(sent) == at:
                first.append(pool.submit(in_transaction, wide, begin).result())
            return done

        with hearing(overtake):
            return begin(session)

    first: list[UUID] = []
    with ThreadPoolExecutor() as pool:
        assert in_transaction(wide, begin_overtaken) == first[0]


def test_guests_who_click_twice_get_one_attempt(wide: Flask, committed: Session) -> None:
    quiz_id = published_quiz(committed).id
    committed.commit()
    came = at_once(
        wide, [lambda session: starting.start_attempt(session, guest(), quiz_id, number=1).id] * 10
    )
    assert set(came) == set(committed.scalars(sa.select(QuizAttempt.id)).all())
    assert len(set(came)) == 1


def test_the_maximum_holds_when_attempts_are_started_and_finished_at_once(
    wide: Flask, committed: Session
) -> None:
    viewer, quiz = people(committed, 1)[0], published_quiz(committed, questions=1, max_attempts=3)
    quiz_id = quiz.id
    committed.commit()

    def play_on(session: Session) -> None:
        while True:
            attempt_id = starting.start_attempt(session, viewer, quiz_id).id
            session.commit()
            attempt = session.get_one(QuizAttempt, attempt_id)
            only = rows_of(session, attempt)[0].question_id
            commit(session, viewer, attempt, only, option(session, only, right=True))
            session.commit()

    came = at_once(wide, [play_on] * 12)
    assert {type(error) for error in came} == {NoAttemptsLeft}
    numbers = committed.scalars(sa.select(QuizAttempt.number).order_by(QuizAttempt.number)).all()
    assert numbers == [1, 2, 3]
    assert_boards_are_right(committed)


def test_whoever_finishes_waits_for_nobody_who_finishes_another_quiz(
    wide: Flask, committed: Session
) -> None:
    jobs = []
    for viewer in people(committed, 2):
        attempt = start(committed, viewer, published_quiz(committed, questions=1))
        here = current(committed, attempt)
        jobs.append(answering(viewer, attempt, here, option(committed, here, right=True)))
    committed.commit()
    slow, quick = jobs
    with wide.app_context(), ThreadPoolExecutor(1) as pool:
        slow(db.session())  # and it does not commit yet
        pool.submit(in_transaction, wide, quick).result(timeout=5)
        db.session.commit()
    assert_boards_are_right(committed)


@pytest.mark.parametrize("threads", [2, 10])
def test_an_overdue_attempt_is_completed_once_whoever_comes_together(
    wide: Flask, committed: Session, committed_clock: Clock, threads: int
) -> None:
    committed_clock.stop()
    viewer, quiz = people(committed, 1)[0], published_quiz(committed, time_limit_seconds=60)
    attempt = start(committed, viewer, quiz)
    deadline = attempt.deadline_at
    committed_clock.advance(seconds=63)
    committed.commit()
    quiz_id, attempt_id = quiz.id, attempt.id

    def settle(session: Session) -> object:
        return taking.settle(session, session.get_one(QuizAttempt, attempt_id))

    def board(session: Session) -> object:
        return taking.complete_overdue(session, quiz_id)

    def page(session: Session) -> object:
        return catalogue.quiz_card(session, viewer, quiz_id)

    readers = [settle, board, page, taking.complete_overdue]
    came = at_once(wide, (readers * threads)[:threads])
    assert not [error for error in came if isinstance(error, Exception)]
    committed.expire_all()
    assert (attempt.completed_at, attempt.total_time_ms) == (deadline, 60_000)
    assert committed.get_one(QuizBoard, quiz_id).plays == 1
    assert_boards_are_right(committed)


@pytest.mark.parametrize("elapsed_ms", [59_000, 61_000, 63_000])
def test_a_player_answers_while_boards_complete_what_is_overdue(
    wide: Flask, committed: Session, committed_clock: Clock, elapsed_ms: int
) -> None:
    committed_clock.stop()
    quiz = published_quiz(committed, questions=1, time_limit_seconds=60)
    jobs: list[Callable[[Session], object]] = []
    for viewer in people(committed, 8):
        attempt = start(committed, viewer, quiz)
        here = current(committed, attempt)
        jobs.append(answering(viewer, attempt, here, option(committed, here, right=True)))
    committed_clock.advance(ms=elapsed_ms)
    committed.commit()
    quiz_id = quiz.id
    jobs += [lambda session: taking.complete_overdue(session, quiz_id)] * 4
    came = at_once(wide, jobs)
    in_time = elapsed_ms <= 62_000
    kinds = {"UUID"} if in_time else {"AttemptOver"}
    assert {type(answered).__name__ for answered in came[:8]} == kinds
    board = committed.get_one(QuizBoard, quiz_id)
    assert (board.plays, board.players) == (8, 8)
    scores = committed.scalars(sa.select(QuizStanding.correct_count)).all()
    assert set(scores) == ({1} if in_time else {0})
    assert_boards_are_right(committed)


def test_pages_of_people_with_several_overdue_attempts_do_not_wait_in_a_circle(
    wide: Flask, committed: Session, committed_clock: Clock
) -> None:
    committed_clock.stop()
    # The later an attempt was begun, the earlier it ends: the order of time is not that of rows.
    quizzes = [published_quiz(committed, time_limit_seconds=600 - 60 * n) for n in range(6)]
    viewers = people(committed, 4)
    for quiz in quizzes:
        for viewer in viewers:
            start(committed, viewer, quiz)
    committed_clock.advance(seconds=700)
    committed.commit()
    quiz_ids = [quiz.id for quiz in quizzes]

    def list_for(viewer: Viewer) -> Callable[[Session], object]:
        return lambda session: catalogue.listing(session, viewer, Filters())

    def page_for(viewer: Viewer, quiz_id: UUID) -> Callable[[Session], object]:
        def read(session: Session) -> object:
            catalogue.quiz_card(session, viewer, quiz_id)
            return taking.complete_overdue(session, quiz_id)

        return read

    jobs = [list_for(viewer) for viewer in viewers]
    jobs += [page_for(viewers[n % 4], quiz_id) for n, quiz_id in enumerate(quiz_ids)]
    jobs += [taking.complete_overdue] * 4
    came = at_once(wide, jobs)
    assert not [error for error in came if isinstance(error, Exception)]
    assert_boards_are_right(committed)


def test_a_page_locks_overdue_attempts_in_the_order_in_which_boards_do(
    wide: Flask, committed: Session, committed_clock: Clock
) -> None:
    committed_clock.stop()
    viewer = people(committed, 1)[0]
    later, earlier = (
        start(committed, viewer, published_quiz(committed, time_limit_seconds=seconds))
        for seconds in (100, 50)
    )
    committed_clock.advance(seconds=200)
    committed.commit()
    with ThreadPoolExecutor() as pool:
        lock(committed, earlier)  # as a board would, first
        listing = pool.submit(
            in_transaction, wide, lambda session: catalogue.listing(session, viewer, Filters())
        )
        until_waiting(committed, 1)
        lock(committed, later)
        committed.commit()
        assert listing.result().total == 2


def lock(session: Session, attempt: QuizAttempt) -> None:
    session.execute(sa.select(QuizAttempt.id).where(QuizAttempt.id == attempt.id).with_for_update())
