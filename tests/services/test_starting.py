"""Starting and resuming: one open attempt, a fixed order, never more than the maximum."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.access import GUEST, USER, Viewer
from respondeo.domain.errors import NoAttemptsLeft, NotAllowed, NotFound, SignInRequired
from respondeo.models import QuizAttempt
from respondeo.services import authoring, starting
from tests.conftest import Clock
from tests.factories import add_user, document, editor, guest, player, published_quiz
from tests.services.plays import finish, play, rows_of, start, texts

ONLY_LOOK = frozenset({"quiz:browse", "quiz:view"})


def test_a_started_attempt_shows_question_one_and_its_clock_runs(
    session: Session, clock: Clock
) -> None:
    quiz = published_quiz(session, questions=3, time_limit_seconds=90)
    attempt = start(session, player(add_user(session)), quiz)
    now = clock.now()
    assert (attempt.number, attempt.time_limit_ms, attempt.total_questions) == (1, 90_000, 3)
    assert attempt.started_at == attempt.shown_at == now
    assert attempt.deadline_at == now + timedelta(seconds=90)
    rows = rows_of(session, attempt)
    assert [row.display_order for row in rows] == [0, 1, 2]
    assert [row.shown_at for row in rows] == [now, None, None]
    assert all(row.answered_at is None for row in rows)


def test_without_a_limit_the_attempt_lapses_after_seven_days(
    session: Session, clock: Clock
) -> None:
    attempt = start(session, player(add_user(session)), published_quiz(session))
    assert attempt.time_limit_ms is None
    assert attempt.deadline_at == clock.now() + timedelta(days=7)


def test_the_shuffle_is_each_attempts_own_and_stays(session: Session) -> None:
    quiz = published_quiz(session, questions=8, randomize_questions=True, randomize_answers=True)
    viewers = [player(add_user(session)) for _ in range(2)]
    attempts = [
        start(session, viewer, quiz, rng=Random(seed)) for seed, viewer in enumerate(viewers)
    ]
    laid_out = [texts(session, attempt) for attempt in attempts]
    orders = [[row.answer_order for row in rows_of(session, attempt)] for attempt in attempts]
    authors = [f"Question {n}?" for n in range(1, 9)]
    assert all(sorted(order) == authors for order in laid_out)
    assert laid_out[0] != laid_out[1]
    assert laid_out[0] != authors
    assert all(sorted(order) == [0, 1, 2, 3] for one in orders for order in one)
    assert orders[0] != orders[1]
    for viewer, attempt, shown, order in zip(viewers, attempts, laid_out, orders, strict=True):
        finish(session, viewer, attempt)
        assert texts(session, attempt) == shown
        assert [row.answer_order for row in rows_of(session, attempt)] == order


def test_without_shuffle_the_order_is_the_authors(session: Session) -> None:
    quiz = published_quiz(session, questions=4)
    attempt = start(session, player(add_user(session)), quiz)
    assert texts(session, attempt) == [f"Question {n}?" for n in range(1, 5)]
    assert all(row.answer_order == [0, 1, 2, 3] for row in rows_of(session, attempt))


def test_starting_again_resumes_on_the_same_clock(session: Session, clock: Clock) -> None:
    quiz = published_quiz(session, time_limit_seconds=60)
    viewer = player(add_user(session))
    attempt = start(session, viewer, quiz)
    deadline = attempt.deadline_at
    clock.advance(seconds=59)
    for number in (None, 1, 2, 99):
        assert starting.start_attempt(session, viewer, quiz.id, number=number).id == attempt.id
    assert attempt.deadline_at == deadline
    assert attempt.number == 1


@pytest.mark.parametrize(
    ("sent", "given"),
    [(1, 1), (2, 2), (3, 3), (None, 3), (99, 3), (0, 2), (-1, 2)],
    ids=str,
)
def test_the_form_starts_the_attempt_it_names_and_no_other(
    session: Session, sent: int | None, given: int
) -> None:
    quiz = published_quiz(session)
    viewer = player(add_user(session))
    over = [play(session, viewer, quiz).id for _ in range(2)]
    attempt = starting.start_attempt(session, viewer, quiz.id, number=sent)
    assert attempt.number == given
    assert (attempt.completed_at is None) == (given == 3)
    assert (attempt.id in over) == (given < 3)


def test_a_form_that_is_late_gets_the_result_even_when_nothing_is_left(session: Session) -> None:
    quiz = published_quiz(session, max_attempts=1)
    viewer = player(add_user(session))
    over = play(session, viewer, quiz)
    assert starting.start_attempt(session, viewer, quiz.id, number=1).id == over.id
    for number in (None, 2):
        with pytest.raises(NoAttemptsLeft) as refused:
            starting.start_attempt(session, viewer, quiz.id, number=number)
        assert str(refused.value) == "You have used your one attempt at this quiz."


def test_a_started_attempt_counts_against_the_maximum_though_it_was_never_answered(
    session: Session, clock: Clock
) -> None:
    quiz = published_quiz(session, max_attempts=2, time_limit_seconds=10)
    viewer = player(add_user(session))
    start(session, viewer, quiz)
    clock.advance(seconds=13)
    second = start(session, viewer, quiz)
    assert second.number == 2
    clock.advance(seconds=13)
    with pytest.raises(NoAttemptsLeft):
        start(session, viewer, quiz)


def test_the_maximum_is_each_players_own(session: Session) -> None:
    quiz = published_quiz(session, max_attempts=1)
    for _ in range(3):
        assert play(session, player(add_user(session)), quiz).number == 1


def test_an_open_attempt_at_one_quiz_does_not_hinder_another(session: Session) -> None:
    viewer = player(add_user(session))
    first, second = (start(session, viewer, published_quiz(session)) for _ in range(2))
    assert first.id != second.id


@pytest.mark.parametrize("days", [None, 1], ids=["draft", "scheduled"])
def test_nobody_starts_what_is_not_published(
    session: Session, clock: Clock, days: int | None
) -> None:
    author = add_user(session)
    quiz = authoring.create_quiz(session, author.id, document())
    if days is not None:
        date = clock.now() + timedelta(days=days)
        authoring.publish(session, editor(author), quiz.id, at=date)
    for viewer in (player(add_user(session)), guest()):
        with pytest.raises(NotFound):
            start(session, viewer, quiz)
    with pytest.raises(NotAllowed):
        start(session, editor(author), quiz)
    assert session.scalar(sa.select(sa.func.count()).select_from(QuizAttempt)) == 0


def test_a_scheduled_quiz_opens_at_its_date(session: Session, clock: Clock) -> None:
    author = add_user(session)
    quiz = authoring.create_quiz(session, author.id, document())
    authoring.publish(session, editor(author), quiz.id, at=clock.now() + timedelta(seconds=5))
    clock.advance(ms=4_999)
    with pytest.raises(NotFound):
        start(session, player(author), quiz)
    clock.advance(ms=1)
    assert start(session, player(author), quiz).number == 1


def test_there_is_no_quiz_that_is_not_there(session: Session) -> None:
    user = add_user(session)
    with pytest.raises(NotFound):
        starting.start_attempt(session, player(user), user.id)


def test_who_may_only_look_does_not_play(session: Session) -> None:
    quiz = published_quiz(session)
    with pytest.raises(NotAllowed):
        start(session, Viewer(USER, ONLY_LOOK, add_user(session).id), quiz)
    with pytest.raises(SignInRequired):
        start(session, Viewer(GUEST, ONLY_LOOK, guest_token=b"token"), quiz)


def test_who_has_begun_may_finish_when_the_quiz_is_unpublished(session: Session) -> None:
    author = add_user(session)
    quiz = published_quiz(session, questions=2)
    quiz.author_id = author.id
    viewer = player(add_user(session))
    attempt = start(session, viewer, quiz)
    authoring.unpublish(session, editor(author), quiz.id)
    session.flush()
    assert start(session, viewer, quiz) is attempt
    finish(session, viewer, attempt)
    assert attempt.correct_count == 2
    with pytest.raises(NotFound):
        start(session, viewer, quiz)
