"""Deleting and rebuilding while others play: no deadlock, and right boards afterwards."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.domain.access import Viewer
from respondeo.domain.errors import NotFound
from respondeo.models import (
    AttemptAnswer,
    PlayerStanding,
    Quiz,
    QuizAttempt,
    QuizStanding,
)
from respondeo.services import authoring, standings, starting, taking, users
from tests.conftest import Clock
from tests.factories import published_quiz
from tests.services.boards import assert_boards_are_right
from tests.services.parallel import answering, at_once, in_transaction, people, until_waiting
from tests.services.plays import answer, current, option, play, start


def author_of(quiz: Quiz) -> Viewer:
    assert quiz.author_id is not None
    return Viewer("creator", frozenset({"quiz:edit-own", "quiz:delete-own"}), quiz.author_id)


@pytest.mark.parametrize("victim", ["quiz", "player"])
def test_deleting_while_others_start_answer_and_read_leaves_right_boards(
    wide: Flask, committed: Session, committed_clock: Clock, victim: str
) -> None:
    committed_clock.stop()
    doomed = published_quiz(committed, questions=1, time_limit_seconds=60)
    kept = published_quiz(committed, questions=1, time_limit_seconds=60)
    viewers = people(committed, 12)
    for quiz in (doomed, kept):
        play(committed, viewers[0], quiz)
        for viewer in viewers[:4]:
            start(committed, viewer, quiz)
    committed_clock.advance(seconds=63)
    answers: list[Callable[[Session], object]] = []
    for viewer in viewers[4:8]:
        for quiz in (doomed, kept):
            attempt = start(committed, viewer, quiz)
            here = current(committed, attempt)
            answers.append(answering(viewer, attempt, here, option(committed, here, right=True)))
    doomed_id, quiz_ids, author = doomed.id, (doomed.id, kept.id), author_of(doomed)
    victim_id = viewers[4].user_id
    committed.commit()

    def delete(session: Session) -> None:
        if victim == "quiz":
            authoring.delete_quiz(session, author, doomed_id)
        else:
            assert victim_id is not None
            users.delete_user(session, victim_id)

    def starts(viewer: Viewer, quiz_id: UUID) -> Callable[[Session], object]:
        return lambda session: starting.start_attempt(session, viewer, quiz_id).id

    jobs: list[Callable[[Session], object]] = [delete, *answers]
    jobs += [starts(viewer, quiz_id) for viewer in viewers[8:] for quiz_id in quiz_ids]
    jobs += [taking.complete_overdue] * 2
    jobs += [lambda session: taking.complete_overdue(session, doomed_id)] * 2
    jobs += [standings.rebuild]
    came = at_once(wide, jobs)
    errors = [error for error in came if isinstance(error, Exception)]
    assert {type(error) for error in errors} <= {NotFound}
    assert (committed.get(Quiz, doomed_id) is None) == (victim == "quiz")
    assert_boards_are_right(committed)
    orphans = sa.select(AttemptAnswer.attempt_id).where(
        AttemptAnswer.attempt_id.not_in(sa.select(QuizAttempt.id))
    )
    assert committed.scalar(orphans) is None


def test_answering_in_a_quiz_that_is_being_deleted_finds_nothing(
    wide: Flask, committed: Session
) -> None:
    viewer, quiz = people(committed, 1)[0], published_quiz(committed)
    attempt = start(committed, viewer, quiz)
    here = current(committed, attempt)
    job = answering(viewer, attempt, here, option(committed, here, right=True))
    author, quiz_id = author_of(quiz), quiz.id
    committed.commit()
    with ThreadPoolExecutor() as pool:
        authoring.delete_quiz(committed, author, quiz_id)
        answered = pool.submit(in_transaction, wide, job)
        until_waiting(committed, 1)
        committed.commit()
        with pytest.raises(NotFound):
            answered.result()


def test_a_player_who_finishes_elsewhere_while_their_only_quiz_is_deleted_stays_on_the_board(
    wide: Flask, committed: Session
) -> None:
    viewer = people(committed, 1)[0]
    doomed, kept = (published_quiz(committed, questions=1) for _ in range(2))
    play(committed, viewer, doomed)
    attempt = start(committed, viewer, kept)
    here = current(committed, attempt)
    finishing = answering(viewer, attempt, here, option(committed, here, right=True))
    author, doomed_id = author_of(doomed), doomed.id
    committed.commit()
    with ThreadPoolExecutor() as pool:
        # Holds the deletion up when it has locked the player and not yet corrected their sums.
        standing = sa.select(QuizStanding).where(QuizStanding.quiz_id == doomed_id)
        committed.execute(standing.with_for_update())
        deleted = pool.submit(
            in_transaction,
            wide,
            lambda session: authoring.delete_quiz(session, author, doomed_id),
        )
        until_waiting(committed, 1)
        finished = pool.submit(in_transaction, wide, finishing)
        until_waiting(committed, 2)
        committed.commit()
        deleted.result()
        finished.result()
    assert committed.get_one(PlayerStanding, viewer.user_id).total_correct == 1
    assert_boards_are_right(committed)


def test_rebuilding_while_results_come_in_waits_for_them_and_nobody_for_it_in_a_circle(
    wide: Flask, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=1)
    jobs: list[Callable[[Session], object]] = []
    for viewer in people(committed, 16):
        attempt = start(committed, viewer, quiz)
        here = current(committed, attempt)
        jobs.append(answering(viewer, attempt, here, option(committed, here, right=True)))
    committed.commit()
    jobs[8:8] = [standings.rebuild] * 3
    came = at_once(wide, jobs)
    assert not [error for error in came if isinstance(error, Exception)]
    assert_boards_are_right(committed)


def test_a_rebuild_that_meets_a_result_half_recorded_does_not_stop_it(
    wide: Flask, committed: Session
) -> None:
    viewer = people(committed, 1)[0]
    attempt = start(committed, viewer, published_quiz(committed, questions=1))
    committed.commit()
    with ThreadPoolExecutor() as pool:
        # As far as a result comes first: the player's sums.
        committed.execute(sa.update(PlayerStanding).where(sa.false()).values(quizzes_played=0))
        rebuilt = pool.submit(in_transaction, wide, standings.rebuild)
        until_waiting(committed, 1)
        answer(committed, viewer, attempt)
        committed.commit()
        assert rebuilt.result() == 0
    assert_boards_are_right(committed)
