"""An attempt while it is played: made in one statement, read in two, stepped as plain values.

What players do most must cost least, so nothing here goes through the ORM. `steps` has the rules,
`taking` the use cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from respondeo.domain.access import Viewer
from respondeo.models import AttemptAnswer, QuizAttempt
from respondeo.prepared import Asked, Prepared, Source, expire, new_value

GUEST_ATTEMPTS_KEPT_FOR = sa.text("interval '1 day'")

# For everybody older attempts of guests do not exist; the next ones who start remove them.
KEPT = sa.or_(
    QuizAttempt.user_id.is_not(None),
    QuizAttempt.started_at
    >= sa.select(sa.func.clock_timestamp()).scalar_subquery() - GUEST_ATTEMPTS_KEPT_FOR,
)


@dataclass(slots=True)
class Attempt:
    """The columns of an attempt; see `models.QuizAttempt`."""

    id: UUID
    quiz_id: UUID
    quiz_version_id: UUID
    user_id: UUID | None
    guest_token: bytes | None
    number: int
    time_limit_ms: int | None
    feedback: str
    ranked: bool
    discloses: bool
    started_at: datetime
    shown_at: datetime | None
    feedback_at: datetime | None
    spent_ms: int
    deadline_at: datetime | None
    completed_at: datetime | None
    timed_out: bool
    correct_count: int
    total_questions: int
    total_time_ms: int | None


@dataclass(slots=True)
class Answer:
    """The columns of one question of an attempt; see `models.AttemptAnswer`."""

    question_id: UUID
    display_order: int
    answer_order: list[int]
    shown_at: datetime | None
    answer_id: UUID | None
    is_correct: bool | None
    answered_at: datetime | None
    time_ms: int | None


@dataclass(slots=True)
class Running:
    """An attempt, its questions in the order shown, and the database's time when they were read."""

    attempt: Attempt
    answers: list[Answer]
    now: datetime
    _before: tuple[Attempt, list[Answer]]


ATTEMPT = [getattr(QuizAttempt, field.name) for field in fields(Attempt)]
_ANSWER = [getattr(AttemptAnswer, field.name) for field in fields(Answer)]
_ROW = sa.literal_column("quiz_attempt.xmin::text", sa.Text())

BY_PERSON = QuizAttempt.user_id == sa.bindparam("user_id")
BY_GUEST = sa.and_(QuizAttempt.guest_token == sa.bindparam("guest_token"), KEPT)
_ONE = sa.select(*ATTEMPT, _ROW.label("row")).where(
    QuizAttempt.id == sa.bindparam("attempt_id"), QuizAttempt.quiz_id == sa.bindparam("quiz_id")
)
_LAST = (
    sa.select(*ATTEMPT, _ROW.label("row"))
    .where(QuizAttempt.quiz_id == sa.bindparam("quiz_id"))
    .order_by(QuizAttempt.number.desc())
    .limit(1)
)
_PERSONS_LOCKED, _GUESTS_LOCKED = (
    Prepared(_ONE.where(whose).with_for_update()) for whose in (BY_PERSON, BY_GUEST)
)
_PERSONS, _GUESTS = (Prepared(_ONE.where(whose)) for whose in (BY_PERSON, BY_GUEST))
_PERSONS_LAST, _GUESTS_LAST = (Prepared(_LAST.where(whose)) for whose in (BY_PERSON, BY_GUEST))

# The time is asked after the lock, in the statement that follows it.
_ANSWERS = Prepared(
    sa.select(*_ANSWER, sa.func.clock_timestamp().label("now"), _ROW.label("of_row"))
    .join(QuizAttempt, QuizAttempt.id == AttemptAnswer.attempt_id)
    .where(AttemptAnswer.attempt_id == sa.bindparam("attempt_id"))
    .order_by(AttemptAnswer.display_order)
)


def lock(session: Session, viewer: Viewer, quiz_id: UUID, attempt_id: UUID) -> Running | None:
    """The player's own attempt, locked until the transaction ends; None where they have no such."""
    which = {"attempt_id": attempt_id, "quiz_id": quiz_id}
    return _found(session, viewer, _PERSONS_LOCKED, _GUESTS_LOCKED, which)


def look(source: Source, viewer: Viewer, quiz_id: UUID, attempt_id: UUID) -> Running | None:
    """The player's own attempt; None where they have no such."""
    which = {"attempt_id": attempt_id, "quiz_id": quiz_id}
    return _found(source, viewer, _PERSONS, _GUESTS, which)


def look_at_last(source: Source, viewer: Viewer, quiz_id: UUID) -> Running | None:
    """The player's newest attempt at the quiz: if any is open, it is this one."""
    return _found(source, viewer, _PERSONS_LAST, _GUESTS_LAST, {"quiz_id": quiz_id})


def to_be_asked(quiz_id: UUID, attempt_id: UUID | None = None) -> tuple[Asked, ...]:
    """What `look` asks first of a person, and without an attempt what `look_at_last` does."""
    if attempt_id is None:
        return (_PERSONS_LAST.asked_by("user_id", quiz_id=quiz_id),)
    return (_PERSONS.asked_by("user_id", quiz_id=quiz_id, attempt_id=attempt_id),)


def by_player(
    viewer: Viewer, persons: Prepared, guests: Prepared
) -> tuple[Prepared, dict[str, Any]]:
    """Which of two statements finds what is this player's, and by which values.

    Who is neither a person nor has a guest's token has nothing.
    """
    if viewer.user_id is not None:
        return persons, {"user_id": viewer.user_id}
    return guests, {"guest_token": viewer.guest_token}


def _found(
    source: Source, viewer: Viewer, persons: Prepared, guests: Prepared, which: dict[str, Any]
) -> Running | None:
    statement, whose = by_player(viewer, persons, guests)
    while True:
        row = statement.one_or_none(source, **which, **whose)
        rows = _ANSWERS.all(source, attempt_id=row.id) if row is not None else []
        if row is None or not rows:  # it has just been deleted
            return None
        # Each step writes the attempt: answers of after a step do not belong to the attempt before
        # it, or a question could be read whose clock does not run yet.
        if rows[0].of_row == row.row:
            break
    *columns, _ = row
    before = Attempt(*columns), _answers(rows)
    return Running(Attempt(*columns), _answers(rows), rows[-1].now, before)


def answers_of(source: Source, attempt_id: UUID) -> list[Answer]:
    """The questions of an attempt in the order shown, with what was answered."""
    return _answers(_ANSWERS.all(source, attempt_id=attempt_id))


def _answers(rows: Sequence[Any]) -> list[Answer]:
    return [Answer(*columns) for *columns, _, _ in rows]


def _adding(*columns: InstrumentedAttribute[Any]) -> Prepared:
    """Inserts an attempt and its questions in their order.

    columns: what comes with each question. Without any the first is shown, and none is answered.
    """
    new = {name.key: new_value(name) for name in ATTEMPT}
    made = (
        insert(QuizAttempt)
        .values(new)
        .on_conflict_do_nothing()
        .returning(QuizAttempt.id)
        .cte("made")
    )
    # The orders of answers are of different lengths, so they come as text, each an array.
    unnested = sa.func.unnest(
        sa.bindparam("questions", type_=ARRAY(sa.Uuid())),
        sa.bindparam("answer_orders", type_=ARRAY(sa.Text())),
        *(sa.bindparam(f"all_{column.key}", type_=ARRAY(column.type)) for column in columns),
    ).table_valued(
        "question_id",
        "answer_order",
        *(sa.column(column.key, column.type) for column in columns),
        with_ordinality="place",
    )
    order = unnested.render_derived(name="laid_out")
    rows = {
        "attempt_id": made.c.id,
        "question_id": order.c.question_id,
        "display_order": order.c.place - 1,
        "answer_order": sa.cast(order.c.answer_order, AttemptAnswer.answer_order.type),
    }
    if columns:
        rows |= {column.key: order.c[column.key] for column in columns}
    else:
        rows["shown_at"] = sa.case((order.c.place == 1, new["shown_at"]))
    return Prepared(
        insert(AttemptAnswer)
        .from_select(list(rows), sa.select(*rows.values()).join_from(made, order, sa.true()))
        .returning(AttemptAnswer.display_order)
    )


_STEPPED = (
    "shown_at", "feedback_at", "spent_ms", "deadline_at", "completed_at", "timed_out",
    "correct_count", "total_time_ms",
)  # fmt: skip
_ANSWERED = ("shown_at", "answer_id", "is_correct", "answered_at", "time_ms")

_ADD = _adding()
_ADD_PLAYED = _adding(*(getattr(AttemptAnswer, name) for name in _ANSWERED))


def add(session: Session, attempt: Attempt, order: Sequence[tuple[UUID, list[int]]]) -> bool:
    """Write a new attempt; False where the player has just got one that it would meet.

    order: its questions, each with the order of its answers.
    """
    return bool(_ADD.all(session, **_added(attempt, order)))


def add_played(session: Session, attempt: Attempt, answers: Sequence[Answer]) -> bool:
    """Write an attempt that is over already, as `add` does; `answers` in their order."""
    order = [(answer.question_id, answer.answer_order) for answer in answers]
    given = {f"all_{name}": [getattr(answer, name) for answer in answers] for name in _ANSWERED}
    return bool(_ADD_PLAYED.all(session, **_added(attempt, order), **given))


def _added(attempt: Attempt, order: Sequence[tuple[UUID, list[int]]]) -> dict[str, Any]:
    return {
        "questions": [question_id for question_id, _ in order],
        "answer_orders": [f"{{{','.join(map(str, positions))}}}" for _, positions in order],
        **_new(attempt, [column.key for column in ATTEMPT]),
    }


@cache
def _saving(answers: int) -> Prepared:
    """Writes the attempt and so many of its answers, in one round trip; a step changes two."""
    saved = (
        sa.update(QuizAttempt)
        .where(QuizAttempt.id == sa.bindparam("of_attempt"))
        .values({name: new_value(getattr(QuizAttempt, name)) for name in _STEPPED})
        .returning(QuizAttempt.id)
    )
    for place in range(answers):
        answer = (
            sa.update(AttemptAnswer)
            .where(
                AttemptAnswer.attempt_id == sa.bindparam("of_attempt"),
                AttemptAnswer.question_id == sa.bindparam(f"question_{place}"),
            )
            .values(
                {
                    name: sa.bindparam(f"{name}_{place}", type_=getattr(AttemptAnswer, name).type)
                    for name in _ANSWERED
                }
            )
        )
        saved = saved.add_cte(answer.cte(f"answer_{place}"))
    return Prepared(saved)


def save(session: Session, running: Running) -> None:
    """Write what its steps have changed of a locked attempt: its answers never without itself."""
    attempt, (before, answers_before) = running.attempt, running._before
    pairs = zip(running.answers, answers_before, strict=True)
    changed = [answer for answer, known in pairs if answer != known]
    if changed or attempt != before:
        _saving(len(changed)).one(
            session,
            of_attempt=attempt.id,
            **_new(attempt, _STEPPED),
            **{f"question_{place}": answer.question_id for place, answer in enumerate(changed)},
            **{
                f"{name}_{place}": getattr(answer, name)
                for place, answer in enumerate(changed)
                for name in _ANSWERED
            },
        )
        expire(session, QuizAttempt, attempt.id)
    for answer in changed:
        expire(session, AttemptAnswer, (attempt.id, answer.question_id))
    running._before = replace(attempt), [replace(answer) for answer in running.answers]


def _new(changed: Attempt | Answer, names: Sequence[str]) -> dict[str, Any]:
    return {f"new_{name}": getattr(changed, name) for name in names}
