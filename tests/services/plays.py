"""Playing in tests: what a player does, and what the tables say about it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.access import Viewer
from respondeo.models import Answer, AttemptAnswer, Question, Quiz, QuizAttempt
from respondeo.services import playing, results, starting, taking
from respondeo.services.running import Running


def rows_of(session: Session, attempt: QuizAttempt) -> list[AttemptAnswer]:
    """The questions of an attempt in the order shown, as they are stored now."""
    session.flush()
    return list(
        session.scalars(
            sa.select(AttemptAnswer)
            .where(AttemptAnswer.attempt_id == attempt.id)
            .order_by(AttemptAnswer.display_order)
            .execution_options(populate_existing=True)
        )
    )


def texts(session: Session, attempt: QuizAttempt) -> list[str]:
    """The texts of an attempt's questions in the order shown."""
    known = {row.id: row.text for row in session.execute(sa.select(Question.id, Question.text))}
    return [known[row.question_id] for row in rows_of(session, attempt)]


def option(session: Session, question_id: UUID, *, right: bool) -> UUID:
    """An answer of the question that is right, or one that is wrong."""
    options = sa.select(Answer.id).where(Answer.question_id == question_id)
    found = session.scalar(
        options.where(Answer.is_correct.is_(right)).order_by(Answer.position).limit(1)
    )
    assert found is not None
    return found


def current(session: Session, attempt: QuizAttempt) -> UUID:
    """The first question that has no answer yet."""
    return next(r.question_id for r in rows_of(session, attempt) if r.answered_at is None)


def answer(
    session: Session, viewer: Viewer, attempt: QuizAttempt, *, right: bool = True
) -> AttemptAnswer:
    """Go on from a feedback, then answer the current question."""
    go_on(session, viewer, attempt)
    question_id = current(session, attempt)
    chosen = option(session, question_id, right=right)
    return commit(session, viewer, attempt, question_id, chosen)


def commit(
    session: Session, viewer: Viewer, attempt: QuizAttempt, question_id: UUID, chosen: UUID
) -> AttemptAnswer:
    """Commit one answer."""
    taking.commit_answer(session, viewer, attempt.quiz_id, attempt.id, question_id, chosen)
    return next(row for row in rows_of(session, attempt) if row.question_id == question_id)


def go_on(session: Session, viewer: Viewer, attempt: QuizAttempt) -> QuizAttempt:
    """Press Next; harmless where there is no feedback."""
    taking.show_next(session, viewer, attempt.quiz_id, attempt.id)
    session.flush()
    return attempt


def start(session: Session, viewer: Viewer, quiz: Quiz, rng: Random | None = None) -> QuizAttempt:
    """Start or resume."""
    attempt = starting.start_attempt(session, viewer, quiz.id, rng=rng)
    return session.get_one(QuizAttempt, attempt.id)


def finish(
    session: Session, viewer: Viewer, attempt: QuizAttempt, answers: Sequence[bool] = ()
) -> QuizAttempt:
    """Answer all that is open: right or wrong as told, then right."""
    told = iter(answers)
    while attempt.completed_at is None:
        answer(session, viewer, attempt, right=next(told, True))
    return attempt


def play(session: Session, viewer: Viewer, quiz: Quiz, answers: Sequence[bool] = ()) -> QuizAttempt:
    """Start and finish an attempt."""
    return finish(session, viewer, start(session, viewer, quiz), answers)


def result_of(session: Session, viewer: Viewer, attempt: QuizAttempt) -> results.Result:
    """What the result page would show."""
    shown = results.attempt_to_show(session, viewer, attempt.quiz_id, attempt.id)
    return results.result(session, viewer, shown)


def standing_now(session: Session, attempt: QuizAttempt) -> playing.Play:
    """What the play page would show."""
    return playing.play(session, stand(session, attempt))


def stand(session: Session, attempt: QuizAttempt) -> Running:
    """Where the attempt stands for who plays it; an overdue one is completed."""
    player = Viewer("user", frozenset(), attempt.user_id, attempt.guest_token)
    found = taking.stands(session, player, attempt.quiz_id, attempt.id)
    assert found is not None
    return found
