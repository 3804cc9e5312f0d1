"""An attempt that comes whole: played elsewhere, graded here, on no board.

Its time is the client's word, so it never ranks. It counts against the maximum like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from respondeo.domain.access import Viewer
from respondeo.domain.errors import AttemptOpen, NotOfThisQuiz
from respondeo.domain.grading import GRADERS
from respondeo.models import QuizVersion
from respondeo.services import content, running, standings, starting
from respondeo.services.running import Answer, Attempt

MEANWHILE = (
    "Another attempt at this quiz was made at the same moment."
    " Read which there are before you send this one again."
)


@dataclass(frozen=True, slots=True)
class Given:
    """An answer of the attempt: `answer_id` None where there is none, `place` from 0."""

    question_id: UUID
    answer_id: UUID | None
    place: int


def submit_attempt(
    session: Session,
    viewer: Viewer,
    quiz_id: UUID,
    given: Sequence[Given],
    *,
    total_time_ms: int,
    timed_out: bool,
) -> Attempt:
    """Record a whole attempt at the current version. Never more time than the limit.

    Raises NotFound, NotAllowed, NoAttemptsLeft, AttemptOpen, NotOfThisQuiz.
    """
    quiz = starting.locked_quiz(session, quiz_id)
    state = starting.settled_state(session, viewer, quiz_id)
    last, now = state.last, state.now
    if last is not None and last.completed_at is None:
        raise AttemptOpen
    number = 1 if last is None else last.number + 1
    version = starting.version_to_start(session, viewer, quiz, number, now)
    limit = version.time_limit_ms
    total = total_time_ms if limit is None else min(total_time_ms, limit)
    answers = _graded(session, version, given, now, total)
    attempt = Attempt(
        **starting.started_under(viewer, version, number, now),
        ranked=False,
        shown_at=None,
        feedback_at=None,
        spent_ms=total,
        deadline_at=None,
        completed_at=now,
        timed_out=timed_out,
        correct_count=sum(bool(answer.is_correct) for answer in answers),
        total_time_ms=total,
    )
    if not running.add_played(session, attempt, answers):
        # A parallel request was faster, and this one may be the same again.
        raise AttemptOpen(MEANWHILE)
    standings.record_results(session, [attempt])
    return attempt


def _graded(
    session: Session, version: QuizVersion, given: Sequence[Given], now: datetime, total_ms: int
) -> list[Answer]:
    """An answer for each question of the version: those given in their order, then the others."""
    questions = content.questions_for_players(session, version.id)
    keys = content.answer_keys(session, version.id)
    named = {one.question_id: one for one in given}
    if len(named) < len(given):
        raise NotOfThisQuiz("One question is answered twice. Name each once.")
    if stranger := next((one for one in named if one not in questions), None):
        raise NotOfThisQuiz(f"{stranger} is not a question of this quiz as it is published.")
    ordered = sorted(given, key=lambda one: one.place)
    places = [one.question_id for one in ordered]
    places += [question_id for question_id in questions if question_id not in named]
    answered = sum(one.answer_id is not None for one in given)
    answers = []
    for place, question_id in enumerate(places):
        question, one = questions[question_id], named.get(question_id)
        answer_id = one.answer_id if one else None
        if answer_id is not None and all(option.id != answer_id for option in question.answers):
            raise NotOfThisQuiz(f"{answer_id} is not an answer of question {question_id}.")
        right = keys[question_id].right_ids
        grader = GRADERS[question.kind]
        answers.append(
            Answer(
                question_id=question_id,
                display_order=place,
                answer_order=list(range(len(question.answers))),
                shown_at=now if one else None,
                answer_id=answer_id,
                is_correct=grader.is_correct(answer_id, right) if answer_id else None,
                answered_at=now if answer_id else None,
                time_ms=total_ms // answered if answer_id else None,
            )
        )
    return answers
