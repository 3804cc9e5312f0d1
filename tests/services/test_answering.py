"""Answering and going on: one answer a question, nothing forged, nobody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.db import db
from respondeo.domain.access import Viewer
from respondeo.domain.errors import AttemptOver, Invalid, NotFound, NotThisQuestion
from respondeo.models import QuizAttempt
from respondeo.services import playing, running, taking
from tests.conftest import Clock
from tests.factories import add_user, document, editor, guest, player, published_quiz, question
from tests.services.plays import (
    answer,
    commit,
    current,
    finish,
    go_on,
    option,
    rows_of,
    stand,
    standing_now,
    start,
)


@pytest.fixture
def viewer(session: Session) -> Viewer:
    return player(add_user(session))


def begun(session: Session, viewer: Viewer, *, feedback: str = "each") -> QuizAttempt:
    """A started attempt at a quiz of three questions and a minute."""
    quiz = published_quiz(session, questions=3, time_limit_seconds=60, feedback=feedback)
    return start(session, viewer, quiz)


def test_an_answer_is_stored_with_its_time_and_whether_it_was_right(
    session: Session, clock: Clock, viewer: Viewer
) -> None:
    attempt = begun(session, viewer)
    clock.advance(ms=4_321)
    first = answer(session, viewer, attempt, right=True)
    assert (first.is_correct, first.time_ms, first.answered_at) == (True, 4_321, clock.now())
    go_on(session, viewer, attempt)
    clock.advance(ms=1_000)
    second = answer(session, viewer, attempt, right=False)
    assert (second.is_correct, second.time_ms) == (False, 1_000)
    assert (attempt.correct_count, attempt.spent_ms) == (1, 5_321)


def test_any_of_several_right_answers_is_right(session: Session, viewer: Viewer) -> None:
    doc = document().model_copy(update={"questions": (question(1, right={1, 2}),)})
    attempt = start(session, viewer, published_quiz(session, doc))
    assert answer(session, viewer, attempt, right=True).is_correct
    assert attempt.correct_count == 1


def test_the_same_answer_again_changes_nothing(
    session: Session, clock: Clock, viewer: Viewer
) -> None:
    attempt = begun(session, viewer)
    clock.advance(ms=700)
    row = answer(session, viewer, attempt)
    assert row.answer_id is not None
    before = (row.answered_at, row.time_ms, attempt.spent_ms, attempt.deadline_at)
    clock.advance(ms=5_000)
    again = commit(session, viewer, attempt, row.question_id, row.answer_id)
    assert again.answer_id == row.answer_id
    assert (again.answered_at, again.time_ms, attempt.spent_ms, attempt.deadline_at) == before
    assert attempt.correct_count == 1


@pytest.mark.parametrize("when", ["at the feedback", "at the next question", "over"])
def test_a_different_answer_to_an_answered_question_changes_nothing(
    session: Session, viewer: Viewer, when: str
) -> None:
    attempt = begun(session, viewer)
    row = answer(session, viewer, attempt, right=False)
    if when == "at the next question":
        go_on(session, viewer, attempt)
    if when == "over":
        finish(session, viewer, attempt)
    stored, score = row.answer_id, attempt.correct_count
    other = option(session, row.question_id, right=True)
    again = commit(session, viewer, attempt, row.question_id, other)
    assert (again.answer_id, again.is_correct) == (stored, False)
    assert attempt.correct_count == score


@pytest.mark.parametrize("feedback", ["each", "end"])
def test_a_question_that_is_not_the_current_one_takes_no_answer(
    session: Session, viewer: Viewer, feedback: str
) -> None:
    attempt = begun(session, viewer, feedback=feedback)
    later = rows_of(session, attempt)[1].question_id
    with pytest.raises(NotThisQuestion):
        commit(session, viewer, attempt, later, option(session, later, right=True))
    assert rows_of(session, attempt)[1].answered_at is None


def test_at_a_feedback_the_next_question_takes_no_answer_yet(
    session: Session, viewer: Viewer
) -> None:
    attempt = begun(session, viewer)
    answer(session, viewer, attempt)
    hidden = current(session, attempt)
    with pytest.raises(NotThisQuestion):
        commit(session, viewer, attempt, hidden, option(session, hidden, right=True))
    assert attempt.correct_count == 1


def test_a_question_of_another_quiz_is_no_question_here(session: Session, viewer: Viewer) -> None:
    attempt, other = begun(session, viewer), begun(session, viewer)
    foreign = current(session, other)
    for question_id in (foreign, uuid4()):
        with pytest.raises(NotThisQuestion):
            commit(session, viewer, attempt, question_id, option(session, foreign, right=True))


def test_an_answer_of_another_question_is_no_answer(session: Session, viewer: Viewer) -> None:
    attempt = begun(session, viewer)
    here, there = (row.question_id for row in rows_of(session, attempt)[:2])
    for forged in (option(session, there, right=True), uuid4()):
        with pytest.raises(Invalid) as refused:
            commit(session, viewer, attempt, here, forged)
        assert [problem.path for problem in refused.value.problems] == ["answer"]
    assert current(session, attempt) == here


def test_other_peoples_attempts_do_not_exist(session: Session, viewer: Viewer) -> None:
    attempt = begun(session, viewer)
    here = current(session, attempt)
    chosen = option(session, here, right=True)
    strangers = [player(add_user(session)), editor(add_user(session)), guest()]
    for stranger in strangers:
        with pytest.raises(NotFound):
            commit(session, stranger, attempt, here, chosen)
        with pytest.raises(NotFound):
            go_on(session, stranger, attempt)
        assert taking.last_attempt(session, stranger, attempt.quiz_id) is None
    assert current(session, attempt) == here


def test_an_attempt_is_found_under_its_own_quiz_only(session: Session, viewer: Viewer) -> None:
    attempt = begun(session, viewer)
    elsewhere = published_quiz(session)
    here = current(session, attempt)
    chosen = option(session, here, right=True)
    with pytest.raises(NotFound):
        taking.commit_answer(session, viewer, elsewhere.id, attempt.id, here, chosen)
    with pytest.raises(NotFound):
        taking.show_next(session, viewer, elsewhere.id, attempt.id)


# -- feedback after each question ---------------------------------------------------------------


def test_with_feedback_after_each_the_clock_stands_until_next(
    session: Session, clock: Clock, viewer: Viewer
) -> None:
    attempt = begun(session, viewer)
    clock.advance(seconds=10)
    answer(session, viewer, attempt)
    assert (attempt.shown_at, attempt.feedback_at) == (None, clock.now())
    assert attempt.deadline_at == clock.now() + timedelta(seconds=120 + 50)
    assert rows_of(session, attempt)[1].shown_at is None
    clock.advance(seconds=100)
    shown = standing_now(session, attempt)
    assert (shown.status, shown.clock_running, shown.pause_left_ms) == ("feedback", False, 20_000)
    assert shown.remaining_ms == 50_000
    go_on(session, viewer, attempt)
    assert (attempt.shown_at, attempt.feedback_at) == (clock.now(), None)
    assert attempt.deadline_at == clock.now() + timedelta(seconds=50)
    assert rows_of(session, attempt)[1].shown_at == clock.now()


def test_after_two_minutes_the_hidden_questions_time_runs(
    session: Session, clock: Clock, viewer: Viewer
) -> None:
    attempt = begun(session, viewer)
    answer(session, viewer, attempt)
    clock.advance(seconds=120 + 25)
    shown = standing_now(session, attempt)
    assert (shown.status, shown.clock_running, shown.remaining_ms) == ("feedback", True, 35_000)
    go_on(session, viewer, attempt)
    shown = standing_now(session, attempt)
    assert (shown.status, shown.remaining_ms) == ("question", 35_000)
    assert answer(session, viewer, attempt).time_ms == 25_000


def test_next_twice_and_next_at_a_question_are_harmless(
    session: Session, clock: Clock, viewer: Viewer
) -> None:
    attempt = begun(session, viewer)
    go_on(session, viewer, attempt)
    assert current(session, attempt) == rows_of(session, attempt)[0].question_id
    answer(session, viewer, attempt)
    go_on(session, viewer, attempt)
    shown_at = attempt.shown_at
    clock.advance(seconds=3)
    go_on(session, viewer, attempt)
    assert attempt.shown_at == shown_at
    assert [row.shown_at is not None for row in rows_of(session, attempt)] == [True, True, False]


def test_next_from_a_stale_tab_does_not_leave_a_later_feedback(
    session: Session, viewer: Viewer
) -> None:
    attempt = begun(session, viewer)
    first = answer(session, viewer, attempt).question_id
    second = answer(session, viewer, attempt).question_id
    quiz_id = attempt.quiz_id
    for stale in (first, uuid4()):
        taking.show_next(session, viewer, quiz_id, attempt.id, after=stale)
        assert attempt.feedback_at is not None
    taking.show_next(session, viewer, quiz_id, attempt.id, after=second)
    assert attempt.shown_at is not None


def test_next_after_the_end_changes_nothing(session: Session, viewer: Viewer) -> None:
    attempt = finish(session, viewer, begun(session, viewer))
    completed_at = attempt.completed_at
    assert go_on(session, viewer, attempt).completed_at == completed_at
    assert attempt.shown_at is None


def test_the_last_feedback_is_shown_though_the_attempt_is_over(
    session: Session, viewer: Viewer
) -> None:
    attempt = finish(session, viewer, begun(session, viewer))
    last = rows_of(session, attempt)[-1].question_id
    shown = playing.play(session, stand(session, attempt), answered=last)
    assert shown.feedback is not None
    assert (shown.status, shown.feedback.is_last, shown.feedback.is_correct) == (
        "feedback",
        True,
        True,
    )
    assert standing_now(session, attempt).status == "over"


# -- feedback at the end ------------------------------------------------------------------------


def test_with_feedback_at_the_end_the_next_clock_starts_at_once(
    session: Session, clock: Clock, viewer: Viewer
) -> None:
    attempt = begun(session, viewer, feedback="end")
    clock.advance(seconds=10)
    answer(session, viewer, attempt)
    assert (attempt.shown_at, attempt.feedback_at) == (clock.now(), None)
    assert attempt.deadline_at == clock.now() + timedelta(seconds=50)
    assert rows_of(session, attempt)[1].shown_at == clock.now()


def test_with_feedback_at_the_end_nothing_tells_right_from_wrong_until_the_end(
    session: Session, viewer: Viewer
) -> None:
    attempt = begun(session, viewer, feedback="end")
    answered = [answer(session, viewer, attempt, right=right) for right in (True, False)]
    for row in answered:
        shown = playing.play(session, stand(session, attempt), answered=row.question_id)
        assert (shown.status, shown.score, shown.feedback) == ("question", None, None)
        assert shown.question is not None
        assert shown.question.id == current(session, attempt)
    shown = standing_now(session, attempt)
    assert shown.pips == ("answered", "answered", "current")
    assert shown.answered_count == 2
    finish(session, viewer, attempt)
    over = standing_now(session, attempt)
    assert (over.status, over.score, over.pips) == ("over", 2, ("right", "wrong", "right"))


# -- the end of the time ------------------------------------------------------------------------


@pytest.mark.parametrize("feedback", ["each", "end"])
@pytest.mark.parametrize(
    ("elapsed", "time_ms", "timed_out"),
    [
        (59_999, 59_999, False),
        (60_000, 60_000, True),
        (60_001, 60_000, True),
        (62_000, 60_000, True),
    ],
)
def test_an_answer_inside_the_grace_is_saved_with_capped_time_and_is_the_last(
    session: Session,
    clock: Clock,
    viewer: Viewer,
    feedback: str,
    elapsed: int,
    time_ms: int,
    *,
    timed_out: bool,
) -> None:
    attempt = begun(session, viewer, feedback=feedback)
    deadline = attempt.deadline_at
    clock.advance(ms=elapsed)
    row = answer(session, viewer, attempt)
    assert (row.is_correct, row.time_ms, row.answered_at) == (True, time_ms, clock.now())
    assert attempt.timed_out is timed_out
    if timed_out:
        assert (attempt.completed_at, attempt.total_time_ms) == (deadline, 60_000)
        assert (attempt.correct_count, attempt.total_questions) == (1, 3)
    else:
        assert attempt.completed_at is None


@pytest.mark.parametrize("late", [1, 3_600_000])
def test_after_the_grace_an_answer_is_refused_and_the_attempt_is_complete(
    session: Session, clock: Clock, viewer: Viewer, late: int
) -> None:
    attempt = begun(session, viewer)
    deadline = attempt.deadline_at
    here = current(session, attempt)
    clock.advance(ms=62_000 + late)
    with pytest.raises(AttemptOver) as refused:
        commit(session, viewer, attempt, here, option(session, here, right=True))
    assert refused.value.attempt_id == attempt.id
    assert (attempt.completed_at, attempt.timed_out) == (deadline, True)
    assert (attempt.correct_count, attempt.total_time_ms) == (0, 60_000)
    assert rows_of(session, attempt)[0].answered_at is None


@pytest.mark.parametrize(
    ("elapsed", "status"),
    [(59_999, "question"), (60_000, "time-up"), (62_000, "time-up"), (62_001, "over")],
)
def test_at_zero_the_page_shows_no_question_and_waits_for_the_grace(
    session: Session, clock: Clock, viewer: Viewer, elapsed: int, status: str
) -> None:
    attempt = begun(session, viewer)
    clock.advance(ms=elapsed)
    shown = standing_now(session, attempt)
    assert shown.status == status
    assert (shown.question is not None) == (status == "question")
    assert shown.remaining_ms == max(0, 60_000 - elapsed)
    if status == "time-up":
        clock.advance(ms=shown.retry_after_ms)
        assert standing_now(session, attempt).status == "over"


def test_next_in_the_grace_shows_nothing_more(
    session: Session, clock: Clock, viewer: Viewer
) -> None:
    attempt = begun(session, viewer)
    answer(session, viewer, attempt)
    clock.advance(seconds=120 + 60 + 1)
    go_on(session, viewer, attempt)
    assert rows_of(session, attempt)[1].shown_at is None
    assert standing_now(session, attempt).status == "time-up"


def test_an_attempt_that_is_stepped_while_it_is_read_is_read_again(
    app: Flask, committed: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the next question could be read before its clock runs."""
    quiz = published_quiz(committed, feedback="each")
    who = player(add_user(committed))
    attempt = start(committed, who, quiz)
    committed.commit()
    first = running._ANSWERS

    class Meanwhile:
        """Answers just before the answers are read, once."""

        stepped = False

        def all(self, source: Any, **values: Any) -> list[Any]:
            if not self.stepped:
                self.stepped = True
                answer(committed, who, attempt)
                committed.commit()
            return first.all(source, **values)

    with app.app_context(), Session(db.engine) as reading:
        monkeypatch.setattr(running, "_ANSWERS", Meanwhile())
        found = running.look(reading, who, quiz.id, attempt.id)
    assert found is not None
    assert found.attempt.shown_at is None
    assert found.attempt.feedback_at is not None
    shown = playing.play(committed, found)
    assert shown.status == "feedback"
