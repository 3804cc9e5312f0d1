"""What a published version contains, cached for good: a version never changes.

Two audiences, two caches: players see questions without the key; the grader has the key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from uuid import UUID

import sqlalchemy as sa
from cachetools import LRUCache, cached

from respondeo.domain.document import QuestionKind
from respondeo.models import Answer, Question, QuizVersion, QuizVersionQuestion
from respondeo.prepared import Source, session_of

CACHED_VERSIONS = 256


@dataclass(frozen=True, slots=True)
class Option:
    """An answer as a player sees it."""

    id: UUID
    text: str


@dataclass(frozen=True, slots=True)
class PlayedQuestion:
    """A question as a player sees it; `answers` in the order they are shown."""

    id: UUID
    kind: QuestionKind
    text: str
    image_url: str | None
    image_alt: str | None
    answers: tuple[Option, ...]

    def in_order(self, positions: Sequence[int]) -> PlayedQuestion:
        """The same question with its answers in an attempt's own order."""
        shown = tuple(self.answers[position] for position in positions)
        return replace(self, answers=shown)


@dataclass(frozen=True, slots=True)
class Key:
    """What a player may not know before the commit."""

    right_ids: frozenset[UUID]
    explanation: str | None


def _by_id(_source: Source, version_id: UUID) -> UUID:
    return version_id


@cached(LRUCache(CACHED_VERSIONS), key=_by_id, lock=Lock())
def version_details(source: Source, version_id: UUID) -> QuizVersion:
    """The version's row, detached from any session."""
    session = session_of(source)
    version = session.get_one(QuizVersion, version_id)
    session.expunge(version)
    return version


@cached(LRUCache(CACHED_VERSIONS), key=_by_id, lock=Lock())
def questions_for_players(source: Source, version_id: UUID) -> Mapping[UUID, PlayedQuestion]:
    """A version's questions by id, in the author's order, without any key."""
    session = session_of(source)
    options: dict[UUID, list[Option]] = defaultdict(list)
    for question_id, answer_id, text in session.execute(
        sa.select(Answer.question_id, Answer.id, Answer.text)
        .join(QuizVersionQuestion, QuizVersionQuestion.question_id == Answer.question_id)
        .where(QuizVersionQuestion.quiz_version_id == version_id)
        .order_by(Answer.position)
    ):
        options[question_id].append(Option(answer_id, text))
    rows = session.execute(
        sa.select(Question.id, Question.kind, Question.text, Question.image_url, Question.image_alt)
        .join(QuizVersionQuestion, QuizVersionQuestion.question_id == Question.id)
        .where(QuizVersionQuestion.quiz_version_id == version_id)
        .order_by(QuizVersionQuestion.position)
    )
    return {
        question_id: PlayedQuestion(
            question_id, QuestionKind(kind), text, image_url, image_alt, tuple(options[question_id])
        )
        for question_id, kind, text, image_url, image_alt in rows
    }


@cached(LRUCache(CACHED_VERSIONS), key=_by_id, lock=Lock())
def answer_keys(source: Source, version_id: UUID) -> Mapping[UUID, Key]:
    """The key to a version's questions, for the grader and for what may be revealed."""
    session = session_of(source)
    right: dict[UUID, set[UUID]] = defaultdict(set)
    explanations: dict[UUID, str | None] = {}
    for question_id, explanation, answer_id in session.execute(
        sa.select(Question.id, Question.explanation, Answer.id)
        .join(QuizVersionQuestion, QuizVersionQuestion.question_id == Question.id)
        .join(Answer, sa.and_(Answer.question_id == Question.id, Answer.is_correct))
        .where(QuizVersionQuestion.quiz_version_id == version_id)
    ):
        right[question_id].add(answer_id)
        explanations[question_id] = explanation
    return {
        question_id: Key(frozenset(ids), explanations[question_id])
        for question_id, ids in right.items()
    }
