"""Quizzes: the draft an author edits, and the immutable versions that people play.

Questions, answers, versions and their lists of questions never change: a trigger refuses UPDATE,
and DELETE unless the quiz they belong to is gone. See docs/decisions/.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from respondeo.db import Base
from respondeo.domain.document import Difficulty, Feedback, Language, QuestionKind, Reveal
from respondeo.models.columns import CreatedAt, RandomId, TimeOrderedId, one_of


class Quiz(Base):
    """A quiz: who wrote it, which version is current, since or from when it is public.

    language, difficulty: the current version's, kept by a trigger, so that quizzes are counted
    without their versions; null where there is none.
    """

    __tablename__ = "quiz"
    __table_args__ = (
        sa.Index(
            "ix_quiz_published_at",
            "published_at",
            postgresql_include=["id", "language", "difficulty"],
        ),
    )

    id: Mapped[TimeOrderedId]
    author_id: Mapped[UUID | None] = mapped_column(
        sa.ForeignKey("user.id", ondelete="SET NULL"), index=True
    )
    current_version_id: Mapped[UUID | None] = mapped_column(
        sa.ForeignKey("quiz_version.id", use_alter=True), index=True
    )
    published_at: Mapped[datetime | None]
    language: Mapped[str | None]
    difficulty: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class QuizDraft(Base):
    """The document as its author last saved it; `revision` refuses overwriting a newer save."""

    __tablename__ = "quiz_draft"

    quiz_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("quiz.id", ondelete="CASCADE"), primary_key=True
    )
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    revision: Mapped[int] = mapped_column(server_default="1")
    updated_by: Mapped[UUID | None] = mapped_column(
        sa.ForeignKey("user.id", ondelete="SET NULL"), index=True
    )
    updated_at: Mapped[CreatedAt]


class QuizVersion(Base):
    """One published state of a quiz."""

    __tablename__ = "quiz_version"
    __table_args__ = (
        sa.UniqueConstraint("quiz_id", "number"),
        one_of("language", Language),
        one_of("difficulty", Difficulty),
        one_of("feedback", Feedback),
        one_of("reveal", Reveal),
        sa.CheckConstraint("max_attempts >= 1", name="max_attempts"),
        sa.CheckConstraint("time_limit_seconds >= 0", name="time_limit_seconds"),
        sa.CheckConstraint("question_count >= 1", name="question_count"),
    )

    id: Mapped[TimeOrderedId]
    quiz_id: Mapped[UUID] = mapped_column(sa.ForeignKey("quiz.id", ondelete="CASCADE"))
    number: Mapped[int]
    title: Mapped[str]
    description: Mapped[str]
    hero_image_url: Mapped[str | None]
    language: Mapped[str]
    difficulty: Mapped[str]
    max_attempts: Mapped[int | None]
    time_limit_seconds: Mapped[int]
    randomize_questions: Mapped[bool]
    randomize_answers: Mapped[bool]
    feedback: Mapped[str]
    reveal: Mapped[str]
    question_count: Mapped[int]
    created_at: Mapped[CreatedAt]

    @property
    def time_limit_ms(self) -> int | None:
        """The limit in milliseconds, None where there is none."""
        return self.time_limit_seconds * 1000 or None


class Question(Base):
    """One question as it was once published. `uid` is the same through all its rewordings."""

    __tablename__ = "question"
    __table_args__ = (one_of("kind", QuestionKind),)

    id: Mapped[RandomId]
    quiz_id: Mapped[UUID] = mapped_column(sa.ForeignKey("quiz.id", ondelete="CASCADE"), index=True)
    uid: Mapped[UUID]
    kind: Mapped[str]
    text: Mapped[str]
    image_url: Mapped[str | None]
    image_alt: Mapped[str | None]
    explanation: Mapped[str | None]
    created_at: Mapped[CreatedAt]


class Answer(Base):
    """One option of a question; `position` is the author's order, from 0."""

    __tablename__ = "answer"
    __table_args__ = (
        sa.UniqueConstraint("question_id", "position"),
        sa.UniqueConstraint("question_id", "id"),
    )

    id: Mapped[RandomId]
    question_id: Mapped[UUID] = mapped_column(sa.ForeignKey("question.id", ondelete="CASCADE"))
    uid: Mapped[UUID]
    position: Mapped[int] = mapped_column(sa.SmallInteger())
    text: Mapped[str]
    is_correct: Mapped[bool]


class QuizVersionQuestion(Base):
    """Which questions a version has, in the author's order, from 0."""

    __tablename__ = "quiz_version_question"
    __table_args__ = (sa.UniqueConstraint("quiz_version_id", "question_id"),)

    quiz_version_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("quiz_version.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(sa.SmallInteger(), primary_key=True)
    question_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("question.id", ondelete="CASCADE"), index=True
    )


class QuizBoard(Base):
    """What changes with every result of a quiz, apart from the quiz so that plays never wait.

    revision: goes up whenever what the quiz's board shows changes.
    plays: completed attempts of signed-in people.
    players: rows of the board.
    """

    __tablename__ = "quiz_board"

    quiz_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("quiz.id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0")
    plays: Mapped[int] = mapped_column(server_default="0", index=True)
    players: Mapped[int] = mapped_column(server_default="0")


class Catalogue(Base):
    """One row. `revision` is another one after each change of a quiz, of what it says when it is
    published, or of how somebody is shown: the database renews it. Plays do not change it."""

    __tablename__ = "catalogue"
    __table_args__ = (sa.Index("uq_catalogue_one_row", sa.text("(true)"), unique=True),)

    revision: Mapped[UUID] = mapped_column(
        primary_key=True, server_default=sa.func.gen_random_uuid()
    )
