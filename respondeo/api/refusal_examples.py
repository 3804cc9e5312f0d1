"""An example of each refusal that the document tells of, in the words that programs get."""

from __future__ import annotations

from typing import Any

from respondeo import database_trouble
from respondeo.api import refusals
from respondeo.api.asking import SIGN_IN
from respondeo.api.endpoints import Operation
from respondeo.domain.errors import (
    AttemptOpen,
    KeyRefused,
    NewerRevision,
    NoAttemptsLeft,
    NotFound,
    NotOfThisQuiz,
    NotThisQuestion,
)
from respondeo.services.catalogue import NO_SUCH_QUIZ

CONFLICTS = {
    "create_quiz": NotOfThisQuiz(
        "questions.0.id is not the id of a question of this quiz. Leave it out."
    ),
    "replace_quiz": refusals.OF_RULES[NewerRevision],
    "submit_attempt": AttemptOpen(),
    "start_attempt": NoAttemptsLeft(3),
    "answer_question": NotThisQuestion(),
}
ALL_HAVE = {
    413: refusals.WORDS[413],
    415: "Send JSON, with the header Content-Type: application/json.",
    429: "This key may ask 100 times a minute. Wait, then try again.",
    503: database_trouble.AWAY.sentence,
}


def example(operation: Operation, status: int) -> dict[str, Any]:
    """What the body of this refusal may be."""
    if status != 400:
        return {"error": str(_sentence(operation, status))}
    path, message = _fault(operation)
    return {
        "error": f"Not valid at {path}: {message}",
        "details": [{"path": path, "message": message}],
    }


def _sentence(operation: Operation, status: int) -> object:
    match status:
        case 401:
            return KeyRefused() if operation.open_to_all else SIGN_IN
        case 403:
            return f"This key does not have the scope {operation.scope}."
        case 404:
            return NO_SUCH_QUIZ if "quiz_id" in operation.path else NotFound()
        case 409:
            return CONFLICTS[operation.name]
        case _:
            return ALL_HAVE[status]


def _fault(operation: Operation) -> tuple[str, str]:
    if operation.query:
        return "page", "Write a whole number."
    if "quiz" in operation.name:
        return "questions.0.answers", "Mark at least one answer as right."
    if operation.name == "submit_attempt":
        return "totalTimeMs", "This is needed."
    return "answerId", "Write a UUID."
