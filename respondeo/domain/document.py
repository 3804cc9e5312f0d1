"""The quiz document: what a draft, an export and an API body are.

Field names are those of the original's API (camelCase in JSON). Limits: product
description, "Quizzes".
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, Protocol, Self, TypeVar
from uuid import UUID, uuid4

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel

_T = TypeVar("_T")

MOST_QUESTIONS = 500
MOST_ANSWERS = 6

# Characters, without blanks around them.
LONGEST_TITLE, LONGEST_DESCRIPTION = 70, 120
LONGEST_QUESTION, LONGEST_ANSWER, LONGEST_ALT, LONGEST_EXPLANATION = 500, 300, 300, 1000


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


BLANK = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""What `str.strip` takes away, for patterns: programs do not agree on what `\\s` means."""

WRITTEN: dict[str, Any] = {"pattern": rf"^[^\x00]*[^\x00{BLANK}][^\x00]*$"}
"""What a JSON Schema says of a text: something is written, and it can be stored."""


def storable(text: str) -> str:
    """The text, if PostgreSQL can store it. Raises ValueError."""
    if "\0" in text:
        raise ValueError("Remove the null character: it cannot be stored.")
    return text


def written(text: str) -> str:
    """The text without blanks around it. Raises ValueError where nothing is left."""
    stripped = storable(text).strip()
    if not stripped:
        raise ValueError("Write something here.")
    return stripped


class HasUid(Protocol):
    """What is told apart by its uid."""

    @property
    def uid(self) -> UUID: ...


def all_differ(parts: Iterable[HasUid]) -> bool:
    """Whether no two of them have the same uid."""
    uids = [part.uid for part in parts]
    return len(uids) == len(set(uids))


def _count(least: int, most: int, noun: str) -> AfterValidator:
    """Count what is sound: pydantic's own limit would also complain of parts it has refused."""

    def check(parts: tuple[_T, ...]) -> tuple[_T, ...]:
        if not least <= len(parts) <= most:
            raise ValueError(f"There must be {least} to {most} {noun}, not {len(parts)}.")
        return parts

    return AfterValidator(check)


_SAID = Field(json_schema_extra=WRITTEN)

Title = Annotated[str, _text(LONGEST_TITLE), AfterValidator(written), _SAID]
Description = Annotated[str, _text(LONGEST_DESCRIPTION), AfterValidator(written), _SAID]
QuestionText = Annotated[str, _text(LONGEST_QUESTION), AfterValidator(written), _SAID]
AnswerText = Annotated[str, _text(LONGEST_ANSWER), AfterValidator(written), _SAID]
ImageAlt = Annotated[str, _text(LONGEST_ALT), AfterValidator(written), _SAID]
Explanation = Annotated[str, _text(LONGEST_EXPLANATION), AfterValidator(written), _SAID]
ImageUrl = Annotated[
    str,
    StringConstraints(max_length=2000, pattern=rf"^(https://|/media/)[^\x00{BLANK}]+$"),
]


class Part(BaseModel):
    """What documents and drafts are made of: unchanging values, camelCase in JSON."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class Answer(Part):
    """One option of a question."""

    uid: UUID = Field(default_factory=uuid4)
    text: AnswerText
    is_correct: bool


class Question(Part):
    """One question with its options, 2 to 6, at least one of them right."""

    uid: UUID = Field(default_factory=uuid4)
    kind: QuestionKind = QuestionKind.CHOICE
    text: QuestionText
    image_url: ImageUrl | None = None
    image_alt: ImageAlt | None = None
    explanation: Explanation | None = None
    answers: Annotated[
        tuple[Answer, ...],
        _count(2, MOST_ANSWERS, "answers"),
        Field(json_schema_extra={"minItems": 2, "maxItems": MOST_ANSWERS}),
    ]

    @model_validator(mode="after")
    def _one_is_right(self) -> Self:
        if not any(answer.is_correct for answer in self.answers):
            raise ValueError("Mark at least one answer as right.")
        return self

    @model_validator(mode="after")
    def _answers_have_their_own_uids(self) -> Self:
        if not all_differ(self.answers):
            raise ValueError("Two answers of this question have the same uid.")
        return self


class Details(Part):
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

    questions: Annotated[
        tuple[Question, ...],
        _count(1, MOST_QUESTIONS, "questions"),
        Field(json_schema_extra={"minItems": 1, "maxItems": MOST_QUESTIONS}),
    ]

    @model_validator(mode="after")
    def _questions_have_their_own_uids(self) -> Self:
        if not all_differ(self.questions):
            raise ValueError("Two questions have the same uid.")
        return self
