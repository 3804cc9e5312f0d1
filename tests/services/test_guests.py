"""Guests play with the same engine, unranked, and leave nothing behind after a day."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.errors import NotFound
from respondeo.models import AttemptAnswer, QuizAttempt, QuizBoard, QuizStanding, User
from respondeo.services import attempts, results, starting, taking
from tests.conftest import Clock
from tests.factories import add_user, guest, player, published_quiz
from tests.services.plays import answer, play, start


@pytest.mark.parametrize(
    ("feedback", "reveal", "played_as"),
    [("each", "safe", "end"), ("end", "safe", "end"), ("each", "always", "each"),
     ("end", "always", "end")],
)  # fmt: skip
def test_a_guest_gets_feedback_at_the_end_unless_right_answers_are_for_everybody(
    session: Session, feedback: str, reveal: str, played_as: str
) -> None:
    attempt = start(session, guest(), published_quiz(session, feedback=feedback, reveal=reveal))
    assert attempt.feedback == played_as
    assert attempt.discloses == (reveal == "always")
    answer(session, guest(), attempt)
    assert (attempt.feedback_at is not None) == (played_as == "each")


def test_guests_never_rank_and_do_not_count_as_plays(session: Session) -> None:
    quiz = published_quiz(session)
    attempt = play(session, guest(), quiz)
    assert not attempt.ranked
    assert session.scalar(sa.select(QuizStanding)) is None
    assert session.get_one(QuizBoard, quiz.id).plays == 0


def test_a_guest_has_no_maximum_but_one_open_attempt(session: Session) -> None:
    quiz = published_quiz(session, max_attempts=1)
    numbers = [play(session, guest(), quiz).number for _ in range(3)]
    assert numbers == [1, 2, 3]
    assert start(session, guest(), quiz) is start(session, guest(), quiz)


def test_the_token_keeps_guests_apart(session: Session) -> None:
    quiz = published_quiz(session)
    mine, theirs = guest("mine"), guest("theirs")
    attempt = start(session, mine, quiz)
    other = start(session, theirs, quiz)
    assert attempt.id != other.id
    assert taking.last_attempt(session, mine, quiz.id) is attempt
    for somebody in (mine, guest("nobody"), player(add_user(session))):
        with pytest.raises(NotFound):
            taking.own_attempt(session, somebody, quiz.id, other.id)
        with pytest.raises(NotFound):
            results.attempt_to_show(session, somebody, quiz.id, other.id)


def test_signing_in_adopts_nothing(session: Session) -> None:
    quiz = published_quiz(session, max_attempts=1)
    as_guest = play(session, guest(), quiz)
    user = add_user(session)
    signed_in = start(session, player(user), quiz)
    assert (signed_in.number, signed_in.user_id) == (1, user.id)
    assert as_guest.user_id is None


def test_guests_attempts_go_after_a_day_and_peoples_stay(session: Session, clock: Clock) -> None:
    quiz = published_quiz(session)
    first = play(session, guest("first"), quiz).id
    left_open = start(session, guest("second"), quiz).id
    person = play(session, player(add_user(session)), quiz).id
    clock.advance(seconds=24 * 3600)
    start(session, guest("third"), quiz)
    assert {first, left_open, person} <= kept(session)
    clock.advance(ms=1)
    start(session, guest("fourth"), quiz)
    assert kept(session) & {first, left_open, person} == {person}
    orphans = sa.select(AttemptAnswer).where(AttemptAnswer.attempt_id.in_([first, left_open]))
    assert session.scalar(orphans) is None


def test_whoever_starts_next_removes_what_guests_left(session: Session, clock: Clock) -> None:
    quiz = published_quiz(session)
    left = {play(session, guest("first"), quiz).id, start(session, guest("second"), quiz).id}
    clock.advance(seconds=24 * 3600, ms=1)
    start(session, player(add_user(session)), published_quiz(session))
    assert not kept(session) & left


def test_nobody_sees_a_guests_attempt_that_is_past_its_day(session: Session, clock: Clock) -> None:
    quiz = published_quiz(session)
    attempt = play(session, guest(), quiz).id
    author = player(session.get_one(User, quiz.author_id))
    clock.advance(seconds=24 * 3600)
    taking.complete_overdue(session, quiz.id)
    assert attempts.everybodys_attempts(session, quiz.id, 1).total == 1
    assert results.attempt_to_show(session, author, quiz.id, attempt).attempt.id == attempt
    clock.advance(ms=1)
    page = attempts.everybodys_attempts(session, quiz.id, 1)
    assert (page.total, page.rows) == (0, ())
    assert taking.last_attempt(session, guest(), quiz.id) is None
    for viewer in (author, guest()):
        with pytest.raises(NotFound):
            results.attempt_to_show(session, viewer, quiz.id, attempt)


def test_a_guest_whose_removal_waits_starts_again_at_one(session: Session, clock: Clock) -> None:
    """More is old than one start removes, and this guest's is the youngest of it."""
    quiz = published_quiz(session)
    for name in range(2 * starting.REMOVED_AT_ONCE):
        start(session, guest(str(name)), quiz)
    play(session, guest("back"), quiz)
    clock.advance(seconds=24 * 3600, ms=1)
    again = start(session, guest("back"), quiz)
    assert again.number == 1
    assert len(kept(session) - {again.id}) == starting.REMOVED_AT_ONCE


def test_an_attempt_that_a_guest_is_still_in_after_a_day_is_gone(
    session: Session, clock: Clock
) -> None:
    quiz = published_quiz(session)
    attempt = start(session, guest(), quiz)
    clock.advance(seconds=24 * 3600, ms=1)
    with pytest.raises(NotFound):
        answer(session, guest(), attempt)


def kept(session: Session) -> set[object]:
    return set(session.scalars(sa.select(QuizAttempt.id)))
