"""The draft: a quiz document while it is being written, incomplete or wrong in places.

A draft keeps every word as it was typed, so that saving never refuses what an author writes.
What keeps it from being published is in `domain.completeness`.
"""

from __future__ import annotations

from typing import Annotated, Self
from uuid import UUID, uuid4

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from respondeo.domain.document import (
    MOST_ANSWERS,
    MOST_QUESTIONS,
    Difficulty,
    Document,
    Feedback,
    Language,
    Part,
    QuestionKind,
    Reveal,
    all_differ,
    storable,
)
from respondeo.domain.errors import Invalid, Problem

LONGEST_TEXT = 20_000  # characters of any one field: far more than may be published

Typed = Annotated[str, StringConstraints(max_length=LONGEST_TEXT), AfterValidator(storable)]
TypedNumber = Annotated[int, Field(ge=-1_000_000, le=1_000_000_000)] | Typed
"""A number, or what was typed where one was asked for."""


class DraftAnswer(Part):
    """One option, perhaps still blank."""

    uid: UUID = Field(default_factory=uuid4)
    text: Typed = ""
    is_correct: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether nobody has written or marked anything here."""
        return not self.text.strip() and not self.is_correct


class DraftQuestion(Part):
    """One question, perhaps without words or answers."""

    uid: UUID = Field(default_factory=uuid4)
    kind: QuestionKind = QuestionKind.CHOICE
    text: Typed = ""
    image_url: Typed | None = None
    image_alt: Typed | None = None
    explanation: Typed | None = None
    answers: Annotated[tuple[DraftAnswer, ...], Field(max_length=MOST_ANSWERS)] = ()

    @model_validator(mode="after")
    def _answers_have_their_own_uids(self) -> Self:
        if not all_differ(self.answers):
            raise ValueError("Two answers of this question have the same uid.")
        return self


class Draft(Part):
    """A quiz as it was last typed."""

    title: Typed = ""
    description: Typed = ""
    hero_image_url: Typed | None = None
    language: Language = Language.EN
    difficulty: Difficulty = Difficulty.MEDIUM
    max_attempts: TypedNumber | None = None
    time_limit_seconds: TypedNumber = 0
    randomize_questions: bool = False
    randomize_answers: bool = False
    feedback: Feedback = Feedback.EACH
    reveal: Reveal = Reveal.SAFE
    questions: Annotated[tuple[DraftQuestion, ...], Field(max_length=MOST_QUESTIONS)] = ()

    @model_validator(mode="after")
    def _questions_have_their_own_uids(self) -> Self:
        if not all_differ(self.questions):
            raise ValueError("Two questions have the same uid.")
        return self

    def position(self, uid: UUID) -> int | None:
        """Where the question stands, from 0; None where there is none of this uid."""
        places = (place for place, question in enumerate(self.questions) if question.uid == uid)
        return next(places, None)


def draft_of(document: Document) -> Draft:
    """The draft that says just what this document says."""
    return Draft.model_validate(document.model_dump())


def tidied(draft: Draft) -> Draft:
    """The draft as it would be published: no blank answers, no blanks around texts."""
    return draft.model_copy(
        update={
            "title": draft.title.strip(),
            "description": draft.description.strip(),
            "hero_image_url": _some(draft.hero_image_url),
            "questions": tuple(_tidied_question(question) for question in draft.questions),
        }
    )


def _tidied_question(question: DraftQuestion) -> DraftQuestion:
    image_url = _some(question.image_url)
    return question.model_copy(
        update={
            "text": question.text.strip(),
            "image_url": image_url,
            "image_alt": _some(question.image_alt) if image_url else None,
            "explanation": _some(question.explanation),
            "answers": tuple(
                answer.model_copy(update={"text": answer.text.strip()})
                for answer in question.answers
                if not answer.is_blank
            ),
        }
    )


def _some(text: str | None) -> str | None:
    return (text or "").strip() or None


# -- changes ---------------------------------------------------------------------------------------
# Each may be sent twice, when the word of the first was lost, and changes nothing the second time.


def with_question(draft: Draft, question: DraftQuestion) -> Draft:
    """The draft with this question in place of the one with its uid, if that is still there."""
    return _with(draft, [question if one.uid == question.uid else one for one in draft.questions])


def inserted(draft: Draft, question: DraftQuestion, at: int) -> Draft:
    """The draft with one more question before place `at`, unless one of this uid is there.

    Raises Invalid where there are as many as there may be.
    """
    if draft.position(question.uid) is not None:
        return draft
    if len(draft.questions) >= MOST_QUESTIONS:
        raise Invalid(Problem("questions", f"A quiz has at most {MOST_QUESTIONS} questions."))
    questions = list(draft.questions)
    questions.insert(max(0, at), question)
    return _with(draft, questions)


def duplicated(draft: Draft, uid: UUID, new_uid: UUID) -> Draft:
    """The draft with a copy of a question right after it. Raises Invalid as `inserted` does."""
    place = draft.position(uid)
    if place is None:
        return draft
    copy = draft.questions[place].model_copy(
        update={
            "uid": new_uid,
            "answers": tuple(
                answer.model_copy(update={"uid": uuid4()})
                for answer in draft.questions[place].answers
            ),
        }
    )
    return inserted(draft, copy, place + 1)


def removed(draft: Draft, uid: UUID) -> Draft:
    """The draft without this question."""
    return _with(draft, [question for question in draft.questions if question.uid != uid])


def moved(draft: Draft, uid: UUID, to: int) -> Draft:
    """The draft with this question at place `to`, from 0; beyond the ends is at the end."""
    place = draft.position(uid)
    if place is None:
        return draft
    questions = list(draft.questions)
    question = questions.pop(place)
    questions.insert(max(0, to), question)
    return _with(draft, questions)


def _with(draft: Draft, questions: list[DraftQuestion]) -> Draft:
    return draft.model_copy(update={"questions": tuple(questions)})
