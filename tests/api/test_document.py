"""The OpenAPI document: reviewed, valid, with examples that hold; it allows what the API takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator

from respondeo.api.docs import document
from tests.api.conftest import Program, Programs, quiz_body

KEPT = Path(__file__).parents[2] / "docs/openapi.json"
REVIEWED: dict[str, Any] = json.loads(KEPT.read_text())
OPERATIONS = {
    operation["operationId"]: operation
    for methods in REVIEWED["paths"].values()
    for operation in methods.values()
}


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """What a validator that is not ours finds wrong with a value."""
    rooted = {**schema, "components": REVIEWED["components"]}
    checked = OAS31Validator(rooted, format_checker=oas31_format_checker)
    return [error.message for error in checked.iter_errors(value)]


def contents(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The JSON that is sent, that is answered, and that refuses, each with its schema."""
    for one in [*operation["responses"].values(), operation.get("requestBody", {})]:
        if "application/json" in one.get("content", {}):
            yield one["content"]["application/json"]


def test_the_document_is_the_one_that_was_reviewed(app: Flask) -> None:
    with app.app_context():
        assert document() == REVIEWED, "run scripts/openapi"


def test_the_document_is_valid() -> None:
    assert REVIEWED["openapi"].startswith("3.1")
    assert [error.message for error in OpenAPIV31SpecValidator(REVIEWED).iter_errors()] == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_has_examples_and_they_hold(name: str) -> None:
    for content in contents(OPERATIONS[name]):
        assert faults(content["schema"], content["example"]) == []


def test_links_lead_to_operations_with_parameters_that_they_have() -> None:
    for operation in OPERATIONS.values():
        for response in operation["responses"].values():
            for link in response.get("links", {}).values():
                there = {one["name"] for one in OPERATIONS[link["operationId"]]["parameters"]}
                assert set(link["parameters"]) <= there


def test_what_is_known_of_the_document_is_not_sent_again(stranger: Program) -> None:
    first = stranger.request("GET", "/docs/openapi.json")
    assert first.get_json() == REVIEWED
    again = stranger.request(
        "GET", "/docs/openapi.json", **{"If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 304
    assert not again.data


# -- what it allows and what it forbids ------------------------------------------------------------

SENT_QUIZ = OPERATIONS["create_quiz"]["requestBody"]["content"]["application/json"]["schema"]
ID = "0198c2a4-5b7e-7c11-9f4e-3d2b8a6f1c05"


def quiz(**changes: Any) -> dict[str, Any]:
    """A quiz with something else in it."""
    return quiz_body(1, **changes)


def question(**changes: Any) -> dict[str, Any]:
    """A quiz whose question has something else in it."""
    body = quiz_body(1)
    body["questions"][0].update(changes)
    return body


def answer(**changes: Any) -> dict[str, Any]:
    """A quiz whose first answer has something else in it."""
    body = quiz_body(1)
    body["questions"][0]["answers"][0].update(changes)
    return body


ALLOWED = [
    quiz(title="x" * 70),
    quiz(title=" x "),
    quiz(title="\ufeff"),
    quiz(timeLimitSeconds=5.0),
    quiz(maxAttempts=None),
    quiz(publishedAt="2026-09-01t08:00:00.123456789+23:59"),
    quiz(publishedAt="0001-01-01T00:00:00Z"),
    quiz(publishedAt=None, draft=True),
    quiz(publishedAt="2026-09-01T08:00:00Z", draft=False),
    quiz(id=ID.upper(), author={"id": ID, "name": "Ada", "displayName": None, "image": None}),
    quiz(createdAt="2026-09-01T08:00:00Z", version=2_147_483_647, questionCount=0),
    question(order=3, imageAlt="No picture"),
    question(imageUrl="https://pictures.example/ü"),
    answer(id=None),
]
FORBIDDEN = [
    quiz(title="x" * 69 + "  "),
    quiz(title="\x1c\x85\u3000"),
    quiz(title="a\0b"),
    quiz(hero_image_url=None),
    quiz(timeLimitSeconds=5.5),
    quiz(timeLimitSeconds="5"),
    quiz(maxAttempts=True),
    quiz(publishedAt="2026-09-01"),
    quiz(publishedAt="2026-09-01T24:00:00Z"),
    quiz(publishedAt="2026-09-01T08:00:00+05:60"),
    quiz(publishedAt="2026-09-01T08:00:00Z", draft=True),
    quiz(id=f"{{{ID}}}"),
    quiz(id=ID.replace("-", "")),
    quiz(author="Ada"),
    quiz(author={"email": "ada@people.example"}),
    quiz(createdAt="yesterday"),
    quiz(questionCount=10**30),
    question(order=None, answers=[{"text": "Wrong"}, {"text": "Wrong too"}]),
    question(order=[1]),
    question(imageUrl="https://pictures.example/a b"),
    answer(is_correct=True),
]


@pytest.mark.parametrize("body", ALLOWED)
def test_what_the_document_allows_is_taken(program: Programs, body: dict[str, Any]) -> None:
    assert faults(SENT_QUIZ, body) == []
    program("admin").ask("POST", "/api/quizzes", 201, body)


@pytest.mark.parametrize("body", FORBIDDEN)
def test_what_the_document_forbids_is_refused(program: Programs, body: dict[str, Any]) -> None:
    assert faults(SENT_QUIZ, body)
    program("admin").ask("POST", "/api/quizzes", 400, body)
