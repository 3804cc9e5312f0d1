"""Errors as the API tells them: one sentence, and where a body was invalid its faults."""

from __future__ import annotations

from flask import Response, current_app, json, request

from respondeo.api.body import LARGEST_BODY
from respondeo.db import abandon
from respondeo.domain.errors import (
    DomainError,
    Invalid,
    NewerRevision,
    NotThisAnswer,
    SignInRequired,
    TooMany,
)

WORDS = {
    404: "There is no such address. /docs lists those there are.",
    405: "This address does not take that method. The header Allow names those that it takes.",
    413: f"The body is larger than {LARGEST_BODY // 1_000_000} MB.",
}
OF_RULES = {
    NotThisAnswer: "This answer is not one of that question’s.",
    NewerRevision: "This quiz was saved after that revision. Read it again, then change it.",
}
"""What a program is told where a person would be told of pages, by status and by rule."""


def is_asked() -> bool:
    """Whether this request is the API's."""
    return request.path == "/api" or request.path.startswith("/api/")


def of_rule(error: DomainError, status: int) -> Response:
    """A rule's refusal; `status`: what a page would have; 422 is 400 here, signed out 401."""
    abandon()
    if isinstance(error, SignInRequired):
        return shown(401, str(error))
    if isinstance(error, Invalid) and status == 422:
        faults = [{"path": one.path, "message": one.message} for one in error.problems]
        return shown(400, _in_all(faults), faults)
    response = shown(status, OF_RULES.get(type(error), str(error)))
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def shown(
    status: int,
    sentence: str,
    details: list[dict[str, str]] | None = None,
    *,
    reference: str | None = None,
) -> Response:
    """An error as JSON. `reference`: what the operator finds it by, where it is ours."""
    told: dict[str, object] = {"error": sentence}
    if details:
        told["details"] = details
    if reference:
        told["reference"] = reference
    text = json.dumps(told, sort_keys=False, ensure_ascii=False)
    return current_app.response_class(f"{text}\n", status, mimetype="application/json")


def _in_all(faults: list[dict[str, str]]) -> str:
    """All faults in one sentence: who reads no more than this learns where to look."""
    if not faults:
        return "Something that was sent is not valid."
    first, more = faults[0], len(faults) - 1
    told = f"Not valid at {first['path']}: {first['message']}"
    return f"{told} See details for {more} more." if more else told
