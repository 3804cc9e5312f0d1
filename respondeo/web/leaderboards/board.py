"""How a page with a board asks again, and what it is answered where nothing has changed."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import Response, make_response, request

from respondeo.application import vary_by
from respondeo.db import commit, reader
from respondeo.prepared import Asked
from respondeo.services import quiz_pages
from respondeo.services.leaderboards import Board
from respondeo.web import access

TOP = 10
POLL_MS = 10_000
JITTER_MS = 5_000


@dataclass(frozen=True, slots=True)
class Refreshing:
    """Where a board refreshes itself from, and how often (ms)."""

    url: str
    every_ms: int


def refreshing(url: str, seed: object) -> Refreshing:
    """Every 10 to 15 seconds, different from person to person, so that they do not ask in step."""
    spread = f"{seed}{access.viewer().user_id}{request.remote_addr}".encode()
    jitter = sum(byte * (place + 1) for place, byte in enumerate(spread)) % JITTER_MS
    return Refreshing(url, POLL_MS + jitter)


def with_tag(response: Response, board: Board | None) -> Response:
    """Tell the page which state of the board it shows now."""
    if board is not None:
        response.headers["HX-PTag"] = board.tag
    return response


def to_be_asked(quiz_id: UUID) -> tuple[Asked, ...]:
    """What the pages of a quiz ask first: one that asks whether its board has changed, no more."""
    if "HX-PTag" in request.headers:
        return quiz_pages.to_be_asked(quiz_id)
    return quiz_pages.page_to_be_asked(quiz_id)


def nothing_new(quiz_id: UUID, page: int = 1) -> Response | None:
    """The cheap answer to a page that asks whether its quiz's board has changed: if not, a 304."""
    if "HX-PTag" not in request.headers:
        return None
    tag = quiz_pages.board_tag(reader(), access.viewer(), quiz_id, page)
    commit()
    return unchanged(tag)


def unchanged(tag: str) -> Response | None:
    """An empty 304 where the page that asks already shows this."""
    if request.headers.get("HX-PTag") != tag:
        return None
    response = make_response("", 304)
    vary_by(response, "HX-Request")
    return response
