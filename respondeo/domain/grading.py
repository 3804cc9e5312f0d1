"""Whether an answer is right: one class for each kind of question."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Protocol
from uuid import UUID

from respondeo.domain.document import QuestionKind


class Grader(Protocol):
    """Grades one kind of question."""

    def is_correct(self, chosen: UUID, right: AbstractSet[UUID]) -> bool:
        """Whether the chosen answer earns the point."""
        ...


class Choice:
    """One answer is chosen; any of the answers marked right earns the point."""

    def is_correct(self, chosen: UUID, right: AbstractSet[UUID]) -> bool:
        return chosen in right


GRADERS: dict[QuestionKind, Grader] = {QuestionKind.CHOICE: Choice()}
