"""The boards: one row a player, kept in the transaction that completes an attempt."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from respondeo.db import Base


def vacuumed_after(rows: int, share: float) -> dict[str, float]:
    """So many changes, and this share of the table: ranks are quick where few pages changed."""
    return {
        f"autovacuum_vacuum_{kind}": value
        for kind, value in (
            ("threshold", rows),
            ("scale_factor", share),
            ("insert_threshold", rows),
            ("insert_scale_factor", share),
        )
    }


class QuizStanding(Base):
    """The attempt of each player that counts on a quiz's board, with what orders it."""

    __tablename__ = "quiz_standing"
    __table_args__ = (
        sa.Index(
            "ix_quiz_standing_board",
            "quiz_id",
            sa.text("correct_count DESC"),
            "total_time_ms",
            "completed_at",
            "user_id",
        ),
        {"postgresql_with": vacuumed_after(500, 0.002)},
    )

    quiz_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("quiz.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    attempt_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("quiz_attempt.id", ondelete="CASCADE"), index=True
    )
    correct_count: Mapped[int]
    total_time_ms: Mapped[int] = mapped_column(sa.BigInteger())
    completed_at: Mapped[datetime]


class PlayerStanding(Base):
    """The sums over a player's standings: their row on the global board."""

    __tablename__ = "player_standing"
    __table_args__ = (
        sa.Index(
            "ix_player_standing_board",
            sa.text("total_correct DESC"),
            "total_time_ms",
            "user_id",
        ),
        {"postgresql_with": vacuumed_after(100, 0)},
    )

    user_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("user.id", ondelete="CASCADE"), primary_key=True
    )
    total_correct: Mapped[int]
    total_time_ms: Mapped[int] = mapped_column(sa.BigInteger())
    quizzes_played: Mapped[int]
