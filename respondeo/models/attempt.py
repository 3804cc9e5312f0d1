"""Attempts and the answers given in them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from respondeo.db import Base
from respondeo.domain.document import Feedback
from respondeo.models.columns import TimeOrderedId, one_of


class QuizAttempt(Base):
    """One player's run through one version of a quiz.

    An open attempt is at a question (`shown_at`: when its clock started) or at feedback
    (`feedback_at`); a completed one is neither. Times in milliseconds.
    """

    __tablename__ = "quiz_attempt"
    __table_args__ = (
        sa.UniqueConstraint("quiz_id", "user_id", "number"),
        one_of("feedback", Feedback),
        sa.CheckConstraint("(user_id IS NULL) <> (guest_token IS NULL)", name="one_player"),
        sa.CheckConstraint("number >= 1", name="number"),
        sa.CheckConstraint(
            "CASE WHEN completed_at IS NULL"
            " THEN deadline_at IS NOT NULL AND total_time_ms IS NULL"
            " AND (shown_at IS NULL) <> (feedback_at IS NULL)"
            " ELSE deadline_at IS NULL AND total_time_ms IS NOT NULL"
            " AND shown_at IS NULL AND feedback_at IS NULL END",
            name="open_or_over",
        ),
        sa.CheckConstraint("spent_ms >= 0 AND spent_ms <= time_limit_ms", name="spent_ms"),
        sa.CheckConstraint(
            "total_time_ms >= 0 AND total_time_ms <= time_limit_ms", name="total_time_ms"
        ),
        sa.CheckConstraint(
            "correct_count >= 0 AND correct_count <= total_questions", name="correct_count"
        ),
        sa.CheckConstraint("user_id IS NOT NULL OR NOT ranked", name="guests_never_rank"),
        sa.Index("ix_quiz_attempt_user_id_quiz_id", "user_id", "quiz_id"),
        sa.Index(
            "uq_quiz_attempt_open",
            "quiz_id",
            "user_id",
            unique=True,
            postgresql_where=sa.text("completed_at IS NULL AND user_id IS NOT NULL"),
        ),
        sa.Index(
            "uq_quiz_attempt_open_guest",
            "quiz_id",
            "guest_token",
            unique=True,
            postgresql_where=sa.text("completed_at IS NULL AND guest_token IS NOT NULL"),
        ),
        sa.Index(
            "uq_quiz_attempt_guest_number",
            "quiz_id",
            "guest_token",
            "number",
            unique=True,
            postgresql_where=sa.text("guest_token IS NOT NULL"),
        ),
        sa.Index(
            "ix_quiz_attempt_open_deadline_at",
            "deadline_at",
            postgresql_where=sa.text("completed_at IS NULL"),
        ),
        sa.Index(
            "ix_quiz_attempt_open_quiz_id_deadline_at",
            "quiz_id",
            "deadline_at",
            postgresql_where=sa.text("completed_at IS NULL"),
        ),
        sa.Index(
            "ix_quiz_attempt_guest_started_at",
            "started_at",
            postgresql_where=sa.text("user_id IS NULL"),
        ),
    )

    id: Mapped[TimeOrderedId]
    quiz_id: Mapped[UUID] = mapped_column(sa.ForeignKey("quiz.id", ondelete="CASCADE"))
    quiz_version_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("quiz_version.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("user.id", ondelete="CASCADE"))
    guest_token: Mapped[bytes | None]
    number: Mapped[int]
    time_limit_ms: Mapped[int | None]
    feedback: Mapped[str]
    ranked: Mapped[bool]
    discloses: Mapped[bool]
    started_at: Mapped[datetime]
    shown_at: Mapped[datetime | None]
    feedback_at: Mapped[datetime | None]
    spent_ms: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0")
    deadline_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    timed_out: Mapped[bool] = mapped_column(server_default=sa.false())
    correct_count: Mapped[int] = mapped_column(server_default="0")
    total_questions: Mapped[int]
    total_time_ms: Mapped[int | None] = mapped_column(sa.BigInteger())

    answers: Mapped[list[AttemptAnswer]] = relationship(
        order_by="AttemptAnswer.display_order", passive_deletes=True, lazy="raise"
    )


class AttemptAnswer(Base):
    """One question of an attempt: its place, the order of its answers, and what was answered.

    answer_order: the author's positions of the answers, in the order shown.
    shown_at: when the player first saw the question; null while they have not.
    """

    __tablename__ = "attempt_answer"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["question_id", "answer_id"],
            ["answer.question_id", "answer.id"],
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (answer_id IS NULL)"
            " AND (answered_at IS NULL) = (is_correct IS NULL)"
            " AND (answered_at IS NULL) = (time_ms IS NULL)",
            name="answered_whole",
        ),
        sa.CheckConstraint("time_ms >= 0", name="time_ms"),
        sa.Index("ix_attempt_answer_question_id_answer_id", "question_id", "answer_id"),
    )

    attempt_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("quiz_attempt.id", ondelete="CASCADE"), primary_key=True
    )
    question_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("question.id", ondelete="CASCADE"), primary_key=True
    )
    display_order: Mapped[int] = mapped_column(sa.SmallInteger())
    answer_order: Mapped[list[int]]
    shown_at: Mapped[datetime | None]
    answer_id: Mapped[UUID | None]
    is_correct: Mapped[bool | None]
    answered_at: Mapped[datetime | None]
    time_ms: Mapped[int | None] = mapped_column(sa.BigInteger())
