"""Where the parts of a play page lead: of an attempt, or of a preview of a draft."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import url_for

from respondeo.services.steps import Attempt


@dataclass(frozen=True, slots=True)
class Way:
    """The addresses behind the parts of a play page.

    carries: the name and the value of what every form sends along. look_url: where the play stands.
    result_url: None where the result is another step of the same form.
    """

    leave_url: str
    leave_says: str
    look_url: str
    answer_url: str
    next_url: str
    result_url: str | None
    carries: tuple[str, str]
    is_preview: bool = False


def way_of(attempt: Attempt) -> Way:
    """The way of an attempt that is kept."""
    quiz_id = attempt.quiz_id
    return Way(
        leave_url=url_for("taking.quiz", quiz_id=quiz_id),
        leave_says="Leave: your answers are kept, the clock runs on",
        look_url=url_for("taking.play", quiz_id=quiz_id),
        answer_url=url_for("taking.answer", quiz_id=quiz_id),
        next_url=url_for("taking.next_question", quiz_id=quiz_id),
        result_url=url_for("taking.result", quiz_id=quiz_id, attempt_id=attempt.id),
        carries=("attempt", str(attempt.id)),
    )


def way_of_preview(quiz_id: UUID, state: str) -> Way:
    """The way of a preview: every step carries its state."""

    def step(name: str) -> str:
        return url_for("authoring.play_preview", quiz_id=quiz_id, step=name)

    return Way(
        leave_url=url_for("authoring.preview", quiz_id=quiz_id),
        leave_says="Leave the preview: nothing of it is kept",
        look_url=step("look"),
        answer_url=step("answer"),
        next_url=step("next"),
        result_url=None,
        carries=("state", state),
        is_preview=True,
    )
