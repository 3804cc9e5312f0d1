"""Every completed attempt at a quiz with the answers given in it, for a file of any length.

A file is read in pages by the keys of its rows, so that it needs no more memory when it is long,
and so that whoever reads it slowly keeps neither a lock nor a connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.models import AttemptAnswer, QuizAttempt, QuizVersion, User
from respondeo.services import statistics
from respondeo.services.question_figures import listed_questions
from respondeo.services.running import KEPT

AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class File:
    """What the file is about. `until`: what is completed later is not in it.

    questions: their texts, a column each. places: which column a published question is answered
    in. answers: the texts of all answers that there ever were.
    """

    quiz_id: UUID
    author_id: UUID | None
    until: datetime
    questions: tuple[str, ...]
    places: Mapping[UUID, int]
    answers: Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One attempt. `player_name` is None for a guest; `answers`: one for each column."""

    id: UUID
    player_name: str | None
    is_author: bool
    number: int
    correct: int
    total: int
    time_ms: int
    started_at: datetime
    completed_at: datetime
    version: int
    timed_out: bool
    ranked: bool
    answers: tuple[str, ...]


def file_of(session: Session, quiz_id: UUID, author_id: UUID | None) -> File:
    """The file of a quiz as it is now."""
    # The time first: whatever was completed by then is about questions that are read next.
    until = database_time(session)
    questions = listed_questions(session, quiz_id)
    rows = [(place, row) for place, one in enumerate(questions) for row in one.rows]
    return File(
        quiz_id,
        author_id,
        until,
        tuple(question.newest.text for question in questions),
        {row.id: place for place, row in rows},
        {answer.id: answer.text for _, row in rows for answer in row.answers},
    )


def next_lines(session: Session, file: File, after: UUID | None = None) -> Sequence[Line]:
    """The lines after the attempt with this id, in the order in which they were started."""
    wanted = [
        QuizAttempt.quiz_id == file.quiz_id,
        QuizAttempt.completed_at <= file.until,
        KEPT,
    ]
    if after is not None:
        wanted.append(QuizAttempt.id > after)
    attempts = session.execute(
        sa.select(
            QuizAttempt.id,
            User.name.label("player_name"),
            _is_by(file.author_id).label("is_author"),
            QuizAttempt.number,
            QuizAttempt.correct_count.label("correct"),
            QuizAttempt.total_questions.label("total"),
            QuizAttempt.total_time_ms.label("time_ms"),
            QuizAttempt.started_at,
            QuizAttempt.completed_at,
            QuizVersion.number.label("version"),
            QuizAttempt.timed_out,
            QuizAttempt.ranked,
        )
        .join(QuizVersion, QuizVersion.id == QuizAttempt.quiz_version_id)
        .outerjoin(User, User.id == QuizAttempt.user_id)
        .where(*wanted)
        .order_by(QuizAttempt.id)
        .limit(AT_ONCE)
    ).mappings()
    rows = attempts.all()
    answers = _answers(session, file, [row["id"] for row in rows])
    return [Line(**row, answers=tuple(answers[row["id"]])) for row in rows]


def _is_by(author_id: UUID | None) -> sa.ColumnElement[bool]:
    return ~statistics.by_people(author_id)


def _answers(session: Session, file: File, attempt_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """What was answered in each attempt, column by column; "" where nothing was."""
    found = {attempt_id: [""] * len(file.questions) for attempt_id in attempt_ids}
    rows = session.execute(
        sa.select(
            AttemptAnswer.attempt_id, AttemptAnswer.question_id, AttemptAnswer.answer_id
        ).where(AttemptAnswer.attempt_id.in_(attempt_ids), AttemptAnswer.answer_id.is_not(None))
    )
    for attempt_id, question_id, answer_id in rows:
        if answer_id is not None:
            found[attempt_id][file.places[question_id]] = file.answers[answer_id]
    return found
