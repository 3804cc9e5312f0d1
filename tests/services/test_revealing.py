"""What is revealed to whom, and what ranks: the rules of the product description as one table."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.access import Viewer
from respondeo.models import Quiz, QuizAttempt, QuizStanding
from respondeo.services import authoring, playing
from tests.conftest import Clock
from tests.factories import add_user, document, editor, guest, player, published_quiz
from tests.services.plays import answer, go_on, option, result_of, rows_of, stand, start

# (maximum, number of the attempt): whether it discloses where reveal is `safe`.
ATTEMPTS = {(1, 1): True, (3, 1): False, (3, 3): True, (None, 1): True}

LOOKERS = ("player", "guest", "editor at own", "editor at another's", "other player")


@dataclass(frozen=True)
class Case:
    """One row of the table; `later`: a disclosing attempt of the same player is over by now."""

    feedback: str
    reveal: str
    maximum: int | None
    number: int
    who: str
    later: bool

    def __str__(self) -> str:
        when = "later" if self.later else "at once"
        of = f"{self.number} of {self.maximum}"
        return f"{self.feedback}-{self.reveal}-{of}-{self.who}-{when}"


TABLE = [
    Case(feedback, reveal, maximum, number, who, later)
    for feedback, reveal, (maximum, number), who, later in product(
        ("each", "end"), ("safe", "always"), ATTEMPTS, LOOKERS, (False, True)
    )
]


@dataclass(frozen=True)
class Told:
    """What the attempt's player learns while playing, and what the looker sees afterwards."""

    feedback: bool
    right_answers_in_feedback: bool
    review: bool
    right_answers_in_review: bool


def told(case: Case) -> Told:
    """The rules, in the words of the product description."""
    if case.who == "guest":
        # Right answers only with reveal = always; otherwise as with feedback at the end, no review.
        always = case.reveal == "always"
        return Told(always and case.feedback == "each", always, always, always)
    discloses = case.reveal == "always" or ATTEMPTS[case.maximum, case.number]
    shown_later = discloses or case.later
    feedback = case.feedback == "each"
    return {
        "player": Told(feedback, discloses, True, shown_later),
        "editor at own": Told(feedback, discloses, True, shown_later),
        "editor at another's": Told(feedback, discloses, True, True),
        "other player": Told(feedback, discloses, False, False),
    }[case.who]


def half_played(session: Session, clock: Clock, viewer: Viewer, quiz: Quiz) -> QuizAttempt:
    """Right, wrong, and two questions left."""
    attempt = start(session, viewer, quiz)
    answer(session, viewer, attempt, right=True)
    answer(session, viewer, attempt, right=False)
    return attempt


def run_out(session: Session, clock: Clock, attempt: QuizAttempt) -> None:
    clock.advance(seconds=60 + 120 + 3)
    playing.play(session, stand(session, attempt))
    assert attempt.completed_at is not None


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_right_answers_are_revealed_as_the_table_says(
    session: Session, clock: Clock, case: Case
) -> None:
    quiz = published_quiz(
        session,
        questions=4,
        time_limit_seconds=60,
        max_attempts=case.maximum,
        feedback=case.feedback,
        reveal=case.reveal,
    )
    somebody = player(add_user(session))
    looker = {
        "player": somebody,
        "guest": guest(),
        "editor at own": editor(add_user(session)),
        "editor at another's": editor(add_user(session)),
        "other player": player(add_user(session)),
    }[case.who]
    owner = looker if case.who in {"player", "guest", "editor at own"} else somebody
    for _ in range(case.number - 1):
        run_out(session, clock, start(session, owner, quiz))
    expected = told(case)

    attempt = half_played(session, clock, owner, quiz)
    assert attempt.number == case.number
    check_while_playing(session, attempt, expected)
    run_out(session, clock, attempt)
    if case.later:
        for _ in range((case.maximum or case.number + 1) - case.number):
            run_out(session, clock, start(session, owner, quiz))
    check_review(session, looker, attempt, expected)


def check_while_playing(session: Session, attempt: QuizAttempt, expected: Told) -> None:
    verdicts = [True, False]
    for row, right in zip(rows_of(session, attempt)[:2], verdicts, strict=True):
        shown = playing.play(session, stand(session, attempt), answered=row.question_id)
        assert (shown.score == 1) is expected.feedback
        assert (shown.score is None) is not expected.feedback
        assert shown.pips[:2] == (("right", "wrong") if expected.feedback else ("answered",) * 2)
        if not expected.feedback:
            assert shown.feedback is None
            continue
        assert shown.feedback is not None
        assert shown.feedback.is_correct is right
        assert shown.feedback.disclosed is expected.right_answers_in_feedback
        key = {option(session, row.question_id, right=True)}
        text = session.scalars(
            sa.text("SELECT explanation FROM question WHERE id = :id"), {"id": row.question_id}
        ).one()
        told = expected.right_answers_in_feedback
        assert shown.feedback.right_ids == (key if told else set())
        assert shown.feedback.explanation == (text if told else None)


def check_review(session: Session, looker: Viewer, attempt: QuizAttempt, expected: Told) -> None:
    result = result_of(session, looker, attempt)
    assert (result.correct, result.total, result.answered_count) == (1, 4, 2)
    assert result.disclosed is expected.right_answers_in_review
    assert (result.review is not None) is expected.review
    if result.review is None:
        return
    rows = rows_of(session, attempt)
    third = "not-reached" if rows[2].shown_at is None else "unanswered"
    assert [q.state for q in result.review] == ["right", "wrong", third, "not-reached"]
    for question, row in zip(result.review, rows, strict=True):
        right = option(session, row.question_id, right=True)
        told = expected.right_answers_in_review
        assert (question.explanation is not None) is told
        if question.state == "not-reached" and not told:
            assert (question.text, question.image_url, question.answers) == (None, None, ())
            continue
        assert question.text is not None
        places = [answer.text for answer in question.answers if answer.right]
        assert places == ([text_of(session, right)] if told else [])
        assert all((answer.right is None) is not told for answer in question.answers)
        chosen = [answer.text for answer in question.answers if answer.chosen]
        assert chosen == ([text_of(session, row.answer_id)] if row.answer_id else [])


def text_of(session: Session, answer_id: UUID) -> str:
    return str(
        session.scalars(sa.text("SELECT text FROM answer WHERE id = :id"), {"id": answer_id}).one()
    )


# -- ranking ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("maximum", "reveal", "ranked"),
    [
        (1, "safe", [True]),
        (3, "safe", [True, True, True]),
        (None, "safe", [True, False, False]),
        (3, "always", [True, False, False]),
        (None, "always", [True, False, False]),
    ],
)
def test_attempts_after_a_disclosing_one_never_rank(
    session: Session, clock: Clock, maximum: int | None, reveal: str, ranked: list[bool]
) -> None:
    quiz = published_quiz(session, max_attempts=maximum, reveal=reveal, time_limit_seconds=60)
    viewer = player(add_user(session))
    attempts = []
    for _ in ranked:
        attempts.append(start(session, viewer, quiz))
        run_out(session, clock, attempts[-1])
    assert [attempt.ranked for attempt in attempts] == ranked
    standing = session.scalars(sa.select(QuizStanding.attempt_id)).one()
    assert standing in {a.id for a, ranks in zip(attempts, ranked, strict=True) if ranks}


@pytest.mark.parametrize(
    ("maximum", "discloses", "ranked"),
    [(2, False, False), (None, True, False)],
    ids=["raised", "lifted"],
)
def test_raising_the_maximum_after_a_disclosing_attempt_brings_no_new_points(
    session: Session, clock: Clock, maximum: int | None, *, discloses: bool, ranked: bool
) -> None:
    quiz = published_quiz(session, max_attempts=1, time_limit_seconds=60)
    viewer = player(add_user(session))
    first = start(session, viewer, quiz)
    run_out(session, clock, first)
    assert (first.discloses, first.ranked) == (True, True)
    draft = document(max_attempts=3 if maximum else None, time_limit_seconds=60)
    authoring.save_draft(session, editor(), quiz.id, draft)
    authoring.publish(session, editor(), quiz.id)
    second = start(session, viewer, quiz)
    assert (second.number, second.discloses, second.ranked) == (2, discloses, ranked)
    for _ in range(3):
        answer(session, viewer, second)
    assert session.scalars(sa.select(QuizStanding.attempt_id)).all() == [first.id]
    shown = result_of(session, viewer, second)
    assert shown.disclosed  # once a disclosing attempt is over, all reviews show, for good
    other = player(add_user(session))
    assert start(session, other, quiz).ranked


def test_what_an_attempt_discloses_is_fixed_at_its_start(session: Session, clock: Clock) -> None:
    quiz = published_quiz(session, max_attempts=3, time_limit_seconds=60)
    viewer = player(add_user(session))
    attempt = half_played(session, clock, viewer, quiz)
    draft = document(4, max_attempts=1, reveal="always", time_limit_seconds=60)
    authoring.save_draft(session, editor(), quiz.id, draft)
    authoring.publish(session, editor(), quiz.id)
    shown = playing.play(session, stand(session, attempt))
    assert shown.feedback is not None
    assert (shown.feedback.disclosed, shown.feedback.right_ids) == (False, frozenset())
    run_out(session, clock, attempt)
    assert not result_of(session, viewer, attempt).disclosed


def test_an_open_disclosing_attempt_reveals_nothing_of_the_earlier_ones_yet(
    session: Session, clock: Clock
) -> None:
    quiz = published_quiz(session, max_attempts=2, time_limit_seconds=60)
    viewer = player(add_user(session))
    first = start(session, viewer, quiz)
    run_out(session, clock, first)
    second = start(session, viewer, quiz)
    go_on(session, viewer, second)
    assert not result_of(session, viewer, first).disclosed
    run_out(session, clock, second)
    assert result_of(session, viewer, first).disclosed


def test_one_players_last_attempt_reveals_nothing_to_another(
    session: Session, clock: Clock
) -> None:
    quiz = published_quiz(session, max_attempts=2, time_limit_seconds=60)
    done, half_way = player(add_user(session)), player(add_user(session))
    for _ in range(2):
        run_out(session, clock, start(session, done, quiz))
    first = start(session, half_way, quiz)
    run_out(session, clock, first)
    assert not result_of(session, half_way, first).disclosed


def test_a_guests_attempt_under_safe_stays_hidden_when_a_later_one_discloses(
    session: Session, clock: Clock
) -> None:
    quiz = published_quiz(session, time_limit_seconds=60)
    first = start(session, guest(), quiz)
    run_out(session, clock, first)
    draft = document(reveal="always", time_limit_seconds=60)
    authoring.save_draft(session, editor(), quiz.id, draft)
    authoring.publish(session, editor(), quiz.id)
    second = start(session, guest(), quiz)
    run_out(session, clock, second)
    shown = [result_of(session, guest(), attempt) for attempt in (first, second)]
    assert [(s.disclosed, s.review is not None) for s in shown] == [(False, False), (True, True)]


@pytest.mark.parametrize("who", ["author", "moderator", "guest", "without permission"])
def test_who_does_not_rank_is_on_no_board(session: Session, clock: Clock, who: str) -> None:
    quiz = published_quiz(session, time_limit_seconds=60)
    assert quiz.author_id is not None
    permissions = frozenset({"quiz:view", "quiz:play"})
    viewer = {
        "author": Viewer("creator", permissions | {"quiz:edit-own"}, quiz.author_id),
        "moderator": editor(add_user(session)),
        "guest": guest(),
        "without permission": Viewer("user", permissions, add_user(session).id),
    }[who]
    attempt = start(session, viewer, quiz)
    run_out(session, clock, attempt)
    assert not attempt.ranked
    assert session.scalars(sa.select(QuizStanding.attempt_id)).all() == []
