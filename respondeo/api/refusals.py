"""Errors as the API tells them: one sentence, and where a body was invalid its faults."""

from __future__ import annotations

from contextlib import suppress

from flask import Response, make_response, request
from sqlalchemy.exc import SQLAlchemyError

from respondeo.db import session
from respondeo.domain.errors import DomainError, Invalid, SignInRequired, TooMany

IN_ALL = "Something that was sent is not valid."


def is_asked() -> bool:
    """Whether this request is the API's."""
    return request.path == "/api" or request.path.startswith("/api/")


def of_rule(error: DomainError, status: int) -> Response:
    """A rule's refusal; `status`: what a page would have; 422 is 400 here, signed out 401."""
    with suppress(SQLAlchemyError):
        session().rollback()
    if isinstance(error, SignInRequired):
        return shown(401, str(error))
    if isinstance(error, Invalid) and status == 422:
        faults = [{"path": one.path, "message": one.message} for one in error.problems]
        return shown(400, f"{IN_ALL} {faults[0]['message']}" if faults else IN_ALL, faults)
    response = shown(status, str(error))
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
    response = make_response(told)
    response.status_code = status
    return response
