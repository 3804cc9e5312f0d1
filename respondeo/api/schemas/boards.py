"""The boards."""

from __future__ import annotations

from uuid import UUID

from respondeo.api.schemas.parts import Moment, Told, User


class BoardEntry(Told):
    """A player's place on a quiz's board."""

    rank: int
    id: UUID
    attempt_id: UUID
    quiz_id: UUID
    user_id: UUID
    correct_count: int
    total_questions: int
    total_time_ms: int
    timed_out: bool
    completed_at: Moment
    user: User


class OverallEntry(Told):
    """A player's place on the global board."""

    rank: int
    user_id: UUID
    total_correct: int
    total_time_ms: int
    quizzes_played: int
    user: User
