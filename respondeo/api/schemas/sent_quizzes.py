"""Quizzes as they are sent."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from respondeo.api.schemas.parts import Sent, SentId, SentMoment
from respondeo.domain.document import (
    LONGEST_ALT,
    LONGEST_ANSWER,
    LONGEST_DESCRIPTION,
    LONGEST_EXPLANATION,
    LONGEST_QUESTION,
    LONGEST_TITLE,
    MOST_ANSWERS,
    MOST_QUESTIONS,
    AnswerText,
    Description,
    Difficulty,
    Explanation,
    Feedback,
    ImageAlt,
    ImageUrl,
    Language,
    QuestionText,
    Reveal,
    Title,
)

LARGEST = 2_147_483_647


def _counted(most: int) -> BeforeValidator:
    """Count a text as it was sent, as JSON Schema does; blanks around it are taken off later."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and len(value) > most:
            raise ValueError(f"At most {most} characters; these are {len(value)}.")
        return value

    return BeforeValidator(check)


def _ignored() -> Any:
    """A field that only GET gives: it may be sent back."""
    return Field(None, description="As GET gives it; ignored.")


SentTitle = Annotated[Title, _counted(LONGEST_TITLE)]
SentDescription = Annotated[Description, _counted(LONGEST_DESCRIPTION)]
SentQuestionText = Annotated[QuestionText, _counted(LONGEST_QUESTION)]
SentAnswerText = Annotated[AnswerText, _counted(LONGEST_ANSWER)]
SentAlt = Annotated[ImageAlt, _counted(LONGEST_ALT)]
SentExplanation = Annotated[Explanation, _counted(LONGEST_EXPLANATION)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]


class SentAnswer(Sent):
    """An answer of a quiz that is sent."""

    id: SentId | None = None
    text: SentAnswerText
    is_correct: bool = False


def _one_is_right(answers: list[SentAnswer]) -> list[SentAnswer]:
    if not any(answer.is_correct for answer in answers):
        raise ValueError("Mark at least one answer as right.")
    return answers


class SentQuestion(Sent):
    """A question of a quiz that is sent; at least one answer is right."""

    id: SentId | None = None
    text: SentQuestionText
    image_url: ImageUrl | None = None
    image_alt: SentAlt | None = None
    explanation: SentExplanation | None = None
    order: Count | None = _ignored()
    answers: Annotated[
        list[SentAnswer],
        Field(
            min_length=2,
            max_length=MOST_ANSWERS,
            json_schema_extra={
                "contains": {
                    "type": "object",
                    "properties": {"isCorrect": {"const": True}},
                    "required": ["isCorrect"],
                }
            },
        ),
        AfterValidator(_one_is_right),
    ]


class SentAuthor(Sent):
    """An author, as GET gives them."""

    id: SentId | None = None
    name: str | None = None
    display_name: str | None = None
    image: str | None = None


class SentQuiz(Sent):
    """A whole quiz. What only GET gives may be sent along, and is ignored."""

    model_config = ConfigDict(
        json_schema_extra={
            "not": {
                "properties": {"draft": {"const": True}, "publishedAt": {"type": "string"}},
                "required": ["draft", "publishedAt"],
            }
        }
    )

    title: SentTitle
    description: SentDescription
    hero_image_url: ImageUrl | None = None
    language: Language = Language.EN
    difficulty: Difficulty = Difficulty.MEDIUM
    max_attempts: int | None = Field(1, ge=1, le=1000, description="null: unlimited.")
    time_limit_seconds: int = Field(0, ge=0, le=86_400, description="0: none.")
    randomize_questions: bool = True
    randomize_answers: bool = True
    feedback: Feedback = Field(Feedback.EACH, description="PUT without it leaves it.")
    reveal: Reveal = Field(Reveal.SAFE, description="PUT without it leaves it.")
    questions: list[SentQuestion] = Field(min_length=1, max_length=MOST_QUESTIONS)
    published_at: SentMoment | None = Field(None, description="From when it is open.")
    draft: bool | None = Field(
        None,
        description="true: out of sight, not together with publishedAt. false: published now"
        " where it was not. PUT without both leaves the publication.",
    )
    revision: int | None = Field(
        None, ge=1, le=LARGEST, description="The draft that was read; POST ignores it."
    )
    id: SentId | None = _ignored()
    author: SentAuthor | None = _ignored()
    author_id: SentId | None = _ignored()
    created_at: SentMoment | None = _ignored()
    updated_at: SentMoment | None = _ignored()
    version: Count | None = _ignored()
    question_count: Count | None = _ignored()

    @model_validator(mode="after")
    def _either_hidden_or_open(self) -> Self:
        if self.draft and self.published_at is not None:
            raise ValueError("Send draft: true or a publishedAt, not both.")
        return self
