"""What was sent: the JSON of a body and the values of a query, checked against their schema."""

from __future__ import annotations

import json
from functools import cache
from itertools import islice
from typing import TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import UnsupportedMediaType

from respondeo.domain import exchange
from respondeo.domain.errors import Invalid, Problem

M = TypeVar("M", bound=BaseModel)

# Bytes: the largest quiz there is, 2 MB of texts and what is around them. Many a program writes
# every letter beyond ASCII as an escape, up to three times as long.
LARGEST_BODY = 7_000_000
BODY = "body"
MOST_TOLD = 100  # faults of one request


def sent_body(schema: type[M]) -> M:
    """The JSON body. Raises Invalid, UnsupportedMediaType, RequestEntityTooLarge."""
    request.max_content_length = LARGEST_BODY
    if not request.is_json:
        raise UnsupportedMediaType("Send JSON, with the header Content-Type: application/json.")
    if request.headers.get("Content-Encoding", "").strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaType("Send the body as it is, without a Content-Encoding.")
    value = _parsed(request.get_data(cache=False))
    try:
        return schema.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise _wrong(error) from None


def sent_query(schema: type[M]) -> M:
    """The query. Raises Invalid."""
    sent = request.args
    values = {name: sent[name] for name in _names(schema) if name in sent}
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise _wrong(error) from None


@cache
def _names(schema: type[BaseModel]) -> tuple[str, ...]:
    return tuple(field.alias for field in schema.model_fields.values() if field.alias)


def _wrong(error: ValidationError) -> Invalid:
    return Invalid(*islice(exchange.faults(error, whole=BODY), MOST_TOLD))


def _parsed(body: bytes) -> object:
    if not body.strip():
        raise Invalid(Problem(BODY, "There is nothing in the body. Send JSON."))
    try:
        return exchange.parsed(body.decode())
    except UnicodeDecodeError:
        raise Invalid(Problem(BODY, "This is not UTF-8.")) from None
    except Invalid as invalid:
        told = (
            Problem(BODY if p.path == exchange.FILE else p.path, p.message)
            for p in invalid.problems
        )
        raise Invalid(*told) from None
