"""A board as a page shows it, and how often the page asks again."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from uuid import UUID

from flask import Response, make_response, request, url_for

from respondeo.application import vary_by
from respondeo.db import commit, reader
from respondeo.kept import Kept
from respondeo.prepared import Asked
from respondeo.services import quiz_pages
from respondeo.services.identity import initials
from respondeo.services.leaderboards import Board, Row
from respondeo.web import access

TOP = 10
POLL_MS = 10_000
JITTER_MS = 5_000


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One row; `url` leads to the attempt that counts."""

    rank: int
    user_id: UUID
    name: str
    initials: str
    image: str | None
    correct: int
    total: int | None
    time_ms: int
    timed_out: bool
    quizzes_played: int | None
    is_me: bool
    url: str | None


@dataclass(frozen=True, slots=True)
class ShownBoard:
    """A page of a board; `url` is where it refreshes itself from, every `poll_ms`.

    name: of the rows, where they are kept. me: the viewer, where one of the rows is theirs.
    """

    rows: tuple[BoardRow, ...]
    own: BoardRow | None
    players: int
    more_players: bool
    page: int
    pages: int
    tag: str
    poll_ms: int
    url: str
    name: Hashable | None
    me: UUID | None


_rows: Kept[tuple[BoardRow, ...]] = Kept(10_000, size=lambda rows: len(rows) + 1)


def shown(board: Board, url: str, seed: object) -> ShownBoard:
    """The board for this viewer, refreshing from `url`."""
    rows = _rows.made(board.name, lambda: tuple(map(_row, board.rows)))
    asking = access.viewer().user_id
    me = asking if any(row.user_id == asking for row in rows) else None
    if me is not None:
        rows = tuple(replace(row, is_me=True) if row.user_id == me else row for row in rows)
    return ShownBoard(
        rows=rows,
        own=replace(_row(board.own), is_me=True) if board.own else None,
        players=board.players,
        more_players=board.more_players,
        page=board.page,
        pages=board.pages,
        tag=board.tag,
        poll_ms=poll_ms(seed),
        url=url,
        name=board.name,
        me=me,
    )


def poll_ms(seed: object) -> int:
    """10 to 15 seconds, different from person to person, so that they do not ask in step."""
    spread = f"{seed}{access.viewer().user_id}{request.remote_addr}".encode()
    return POLL_MS + sum(byte * (place + 1) for place, byte in enumerate(spread)) % JITTER_MS


def _row(row: Row) -> BoardRow:
    """The row as everybody sees it."""
    url = None
    if row.attempt_id is not None:
        url = url_for("taking.result", quiz_id=row.quiz_id, attempt_id=row.attempt_id)
    return BoardRow(
        rank=row.rank,
        user_id=row.user_id,
        name=row.name,
        initials=initials(row.name),
        image=row.image,
        correct=row.score,
        total=row.total,
        time_ms=row.time_ms,
        timed_out=row.timed_out,
        quizzes_played=row.quizzes_played,
        is_me=False,
        url=url,
    )


def with_tag(response: Response, board: ShownBoard | None) -> Response:
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
