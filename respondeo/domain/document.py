"""The quiz document: what a draft, an export and an API body are.

Field names are those of the original's API (camelCase in JSON). Limits: product
description, "Quizzes".
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel


class Language(StrEnum):
    """Languages a quiz can be written in (ISO 639-1)."""

    EN = "en"
    ES = "es"
    FR = "fr"
    DE = "de"
    SV = "sv"
    PT = "pt"
    IT = "it"
    NL = "nl"
    PL = "pl"
    JA = "ja"
    ZH = "zh"
    KO = "ko"


class Difficulty(StrEnum):
    """How hard the author thinks the quiz is."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


class Feedback(StrEnum):
    """When a player learns whether an answer was right."""

    EACH = "each"
    END = "end"


class Reveal(StrEnum):
    """Whether right answers are shown while a player still has attempts left."""

    SAFE = "safe"
    ALWAYS = "always"


class QuestionKind(StrEnum):
    """What a question asks of the player; `domain.grading` has one class for each."""

    CHOICE = "choice"


def _text(most: int) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=most)


Title = Annotated[str, _text(70)]
Description = Annotated[str, _text(120)]
QuestionText = Annotated[str, _text(500)]
AnswerText = Annotated[str, _text(300)]
Explanation = Annotated[str, _text(1000)]
ImageUrl = Annotated[str, StringConstraints(max_length=2000, pattern=r"^(https://|/media/)\S+$")]


class _Part(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class Answer(_Part):
    """One option of a question."""

    uid: UUID = Field(default_factory=uuid4)
    text: AnswerText
    is_correct: bool


class Question(_Part):
    """One question with its options, 2 to 6, at least one of them right."""

    uid: UUID = Field(default_factory=uuid4)
    kind: QuestionKind = QuestionKind.CHOICE
    text: QuestionText
    image_url: ImageUrl | None = None
    explanation: Explanation | None = None
    answers: Annotated[tuple[Answer, ...], Field(min_length=2, max_length=6)]

    @model_validator(mode="after")
    def _one_is_right(self) -> Self:
        if not any(answer.is_correct for answer in self.answers):
            raise ValueError("Mark at least one answer as right.")
        return self


class Details(_Part):
    """Everything about a quiz but its questions and its publication."""

    title: Title
    description: Description
    hero_image_url: ImageUrl | None = None
    language: Language = Language.EN
    difficulty: Difficulty = Difficulty.MEDIUM
    max_attempts: Annotated[int, Field(ge=1, le=1000)] | None = None
    time_limit_seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    randomize_questions: bool = False
    randomize_answers: bool = False
    feedback: Feedback = Feedback.EACH
    reveal: Reveal = Reveal.SAFE


class Document(Details):
    """A whole quiz as its author edits it, exports it and imports it."""

    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=500)]
