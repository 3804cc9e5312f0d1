"""The board of a quiz and the global board; both refresh themselves."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, request, url_for

from respondeo.db import commit, reader, session
from respondeo.services import attempts, leaderboards, overall, quiz_pages
from respondeo.web import access
from respondeo.web.htmx import page_or_fragment
from respondeo.web.leaderboards.board import (
    nothing_new,
    refreshing,
    to_be_asked,
    unchanged,
    with_tag,
)
from respondeo.web.pages import page_from_address

bp = Blueprint("leaderboards", __name__)


@bp.get("/quiz/<uuid:quiz_id>/results")
@access.asks_ahead(to_be_asked)
@access.allow("leaderboard:view")
def quiz(quiz_id: UUID) -> Response:
    """The full board of a quiz, one's own attempts, and for editors everybody's."""
    viewer, page = access.viewer(), page_from_address()
    access.demand("quiz:view")
    if same := nothing_new(quiz_id, page):
        return same
    found = quiz_pages.quiz_page(reader(), viewer, quiz_id, page=page, size=leaderboards.PAGE_SIZE)
    assert found.board is not None
    everybodys = None
    if viewer.may_edit(found.card.author_id):
        everybodys = attempts.everybodys_attempts(session(), quiz_id, page_from_address("attempts"))
    commit()
    response = page_or_fragment(
        "leaderboards/quiz.html",
        "board",
        quiz=found.card,
        board=found.board,
        refreshing=refreshing(url_for("leaderboards.quiz", quiz_id=quiz_id, page=page), quiz_id),
        own_attempts=found.own_attempts,
        all_attempts=everybodys,
    )
    return with_tag(response, found.board)


@bp.get("/leaderboard", endpoint="overall")
@access.asks_ahead(lambda: () if request.args else overall.page_to_be_asked(leaderboards.PAGE_SIZE))
@access.allow("leaderboard:view")
def all_quizzes() -> Response:
    """Everybody's sums over all quizzes."""
    page = page_from_address()
    viewer = access.viewer()
    found = overall.board(reader(), user_id=viewer.user_id, page=page, size=leaderboards.PAGE_SIZE)
    commit()
    same = unchanged(found.tag)
    if same is not None:
        return same
    response = page_or_fragment(
        "leaderboards/overall.html",
        "board",
        board=found,
        refreshing=refreshing(url_for("leaderboards.overall", page=page), "overall"),
    )
    return with_tag(response, found)
