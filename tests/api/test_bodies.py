"""Bodies that cannot be used: what is told of them, in words for who writes the program."""

from __future__ import annotations

import gzip
import json
from contextvars import Context
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.conftest import Program, Programs, quiz_body


def send(caller: Program, body: bytes, **headers: str) -> TestResponse:
    """A quiz of exactly these bytes."""
    sent = {**caller.headers, "Content-Type": "application/json", **headers}
    return Context().run(caller.client.post, "/api/quizzes", data=body, headers=sent)


def told(response: TestResponse) -> dict[str, str]:
    """The faults of a body, by their places."""
    assert response.status_code == 400, response.text
    return {one["path"]: one["message"] for one in response.get_json()["details"]}


A_TIME = "Write a time like 2026-09-01T08:00:00Z."
A_LIST = "Here must be a list, in brackets."


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"questions": []}, "questions", "Write at least one question."),
        ({"questions": None}, "questions", A_LIST),
        ({"publishedAt": 5}, "publishedAt", A_TIME),
        ({"publishedAt": "tomorrow"}, "publishedAt", A_TIME),
    ],
)
def test_each_fault_of_a_quiz_is_told_in_plain_words(
    program: Programs, changes: dict[str, Any], path: str, words: str
) -> None:
    author = program("admin")
    assert told(author.request("POST", "/api/quizzes", quiz_body(1) | changes)) == {path: words}


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"id": "one"}, "id", "Write a UUID."),
        ({"uuid": 1}, "uuid", "There is no such field."),
        ({"answers": {}}, "answers", A_LIST),
        (
            {"answers": [{"text": "Yes", "isCorrect": True}]},
            "answers",
            "Write at least two answers.",
        ),
    ],
)
def test_each_fault_of_a_question_is_told_in_plain_words(
    program: Programs, changes: dict[str, Any], path: str, words: str
) -> None:
    body = quiz_body(1)
    body["questions"][0].update(changes)
    found = told(program("admin").request("POST", "/api/quizzes", body))
    assert found == {f"questions.0.{path}": words}


@pytest.mark.parametrize("wrong", ["one", 1, []])
def test_an_answers_id_that_is_none_is_told_once_and_by_its_place(
    program: Programs, wrong: object
) -> None:
    quiz = program("admin").ask("POST", "/api/quizzes", 201, quiz_body(1))
    given = {"questionId": quiz["questions"][0]["id"], "answerId": wrong}
    body = {"answers": [given], "totalTimeMs": 1}
    answered = program().request("POST", f"/api/quizzes/{quiz['id']}/attempts", body)
    assert told(answered) == {"answers.0.answerId": "Write a UUID."}


def test_an_id_in_a_query_that_is_none_is_told_so(program: Programs) -> None:
    answered = program().request("GET", "/api/quizzes?authorId=me")
    assert told(answered) == {"authorId": "Write a UUID."}


@pytest.mark.parametrize("nothing", [b"", b" \n"])
def test_an_empty_body_is_told_so(program: Programs, nothing: bytes) -> None:
    assert told(send(program("admin"), nothing)) == {
        "body": "There is nothing in the body. Send JSON."
    }


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
def test_a_body_that_is_packed_is_not_taken_for_bad_letters(
    program: Programs, encoding: str
) -> None:
    packed = gzip.compress(json.dumps(quiz_body(1)).encode())
    refused = send(program("admin"), packed, **{"Content-Encoding": encoding})
    assert refused.status_code == 415
    assert "Content-Encoding" in refused.get_json()["error"]


@pytest.mark.parametrize("encoding", ["", "identity", " Identity"])
def test_a_body_that_says_it_is_not_packed_is_taken(program: Programs, encoding: str) -> None:
    body = json.dumps(quiz_body(1)).encode()
    assert send(program("admin"), body, **{"Content-Encoding": encoding}).status_code == 201


def test_the_largest_quiz_is_taken_also_with_each_letter_escaped(program: Programs) -> None:
    body = quiz_body(500)
    for question in body["questions"]:
        question["text"], question["explanation"] = "日" * 400, "語" * 600
    author, sent = program("admin"), json.dumps(body)
    assert len(sent) > 3_000_000
    made = send(author, sent.encode())
    assert made.status_code == 201, made.text[:200]
    read = json.dumps(made.get_json()).encode()  # all that GET gives, each letter escaped again
    again = {**author.headers, "Content-Type": "application/json"}
    path = f"/api/quizzes/{made.get_json()['id']}"
    kept = Context().run(author.client.put, path, data=read, headers=again)
    assert kept.status_code == 200
    assert kept.get_json()["version"] == 1
