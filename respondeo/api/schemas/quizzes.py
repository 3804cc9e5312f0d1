"""Quizzes as they are told, and which of them are wanted."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from respondeo.api.schemas.lists import Window
from respondeo.api.schemas.parts import Moment, SentId, Told, User
from respondeo.domain.document import Difficulty, Feedback, Language, Reveal


class Quiz(Told):
    """A quiz as it is published, or its draft where it never was."""

    id: UUID
    title: str
    description: str
    hero_image_url: str | None
    author_id: UUID | None
    language: Language
    difficulty: Difficulty
    max_attempts: int | None = Field(description="null: unlimited.")
    time_limit_seconds: int = Field(description="0: none.")
    randomize_questions: bool
    randomize_answers: bool
    feedback: Feedback
    reveal: Reveal
    draft: bool = Field(description="Whether it is out of sight.")
    published_at: Moment | None = Field(description="From when it is open.")
    created_at: Moment
    updated_at: Moment
    version: int | None = Field(description="null: never published.")
    question_count: int


class ListedQuiz(Quiz):
    """A quiz in a list."""

    author: User | None


class KeyedAnswer(Told):
    """An answer with its key."""

    id: UUID
    text: str
    is_correct: bool


class KeyedQuestion(Told):
    """A question with its key, for those who may edit the quiz."""

    id: UUID
    text: str
    image_url: str | None
    image_alt: str | None
    explanation: str | None
    order: int = Field(description="Its place, from 0.")
    answers: list[KeyedAnswer]


class EditorsQuizDetail(ListedQuiz):
    """A quiz as those read it who may edit it. It can be sent back as it is."""

    revision: int = Field(description="The draft’s; PUT refuses an older one.")
    questions: list[KeyedQuestion]


class QuizQuery(Window):
    """Which quizzes are wanted."""

    q: str = Field("", max_length=200, description="In title, description and author’s name.")
    language: Language | None = None
    difficulty: Difficulty | None = None
    author_id: SentId | None = None
