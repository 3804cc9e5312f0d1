"""What came of a quiz: which attempts count, and what each question's figures are made of."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.document import Document, Question
from respondeo.models import Answer, Quiz, QuizAttempt, User
from respondeo.services import attempts_file, authoring, question_figures, statistics, taking
from respondeo.services.attempts_file import Line
from respondeo.services.question_figures import QuestionFigures, WordingFigures
from respondeo.services.statistics import Figures
from tests.conftest import Clock
from tests.factories import add_user, document, editor, guest, player, published_quiz, question
from tests.services.plays import answer, commit, current, finish, play, start


def figures(session: Session, quiz: Quiz, version: int | None = None) -> Figures:
    """The figures as the page shows them."""
    taking.complete_overdue(session, quiz.id)
    session.flush()
    played = statistics.played_versions(session, quiz.id, quiz.author_id)
    chosen = [one for one in played if version in (None, one.number)]
    version_id = chosen[0].id if version else None
    which = statistics.counted(quiz.id, quiz.author_id, version_id)
    return statistics.figures(session, which, chosen)


def questions(
    session: Session, quiz: Quiz, version_id: UUID | None = None
) -> tuple[QuestionFigures, ...]:
    """The questions as the page shows them."""
    session.flush()
    which = statistics.counted(quiz.id, quiz.author_id, version_id)
    return question_figures.question_figures(session, quiz.id, which, version_id)


def chosen(wording: WordingFigures) -> dict[str, int]:
    return {answer.text: answer.chosen for answer in wording.answers}


def republish(session: Session, quiz: Quiz, changed: Document) -> UUID:
    authoring.save_draft(session, editor(), quiz.id, changed)
    version = authoring.publish(session, editor(), quiz.id)
    session.flush()
    return version.id


def with_questions(old: Document, *new: Question) -> Document:
    return old.model_copy(update={"questions": new})


def by_somebody(session: Session, quiz: Quiz, answers: Sequence[bool] = ()) -> QuizAttempt:
    return play(session, player(add_user(session)), quiz, answers)


# -- which attempts count --------------------------------------------------------------------------


def test_a_quiz_that_nobody_played_has_no_figures(session: Session) -> None:
    quiz = published_quiz(session, questions=2)
    found = figures(session, quiz)
    assert (found.summary.completed, found.summary.median_score) == (0, None)
    assert (found.scores, found.times) == ((), ())
    assert [one.now.reached for one in questions(session, quiz)] == [0, 0]


def test_people_and_guests_count_and_the_author_does_not(session: Session) -> None:
    quiz = published_quiz(session, questions=2, max_attempts=5)
    ada = player(add_user(session, "Ada"))
    play(session, ada, quiz, [True, False])
    play(session, ada, quiz, [True, True])
    play(session, guest(), quiz, [False, False])
    play(session, editor(session.get_one(User, quiz.author_id)), quiz)
    start(session, player(add_user(session)), quiz)
    summary = figures(session, quiz).summary
    assert (summary.completed, summary.people, summary.guests) == (3, 1, 1)
    assert (summary.open, summary.own) == (1, 1)
    assert (summary.median_score, summary.total) == (1, 2)
    first, second = questions(session, quiz)
    assert (first.now.reached, first.now.right, second.now.right) == (3, 2, 1)


def test_a_quiz_without_an_author_counts_everybody(session: Session) -> None:
    quiz = published_quiz(session, questions=1)
    play(session, guest(), quiz)
    by_somebody(session, quiz)
    quiz.author_id = None
    assert figures(session, quiz).summary.completed == 2
    file = attempts_file.file_of(session, quiz.id, None)
    assert [line.is_author for line in attempts_file.next_lines(session, file)] == [False, False]


def test_an_attempt_past_its_deadline_counts_at_the_next_read(
    session: Session, clock: Clock
) -> None:
    quiz = published_quiz(session, questions=3, time_limit_seconds=60)
    who = player(add_user(session))
    attempt = start(session, who, quiz)
    clock.advance(seconds=10)
    answer(session, who, attempt)
    assert figures(session, quiz).summary.open == 1
    clock.advance(seconds=200)
    found = figures(session, quiz).summary
    assert (found.completed, found.timed_out, found.open) == (1, 1, 0)
    assert (found.median_time_ms, found.median_score) == (60_000, 1)
    first, second, third = (one.now for one in questions(session, quiz))
    assert (first.reached, first.right, first.median_ms) == (1, 1, 10_000)
    assert (second.reached, third.reached) == (0, 0)


def test_a_question_that_was_seen_and_not_answered_is_not_right(
    session: Session, clock: Clock
) -> None:
    quiz = published_quiz(session, questions=2, time_limit_seconds=60, feedback="end")
    for right in (True, False):
        who = player(add_user(session))
        answer(session, who, start(session, who, quiz), right=right)
    by_somebody(session, quiz)
    clock.advance(seconds=200)
    figures(session, quiz)
    first, second = (one.now for one in questions(session, quiz))
    assert (first.reached, first.right, first.unanswered, first.percent_right) == (3, 2, 0, 67)
    assert (second.reached, second.right, second.unanswered) == (3, 1, 2)
    assert (second.percent_right, second.percent_unanswered) == (33, 67)
    assert chosen(second) == {
        "Answer A of 2": 1, "Answer B of 2": 0, "Answer C of 2": 0, "Answer D of 2": 0,
    }  # fmt: skip


def test_guests_of_yesterday_are_gone(session: Session, clock: Clock) -> None:
    quiz = published_quiz(session, questions=1)
    play(session, guest(), quiz)
    assert figures(session, quiz).summary.completed == 1
    clock.advance(days=1, seconds=1)
    assert figures(session, quiz).summary.completed == 0
    assert questions(session, quiz)[0].now.reached == 0
    file = attempts_file.file_of(session, quiz.id, quiz.author_id)
    assert attempts_file.next_lines(session, file) == []


def test_times_are_the_players(session: Session, clock: Clock) -> None:
    quiz = published_quiz(session, questions=1, feedback="end")
    for seconds in (4, 8, 20):
        who = player(add_user(session))
        attempt = start(session, who, quiz)
        clock.advance(seconds=seconds)
        answer(session, who, attempt)
    found = figures(session, quiz)
    assert found.summary.median_time_ms == 8_000
    assert sum(bar.count for bar in found.times) == 3
    assert questions(session, quiz)[0].now.median_ms == 8_000


# -- over versions ---------------------------------------------------------------------------------


def test_an_unchanged_question_keeps_its_figures_over_versions(session: Session) -> None:
    doc = document(2)
    quiz = published_quiz(session, doc)
    by_somebody(session, quiz, [True, False])
    republish(session, quiz, doc.model_copy(update={"title": "Another title"}))
    by_somebody(session, quiz, [True, True])
    first, second = questions(session, quiz)
    assert (first.now.reached, first.now.right, second.now.right) == (2, 2, 1)
    assert (first.earlier, first.changed_in) == ((), None)


def test_another_explanation_or_order_of_answers_keeps_the_figures(session: Session) -> None:
    doc = document(1)
    quiz = published_quiz(session, doc)
    by_somebody(session, quiz, [True])
    (one,) = doc.questions
    turned = one.model_copy(update={"explanation": "Because.", "answers": one.answers[::-1]})
    republish(session, quiz, with_questions(doc, turned))
    by_somebody(session, quiz, [True])
    (found,) = questions(session, quiz)
    assert (found.now.reached, found.now.right, found.changed_in) == (2, 2, None)
    assert list(chosen(found.now).items())[-1] == ("Answer A of 1", 2)


def test_answers_to_an_earlier_wording_are_counted_apart(session: Session) -> None:
    doc = document(1, max_attempts=9)
    quiz = published_quiz(session, doc)
    by_somebody(session, quiz, [False])
    by_somebody(session, quiz, [True])
    (one,) = doc.questions
    other = [a.model_copy(update={"is_correct": not a.is_correct}) for a in one.answers]
    reworded = one.model_copy(update={"text": "In other words?", "answers": tuple(other)})
    republish(session, quiz, doc.model_copy(update={"title": "Between"}))
    republish(session, quiz, with_questions(doc, reworded))
    by_somebody(session, quiz, [True])
    (found,) = questions(session, quiz)
    assert (found.now.text, found.now.reached, found.now.right) == ("In other words?", 1, 1)
    assert chosen(found.now)["Answer B of 1"] == 1
    (before,) = found.earlier
    assert (before.text, before.reached, before.right) == ("Question 1?", 2, 1)
    assert chosen(before)["Answer A of 1"] == chosen(before)["Answer B of 1"] == 1
    assert before.versions == (1, 2)
    assert (found.changed_in, found.answered_before) == (3, 2)
    assert (found.all_reached, found.all_right, found.all_percent_right) == (3, 2, 67)


def test_questions_come_in_the_present_order_and_those_that_are_gone_last(
    session: Session,
) -> None:
    doc = document(3)
    quiz = published_quiz(session, doc)
    by_somebody(session, quiz)
    first, second, third = doc.questions
    never = question(9)
    republish(session, quiz, with_questions(doc, third, never, first))
    republish(session, quiz, with_questions(doc, third, first))
    found = questions(session, quiz)
    assert [one.now.text for one in found] == ["Question 3?", "Question 1?", "Question 2?"]
    assert [one.place for one in found] == [0, 1, None]
    assert second.text == found[2].now.text


def test_one_version_shows_its_questions_as_it_had_them(session: Session) -> None:
    doc = document(2)
    quiz = published_quiz(session, doc)
    first = quiz.current_version_id
    by_somebody(session, quiz, [False, True])
    one, two = doc.questions
    republish(session, quiz, with_questions(doc, two, one.model_copy(update={"text": "New?"})))
    by_somebody(session, quiz)
    found = questions(session, quiz, first)
    assert [(q.now.text, q.now.reached, q.now.right) for q in found] == [
        ("Question 1?", 1, 0),
        ("Question 2?", 1, 1),
    ]
    assert [q.earlier for q in found] == [(), ()]
    assert figures(session, quiz, 1).summary.completed == 1
    assert figures(session, quiz).summary.completed == 2


def test_scores_of_versions_of_different_lengths_are_told_in_per_cent(session: Session) -> None:
    doc = document(1)
    quiz = published_quiz(session, doc)
    by_somebody(session, quiz)
    republish(session, quiz, with_questions(doc, *doc.questions, question(2)))
    by_somebody(session, quiz, [True, False])
    found = figures(session, quiz)
    assert (found.summary.total, found.summary.median_score, found.exact_scores) == (
        None,
        75,
        False,
    )


# -- the file --------------------------------------------------------------------------------------


def lines(session: Session, quiz: Quiz) -> list[Line]:
    session.flush()
    file = attempts_file.file_of(session, quiz.id, quiz.author_id)
    found: list[Line] = []
    while page := attempts_file.next_lines(session, file, found[-1].id if found else None):
        found += page
    return found


def test_the_file_has_each_completed_attempt_once_however_many_pages_it_takes(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiz = published_quiz(session, questions=1, max_attempts=9)
    made = [by_somebody(session, quiz).id for _ in range(5)]
    start(session, player(add_user(session)), quiz)
    for at_once in (1, 2, 5, 100):
        monkeypatch.setattr(attempts_file, "AT_ONCE", at_once)
        assert [line.id for line in lines(session, quiz)] == made


def test_the_file_tells_what_was_answered_in_the_words_of_its_time(session: Session) -> None:
    doc = document(2)
    quiz = published_quiz(session, doc)
    by_somebody(session, quiz, [True, False])
    one, two = doc.questions
    answers = (one.answers[0].model_copy(update={"text": "Now so"}), *one.answers[1:])
    republish(
        session, quiz, with_questions(doc, question(3), one.model_copy(update={"answers": answers}))
    )
    by_somebody(session, quiz)
    file = attempts_file.file_of(session, quiz.id, quiz.author_id)
    assert file.questions == ("Question 3?", "Question 1?", "Question 2?")
    assert [line.answers for line in lines(session, quiz)] == [
        ("", "Answer A of 1", "Answer B of 2"),
        ("Answer A of 3", "Now so", ""),
    ]
    assert [line.version for line in lines(session, quiz)] == [1, 2]
    assert two.text == "Question 2?"


def test_what_is_completed_or_published_after_the_file_was_begun_is_not_in_it(
    session: Session, clock: Clock
) -> None:
    doc = document(1)
    quiz = published_quiz(session, doc)
    who = player(add_user(session))
    attempt = start(session, who, quiz)
    session.flush()
    file = attempts_file.file_of(session, quiz.id, quiz.author_id)
    clock.advance(seconds=1)
    finish(session, who, attempt)
    republish(session, quiz, with_questions(doc, question(7)))
    by_somebody(session, quiz)
    assert attempts_file.next_lines(session, file) == []
    assert len(lines(session, quiz)) == 2


def test_figures_agree_with_the_stored_answers(session: Session, clock: Clock) -> None:
    quiz = published_quiz(session, questions=3, max_attempts=9, time_limit_seconds=600)
    for number in range(6):
        who = player(add_user(session))
        attempt = start(session, who, quiz)
        for _ in range(3 if number else 1):
            taking.show_next(session, who, quiz.id, attempt.id)
            question_id = current(session, attempt)
            options = sa.select(Answer.id).where(Answer.question_id == question_id)
            picked = session.scalars(options.order_by(Answer.position)).all()[number % 4]
            commit(session, who, attempt, question_id, picked)
    clock.advance(seconds=1000)
    found = figures(session, quiz)
    told = questions(session, quiz)
    stored = session.scalars(sa.select(QuizAttempt).where(QuizAttempt.quiz_id == quiz.id)).all()
    assert sum(one.now.right for one in told) == sum(one.correct_count for one in stored)
    assert sum(bar.low * bar.count for bar in found.scores) == sum(a.correct_count for a in stored)
    assert [sum(chosen(one.now).values()) for one in told] == [6, 5, 5]
