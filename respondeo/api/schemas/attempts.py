"""Attempts: as they are told, and what is sent of them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from respondeo.api.schemas.lists import Window
from respondeo.api.schemas.parts import Moment, Sent, SentId, Told, User
from respondeo.domain.document import MOST_QUESTIONS


class Attempt(Told):
    """One player's run through one version of a quiz. Times in milliseconds."""

    id: UUID
    quiz_id: UUID
    user_id: UUID | None
    status: str = Field(json_schema_extra={"enum": ["question", "feedback", "over"]})
    correct_count: int | None = Field(description="null while no score is told.")
    total_questions: int
    total_time_ms: int | None = Field(description="null until it is over.")
    remaining_ms: int | None = Field(description="null without a limit, and when it is over.")
    timed_out: bool
    started_at: Moment
    completed_at: Moment | None
    ranked: bool


class ListedAttempt(Attempt):
    """An attempt in a list."""

    user: User | None = Field(description="null: a guest.")


class PlayedAnswer(Told):
    """An answer as a player sees it."""

    id: UUID
    text: str


class PlayedQuestion(Told):
    """A question whose clock runs, in the attempt's own order."""

    id: UUID
    text: str
    image_url: str | None
    image_alt: str | None
    position: int = Field(description="From 1.")
    total: int
    answers: list[PlayedAnswer]


class GivenAnswer(Told):
    """An answer that was given, with what may be revealed of it; null: not now."""

    question_id: UUID
    answer_id: UUID
    is_correct: bool | None
    correct_answer_ids: list[UUID] | None
    explanation: str | None


class Step(Told):
    """Where an attempt stands. `question`: the current one, where its clock runs."""

    attempt: Attempt
    question: PlayedQuestion | None


class AnswerStep(Step):
    """Where an attempt stands after an answer. `question`: the next, where its clock started."""

    answer: GivenAnswer


class AttemptDetail(Step):
    """An attempt with the answers given so far."""

    answers: list[GivenAnswer]


class SentChoice(Sent):
    """An answer to the current question."""

    question_id: SentId
    answer_id: SentId


class SentGiven(Sent):
    """One answer of an attempt that comes whole."""

    question_id: SentId
    answer_id: SentId | Annotated[str, Field(max_length=0)] | None = None
    display_order: int | None = Field(None, ge=0, le=9999)


class SentAttempt(Sent):
    """An attempt that was played elsewhere."""

    answers: list[SentGiven] = Field(max_length=MOST_QUESTIONS)
    total_time_ms: int = Field(ge=0, le=604_800_000)
    timed_out: bool = False


class AttemptQuery(Window):
    """Which attempts are wanted."""

    user_id: SentId | None = None
