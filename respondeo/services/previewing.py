"""A draft played as a player would play it for the first time, with nothing recorded.

The attempt and its answers are never added to a session: between two steps they are nowhere but
in the page, as a `State`. That says no right answer; what was answered is graded anew each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random, SystemRandom
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain import timing
from respondeo.domain.access import Viewer, attempt_discloses
from respondeo.domain.completeness import complete
from respondeo.domain.document import Document, Reveal
from respondeo.domain.draft import Draft
from respondeo.domain.errors import CannotGoOn, Invalid, Problem
from respondeo.domain.grading import GRADERS
from respondeo.models import AttemptAnswer, QuizAttempt, QuizDraft
from respondeo.services import authoring, playing, results, steps
from respondeo.services.content import Key, Option, PlayedQuestion
from respondeo.services.playing import Material, Play
from respondeo.services.results import ReviewedQuestion

LASTS = timedelta(days=1)  # from its last step
NO_ATTEMPT = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Subject:
    """The draft that is to be played: its document, or what is missing for one."""

    quiz_id: UUID
    draft: Draft
    revision: int
    document: Document | None
    problems: tuple[Problem, ...]
    now: datetime


class State(BaseModel):
    """Where a preview stands between two steps. Times in ms.

    seed: gives the order of the questions and of their answers. answers: to the first questions,
    in that order, the place of the answer as its author wrote them and how long it took.
    reached: how many questions were shown. ended: timed out or not, when, its time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    revision: int
    seed: int
    answers: tuple[tuple[int, int], ...]
    reached: int
    spent_ms: int
    shown_at: datetime | None
    feedback_at: datetime | None
    deadline_at: datetime | None
    ended: tuple[bool, datetime, int] | None
    stepped_at: datetime


@dataclass(frozen=True, slots=True)
class PreviewResult:
    """The score, and the review that a player would get. Times in ms."""

    quiz_title: str
    language: str
    correct: int
    total: int
    percent: int
    total_time_ms: int
    limit_ms: int | None
    timed_out: bool
    answered_count: int
    disclosed: bool
    review: tuple[ReviewedQuestion, ...]


@dataclass(slots=True)
class Preview:
    """A play of a draft. The attempt and its rows belong to no session."""

    subject: Subject
    document: Document
    seed: int
    attempt: QuizAttempt
    rows: list[AttemptAnswer]
    questions: Mapping[UUID, PlayedQuestion]
    keys: Mapping[UUID, Key]

    @property
    def is_over(self) -> bool:
        """Whether there is a result."""
        return self.attempt.completed_at is not None


def subject(session: Session, viewer: Viewer, quiz_id: UUID) -> Subject:
    """The draft, for somebody who may edit it. Raises NotFound, SignInRequired, NotAllowed."""
    quiz = authoring.editable(session, viewer, quiz_id)
    stored = session.get_one(QuizDraft, quiz.id)
    draft = Draft.model_validate(stored.document)
    now = database_time(session)
    try:
        return Subject(quiz_id, draft, stored.revision, complete(draft), (), now)
    except Invalid as invalid:
        return Subject(quiz_id, draft, stored.revision, None, invalid.problems, now)


def begun(viewer: Viewer, subject: Subject) -> Preview:
    """A new preview at its first question, the clock running. Raises CannotGoOn."""
    preview = _made(viewer, subject, SystemRandom().getrandbits(48))
    preview.attempt.shown_at = preview.rows[0].shown_at = subject.now
    preview.attempt.deadline_at = steps.clock_of(preview.attempt).deadline(subject.now)
    return preview


def continued(viewer: Viewer, subject: Subject, sent: Mapping[str, Any]) -> Preview:
    """The preview that stands there; one that is overdue is over. Raises CannotGoOn."""
    try:
        state = State.model_validate(sent)
    except ValidationError:  # an earlier release may have signed another shape
        raise CannotGoOn from None
    if state.revision != subject.revision:
        raise CannotGoOn("The draft has changed since this preview began.")
    if state.stepped_at < subject.now - LASTS:
        raise CannotGoOn
    preview = _made(viewer, subject, state.seed)
    _restore(preview, state)
    deadline = preview.attempt.deadline_at
    if deadline is not None and timing.overdue(deadline, subject.now):
        steps.end(preview.attempt, subject.now)
    return preview


def _made(viewer: Viewer, subject: Subject, seed: int) -> Preview:
    document = subject.document
    if document is None:
        raise CannotGoOn("Something is missing in the draft, so that it cannot be played.")
    questions = {
        question.uid: PlayedQuestion(
            question.uid,
            question.kind,
            question.text,
            question.image_url,
            question.image_alt,
            tuple(Option(answer.uid, answer.text) for answer in question.answers),
        )
        for question in document.questions
    }
    order = steps.laid_out(
        questions.values(),
        Random(seed),  # noqa: S311 - an order, not a secret
        questions_too=document.randomize_questions,
        answers_too=document.randomize_answers,
    )
    return Preview(
        subject=subject,
        document=document,
        seed=seed,
        attempt=_attempt(viewer, subject.quiz_id, document),
        rows=[
            AttemptAnswer(question_id=question_id, display_order=place, answer_order=positions)
            for place, (question_id, positions) in enumerate(order)
        ],
        questions=questions,
        keys={
            question.uid: Key(
                frozenset(answer.uid for answer in question.answers if answer.is_correct),
                question.explanation,
            )
            for question in document.questions
        },
    )


def _attempt(viewer: Viewer, quiz_id: UUID, document: Document) -> QuizAttempt:
    """What starting the quiz would make: a player's first attempt."""
    return QuizAttempt(
        id=NO_ATTEMPT,
        quiz_id=quiz_id,
        time_limit_ms=document.time_limit_seconds * 1000 or None,
        feedback=document.feedback,
        discloses=attempt_discloses(
            viewer,
            always=document.reveal == Reveal.ALWAYS,
            number=1,
            max_attempts=document.max_attempts,
        ),
        spent_ms=0,
        correct_count=0,
        total_questions=len(document.questions),
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """What a player would read before starting."""

    id: UUID
    title: str
    description: str
    hero_image_url: str | None
    language: str
    difficulty: str
    question_count: int
    max_attempts: int | None
    time_limit_seconds: int
    randomize_questions: bool
    feedback: str


def facts(subject: Subject) -> Facts | None:
    """What a player would read before starting; None where something is missing."""
    document = subject.document
    if document is None:
        return None
    return Facts(
        id=subject.quiz_id,
        title=document.title,
        description=document.description,
        hero_image_url=document.hero_image_url,
        language=document.language,
        difficulty=document.difficulty,
        question_count=len(document.questions),
        max_attempts=document.max_attempts,
        time_limit_seconds=document.time_limit_seconds,
        randomize_questions=document.randomize_questions,
        feedback=document.feedback,
    )


# -- between two steps -----------------------------------------------------------------------------


def state_of(preview: Preview) -> dict[str, Any]:
    """What has to be sent along with the next step."""
    attempt = preview.attempt
    ended = None
    if attempt.completed_at is not None:
        ended = (bool(attempt.timed_out), attempt.completed_at, attempt.total_time_ms or 0)
    state = State(
        revision=preview.subject.revision,
        seed=preview.seed,
        answers=tuple(
            (_place(preview.questions[row.question_id], row.answer_id), row.time_ms or 0)
            for row in preview.rows
            if row.answered_at is not None
        ),
        reached=sum(row.shown_at is not None for row in preview.rows),
        spent_ms=attempt.spent_ms,
        shown_at=attempt.shown_at,
        feedback_at=attempt.feedback_at,
        deadline_at=attempt.deadline_at,
        ended=ended,
        stepped_at=preview.subject.now,
    )
    return state.model_dump(mode="json")


def _place(question: PlayedQuestion, answer_id: UUID | None) -> int:
    return [option.id for option in question.answers].index(answer_id or NO_ATTEMPT)


def _restore(preview: Preview, state: State) -> None:
    attempt, at = preview.attempt, state.stepped_at
    for row in preview.rows[: state.reached]:
        row.shown_at = at
    for row, (place, time_ms) in zip(preview.rows, state.answers, strict=False):
        question = preview.questions[row.question_id]
        row.answer_id = question.answers[place].id
        right_ids = preview.keys[question.id].right_ids
        row.is_correct = GRADERS[question.kind].is_correct(row.answer_id, right_ids)
        row.answered_at, row.time_ms = at, time_ms
        attempt.correct_count += row.is_correct
    attempt.spent_ms = state.spent_ms
    attempt.shown_at, attempt.feedback_at = state.shown_at, state.feedback_at
    attempt.deadline_at = state.deadline_at
    if state.ended is not None:
        attempt.timed_out, attempt.completed_at, attempt.total_time_ms = state.ended


# -- steps -----------------------------------------------------------------------------------------


def take_answer(preview: Preview, question_id: UUID, answer_id: UUID) -> None:
    """Take the answer to the current question; to any other nothing happens.

    Raises Invalid (no such answer).
    """
    attempt, now = preview.attempt, preview.subject.now
    row = steps.current(preview.rows)
    if row is None or attempt.shown_at is None or row.question_id != question_id:
        return
    question, key = preview.questions[question_id], preview.keys[question_id]
    if steps.take_answer(attempt, preview.rows, question, key, answer_id, now):
        steps.end(attempt, now)


def leave_feedback(preview: Preview, question_id: UUID | None) -> None:
    """Show the next question; where the preview is not at a feedback nothing happens."""
    if preview.attempt.feedback_at is not None:
        steps.leave_feedback(preview.attempt, preview.rows, question_id, preview.subject.now)


# -- what is seen ----------------------------------------------------------------------------------


def standing(preview: Preview, answered: UUID | None = None) -> Play:
    """What a player would see; `answered`: a question whose feedback is asked for."""
    attempt, rows = preview.attempt, preview.rows
    keys = preview.keys if attempt.discloses else {}
    document = preview.document
    material = Material(document.title, document.language, preview.questions, keys)
    row = playing.row_to_show(attempt, rows, answered)
    return playing.standing(attempt, rows, material, row, preview.subject.now)


def result(preview: Preview) -> PreviewResult:
    """What a player would see at the end."""
    attempt, rows, document = preview.attempt, preview.rows, preview.document
    return PreviewResult(
        quiz_title=document.title,
        language=document.language,
        correct=attempt.correct_count,
        total=attempt.total_questions,
        percent=round(100 * attempt.correct_count / attempt.total_questions),
        total_time_ms=attempt.total_time_ms or 0,
        limit_ms=attempt.time_limit_ms,
        timed_out=bool(attempt.timed_out),
        answered_count=sum(row.answered_at is not None for row in rows),
        disclosed=attempt.discloses,
        review=results.reviewed(rows, preview.questions, preview.keys if attempt.discloses else {}),
    )
