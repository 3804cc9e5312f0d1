"""What may be asked next, with what an answer told: the document's links."""

from __future__ import annotations

from typing import Any

Link = dict[str, Any]


def _link(operation: str, parameter: str, told: str, body: Any = None) -> dict[str, Link]:
    link = {"operationId": operation, "parameters": {parameter: f"$response.body#{told}"}}
    return {operation: link if body is None else {**link, "requestBody": body}}


QUESTION, ANSWER = "$response.body#/question/id", "$response.body#/question/answers/0/id"

_of_an_edited_quiz = {
    **_link("get_quiz", "quiz_id", "/id"),
    **_link("start_attempt", "quiz_id", "/id"),
    **_link("list_attempts", "quiz_id", "/id"),
    **_link("quiz_leaderboard", "quiz_id", "/id"),
    **_link(
        "submit_attempt",
        "quiz_id",
        "/id",
        {
            "answers": [
                {
                    "questionId": "$response.body#/questions/0/id",
                    "answerId": "$response.body#/questions/0/answers/0/id",
                }
            ],
            "totalTimeMs": 4200,
        },
    ),
    **_link("replace_quiz", "quiz_id", "/id", "$response.body"),
    **_link("delete_quiz", "quiz_id", "/id"),
}
_of_an_attempt = {
    **_link("get_attempt", "attempt_id", "/attempt/id"),
    **_link("next_question", "attempt_id", "/attempt/id"),
}
_of_a_question = {
    **_of_an_attempt,
    **_link(
        "answer_question",
        "attempt_id",
        "/attempt/id",
        {"questionId": QUESTION, "answerId": ANSWER},
    ),
}

LINKS: dict[tuple[str, int], dict[str, Link]] = {
    ("create_quiz", 201): _of_an_edited_quiz,
    ("replace_quiz", 200): _of_an_edited_quiz,
    ("start_attempt", 201): _of_a_question,
    ("start_attempt", 200): _of_a_question,
    ("answer_question", 200): _of_an_attempt,
    ("next_question", 200): _of_a_question,
    ("submit_attempt", 201): _link("get_attempt", "attempt_id", "/id"),
}
