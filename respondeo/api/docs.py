"""The OpenAPI document, made of the same words that requests are checked by."""

from __future__ import annotations

import json
import re
from functools import cache
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, current_app, request
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from respondeo.api import refusal_examples
from respondeo.api.asking import KEY_HEADER
from respondeo.api.endpoints import OPERATIONS, Operation
from respondeo.api.examples import EXAMPLES
from respondeo.api.links import LINKS
from respondeo.api.schemas.parts import Error

bp = Blueprint("api_docs", __name__)

REF = "#/components/schemas/{model}"
HEADERS: dict[str, dict[str, Any]] = {
    "X-RateLimit-Limit": {
        "description": "How often the key may ask in a minute.",
        "schema": {"type": "integer"},
    },
    "X-RateLimit-Remaining": {
        "description": "How often it still may in this minute.",
        "schema": {"type": "integer"},
    },
    "X-RateLimit-Reset": {
        "description": "When its next minute begins, in Unix seconds.",
        "schema": {"type": "integer"},
    },
    "ETag": {
        "description": "Names what was read. Sent back in `If-None-Match`, it is answered by 304"
        " where nothing changed.",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
}
LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
SAID_BESIDE = {429: (*LIMITS, "Retry-After"), 503: ("Retry-After",)}
WHY = {
    304: "What `If-None-Match` names is still so.",
    400: "Something that was sent is not valid; `details` says where.",
    401: "No key and no session, or a key that is not valid.",
    403: "The key has not the scope, or its owner’s role not the permission.",
    404: "There is no such thing, or it is not open to the caller.",
    409: "The state of the quiz or the attempt does not allow it.",
    413: "The body is too large.",
    414: "The address is too long.",
    415: "The body is not JSON.",
    429: "The key’s limit is reached; `Retry-After` says for how many seconds.",
    503: "The database is away.",
}
DESCRIPTION = f"""Everything that the pages do for players and authors, for programs.

Send a key in the header `{KEY_HEADER}`: who may have keys makes one under
[Settings, API keys](/settings/keys). A signed-in browser on this server needs none. Each key has a
limit of requests a minute: `X-RateLimit-Limit` tells it, `X-RateLimit-Remaining` what is left.

Times are UTC, as in `2026-09-01T08:00:00Z`; names that end in `Ms` are milliseconds.

Every error is `{{"error": "a sentence"}}`. Where a body or a query is not valid, `details` names
each field."""
TAGS = {
    "Quizzes": "What there is to play; making, replacing and deleting it.",
    "Attempts": "Played step by step (start, answer, next), or elsewhere, and recorded whole.",
    "Boards": "Who did best.",
    "Session": "Who is calling.",
}
"""The order in which operations are told, and what each group is about."""


@bp.get("/docs/openapi.json")
def openapi() -> Response:
    """The document."""
    response = current_app.response_class(_text(_cookie()))
    response.content_type = "application/json"
    response.add_etag(weak=True)
    response.make_conditional(request)
    return response


openapi.allowed = "everybody"  # type: ignore[attr-defined]  # every view must say who may use it


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of all operations."""
    return _document(_cookie())


def _cookie() -> str:
    """The name of the session's cookie: all that the document has of one application."""
    return str(current_app.config["SESSION_TOKEN_COOKIE"])


@cache
def _text(cookie: str) -> str:
    return json.dumps(_document(cookie), ensure_ascii=False)


def _document(cookie: str) -> dict[str, Any]:
    schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    order = list(TAGS)
    for operation in sorted(OPERATIONS, key=lambda one: order.index(one.tag)):
        path = paths.setdefault(f"/api{operation.path}", {})
        path[operation.method.lower()] = _described(operation, schemas)
    hidden = {query.__name__ for query in _queries()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Respondeo",
            "version": "1",
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}, {"session": []}],
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "apiKey",
                    "in": "header",
                    "name": KEY_HEADER,
                    "description": "A key begins with `rsp_`. It overrides any cookie.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": cookie,
                    "description": "What a browser holds that is signed in here.",
                },
            },
            "headers": HEADERS,
            "schemas": {name: one for name, one in schemas.items() if name not in hidden},
        },
    }


def _queries() -> list[type[BaseModel]]:
    return [one.query for one in OPERATIONS if one.query]


def _schemas() -> dict[str, Any]:
    """Every schema by its name: what is taken as it is checked, what is given as it is told."""
    taken = [model for one in OPERATIONS for model in (one.body, one.query) if model]
    given = [
        model for one in OPERATIONS for models in one.gives.values() for model in models if model
    ]
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (model, "validation") for model in dict.fromkeys(taken)
    ]
    given.append(Error)
    wanted += [(model, "serialization") for model in dict.fromkeys(given)]
    _, found = models_json_schema(wanted, ref_template=REF)
    return dict(sorted(found["$defs"].items()))


def _described(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.description + _who(operation),
        "tags": [operation.tag],
        "parameters": _parameters(operation, schemas),
    }
    if operation.open_to_all:
        described["security"] = [{}, {"key": []}, {"session": []}]
    if operation.body:
        content = {"schema": {"$ref": REF.format(model=operation.body.__name__)}}
        example = EXAMPLES.get((operation.name, "body"))
        if example is not None:
            content["example"] = example
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    described["responses"] = _responses(operation)
    return described


def _who(operation: Operation) -> str:
    needs = [f"scope `{operation.scope}`"] if operation.scope else []
    needs += [f"permission `{operation.permission}`"] if operation.permission else []
    return f"\n\nNeeds {' and '.join(needs)}." if needs else ""


def _parameters(operation: Operation, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    found = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": "uuid"},
        }
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    properties = schemas[operation.query.__name__]["properties"] if operation.query else {}
    for name, schema in properties.items():
        said = {key: value for key, value in schema.items() if key not in {"title", "description"}}
        if "anyOf" in said:  # a query has no null: what is not wanted is left out
            said = said["anyOf"][0]
        one = {"name": name, "in": "query", "required": False, "schema": said}
        if "description" in schema:
            one["description"] = schema["description"]
        found.append(one)
    return found


def _responses(operation: Operation) -> dict[str, Any]:
    tag = ["ETag"] if operation.method == "GET" else []
    responses: dict[str, Any] = {
        str(status): _given(operation, status, _headers(*LIMITS, *tag))
        for status in operation.gives
    }
    if tag:
        responses["304"] = {"description": WHY[304], "headers": _headers(*LIMITS, *tag)}
    for status in _refused(operation):
        responses[str(status)] = _refusal(operation, status)
    return responses


def _refusal(operation: Operation, status: int) -> dict[str, Any]:
    if status == 414:  # the web server's, before it is the API's, in its own words
        content = {"text/html": {"schema": {"type": "string"}}}
    else:
        schema = {"$ref": REF.format(model="Error")}
        error = {"schema": schema, "example": refusal_examples.example(operation, status)}
        content = {"application/json": error}
    refusal: dict[str, Any] = {"description": WHY[status], "content": content}
    if status in SAID_BESIDE:
        refusal["headers"] = _headers(*SAID_BESIDE[status])
    return refusal


def _given(operation: Operation, status: int, headers: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(status).phrase, "headers": headers}
    models = operation.gives[status]
    if any(models):
        schemas = [
            {"$ref": REF.format(model=model.__name__)} if model else {"type": "null"}
            for model in models
        ]
        content = {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}
        example = EXAMPLES.get((operation.name, status))
        if example is not None:
            content["example"] = example
        answer["content"] = {"application/json": content}
    links = LINKS.get((operation.name, status))
    return {**answer, "links": links} if links else answer


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _refused(operation: Operation) -> list[int]:
    all_have = {401, 429, 503}
    if not operation.open_to_all:
        all_have.add(403)
    if operation.query or operation.body:
        all_have.add(400)
    if operation.query:
        all_have.add(414)
    if operation.body:
        all_have |= {413, 415}
    return sorted(all_have | set(operation.refuses))
