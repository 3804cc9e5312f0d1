"""What is refused says which field it was, and what to do."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from respondeo.api.body import LARGEST_BODY
from tests.api.conftest import Program, Programs, quiz_body

ANSWERS = [{"text": "Yes", "isCorrect": True}, {"text": "No"}]


def question(**changes: Any) -> dict[str, Any]:
    return {"text": "Is it?", "answers": ANSWERS, **changes}


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"title": ""}, "title", "Write a title."),
        ({"langage": "en"}, "langage", "There is no such field."),
        ({"maxAttempts": "3"}, "maxAttempts", "Write a whole number."),
        ({"questions": {}}, "questions", "Here must be a list, in brackets."),
        ({"questions": []}, "questions", "Write at least one question."),
        ({"questions": [question(id=5)]}, "questions.0.id", "Write a UUID."),
        ({"questions": [question(), question(answers=ANSWERS[:1])]}, "questions.1.answers",
         "Write at least two answers."),
    ],
)  # fmt: skip
def test_a_fault_of_a_quiz_is_told_with_its_place_in_the_first_sentence_too(
    program: Programs, changes: dict[str, Any], path: str, message: str
) -> None:
    told = program("admin").ask("POST", "/api/quizzes", 400, {**quiz_body(), **changes})
    assert list(told) == ["error", "details"]
    assert told["error"] == f"Not valid at {path}: {message}"
    assert told["details"] == [{"path": path, "message": message}]


def test_of_several_faults_the_sentence_tells_the_first_and_how_many_more(
    program: Programs,
) -> None:
    told = program("admin").ask("POST", "/api/quizzes", 400, {})
    assert told["error"] == "Not valid at title: Write a title. See details for 2 more."
    assert [one["path"] for one in told["details"]] == ["title", "description", "questions"]


def test_an_id_of_another_kind_is_told_once(program: Programs) -> None:
    body = {"answers": [{"questionId": "x", "answerId": "y"}], "totalTimeMs": 5}
    told = program("admin").ask("POST", f"/api/quizzes/{uuid4()}/attempts", 400, body)
    assert told["details"] == [
        {"path": "answers.0.questionId", "message": "Write a UUID."},
        {"path": "answers.0.answerId", "message": "Write a UUID."},
    ]


def test_an_empty_body_is_told_so_in_words_for_programs(program: Programs) -> None:
    json = {"Content-Type": "application/json"}
    told = program("admin").ask("POST", "/api/quizzes", 400, **json)
    assert told["error"] == "Not valid at body: There is nothing in the body. Send JSON."


def test_what_is_not_there_or_not_taken_is_told_in_words_for_programs(program: Programs) -> None:
    caller = program("admin")
    assert "/docs" in caller.ask("GET", "/api/quizes", 404)["error"]
    assert caller.ask("GET", "/api/quizzes/7", 404)["error"] == "An id in this address is no UUID."
    refused = caller.request("DELETE", "/api/quizzes")
    assert (refused.status_code, "POST" in refused.headers["Allow"]) == (405, True)
    assert "Allow" in refused.get_json()["error"]
    large = caller.request("POST", "/api/quizzes", {"title": "x" * LARGEST_BODY})
    assert large.status_code == 413
    assert f"larger than {LARGEST_BODY // 1_000_000} MB" in large.get_json()["error"]


def test_the_document_shows_refusals_as_they_are(program: Programs, stranger: Program) -> None:
    paths = stranger.ask("GET", "/docs/openapi.json", 200)["paths"]

    def shown(method: str, path: str, status: int) -> Any:
        responses = paths[path][method]["responses"]
        return responses[str(status)]["content"]["application/json"]["example"]

    admin = program("admin")
    quiz = admin.ask("POST", "/api/quizzes", 201, quiz_body())
    address, of_one = f"/api/quizzes/{quiz['id']}", "/api/quizzes/{quiz_id}"
    assert stranger.ask("GET", "/api/quizzes", 401) == shown("get", "/api/quizzes", 401)
    narrow = program("admin", scopes=("attempts:read",))
    assert narrow.ask("GET", "/api/quizzes", 403) == shown("get", "/api/quizzes", 403)
    assert admin.ask("GET", "/api/quizzes?page=x", 400) == shown("get", "/api/quizzes", 400)
    assert admin.ask("GET", f"/api/quizzes/{uuid4()}", 404) == shown("get", of_one, 404)
    assert admin.ask("PUT", address, 415) == shown("put", of_one, 415)
    stale = {**quiz_body(), "revision": 99}
    assert admin.ask("PUT", address, 409, stale) == shown("put", of_one, 409)
    wrong = quiz_body()
    for answer in wrong["questions"][0]["answers"]:
        answer["isCorrect"] = False
    assert admin.ask("PUT", address, 400, wrong) == shown("put", of_one, 400)


def test_an_answer_of_another_question_is_told_as_such(program: Programs) -> None:
    quiz = program("admin").ask("POST", "/api/quizzes", 201, quiz_body())
    player = program()
    step = player.ask("POST", f"/api/quizzes/{quiz['id']}/attempts/start", 201)
    choice = {"questionId": step["question"]["id"], "answerId": str(uuid4())}
    told = player.ask("POST", f"/api/attempts/{step['attempt']['id']}/answers", 409, choice)
    assert told["error"] == "This answer is not one of that question’s."
