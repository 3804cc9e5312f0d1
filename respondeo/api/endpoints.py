"""What each operation of the API does before and after its own work.

An operation names who may use it, what it takes and what it gives; from the same words requests
are checked and the OpenAPI document is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, make_response, request
from pydantic import BaseModel
from werkzeug.http import parse_accept_header

from respondeo.api import asking
from respondeo.api.bodies import WORTH_COMPRESSING, Body
from respondeo.api.body import sent_body, sent_query
from respondeo.api.schemas.parts import is_id
from respondeo.db import ask_ahead, commit
from respondeo.domain.errors import NotFound
from respondeo.prepared import Asked

bp = Blueprint("api", __name__, url_prefix="/api")
bp.after_request(asking.tell_limit)
bp.after_request(asking.tell_by_what)

JSON = "application/json"

Answer = BaseModel | Body | None
View = Callable[..., Answer | tuple[Answer, int]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, as the document describes it and as requests are checked.

    scope: what a key must have; permission: what its owner's role must have. Both None: anybody.
    gives: the schemas of each success. refuses: statuses of errors besides those that all have.
    """

    name: str
    method: str
    path: str
    summary: str
    description: str
    tag: str
    scope: str | None
    permission: str | None
    gives: Mapping[int, tuple[type[BaseModel] | None, ...]]
    refuses: tuple[int, ...] = ()
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    open_to_all: bool = False

    @property
    def who(self) -> str:
        """Who may use it."""
        return " and ".join(filter(None, (self.scope, self.permission))) or "everybody"


OPERATIONS: list[Operation] = []


def serves(
    operation: Operation, *, asks: Callable[..., Sequence[Asked]] | None = None
) -> Callable[[View], View]:
    """Serve an operation by this function of its path's ids, its query and its body.

    asks: what it asks first, from its path's ids.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(**path: str) -> Response:
            if asks is not None and all(map(is_id, path.values())):
                ask_ahead(*asks(**{name: UUID(value) for name, value in path.items()}))
            if not operation.open_to_all:
                asking.demand(operation.scope, operation.permission)
            values: dict[str, Any] = {name: _id(value) for name, value in path.items()}
            if operation.query:
                values["query"] = sent_query(operation.query)
            if operation.body:
                values["body"] = sent_body(operation.body)
            given = view(**values)
            commit()
            model, status = given if isinstance(given, tuple) else (given, 200)
            return _shown(model, status)

        answer.allowed = operation.who  # type: ignore[attr-defined]
        OPERATIONS.append(operation)
        rule = operation.path.replace("{", "<").replace("}", ">")
        bp.add_url_rule(rule, operation.name, answer, methods=[operation.method])
        return view

    return decorate


def _id(text: str) -> UUID:
    """An id in a path. Raises NotFound: what is no id names nothing."""
    if not is_id(text):
        raise NotFound("An id in this address is no UUID.")
    return UUID(text)


def _shown(model: Answer, status: int) -> Response:
    """The answer; what was read carries a tag, and is not sent again where it is known."""
    if status == 204:
        empty = make_response("", 204)
        del empty.headers["Content-Type"]
        return empty
    body = model if isinstance(model, Body) else Body.of(model)
    if status != 200 or request.method not in {"GET", "HEAD"}:
        return Response(body.data, status, content_type=JSON)
    asks_whether = "If-None-Match" in request.headers
    if asks_whether and request.if_none_match.contains_weak(body.tag):
        response = Response(status=304, content_type=JSON)
    elif isinstance(model, Body) and len(body.data) >= WORTH_COMPRESSING:
        response = _compressed(body)
    else:  # as pages are
        response = Response(body.data, content_type=JSON)
    response.set_etag(body.tag, weak=True)
    return response


def _compressed(body: Body) -> Response:
    """What is kept, as the caller takes it."""
    encoding = _taken(request.headers.get("Accept-Encoding", ""))
    headers = {"Vary": "Accept-Encoding"}
    if encoding is None:
        return Response(body.data, headers=headers, content_type=JSON)
    headers["Content-Encoding"] = encoding
    return Response(body.encoded(encoding), headers=headers, content_type=JSON)


@lru_cache(100)
def _taken(accepted: str) -> str | None:
    """Which of our encodings this header would rather have."""
    return parse_accept_header(accepted).best_match(["br", "gzip"])
