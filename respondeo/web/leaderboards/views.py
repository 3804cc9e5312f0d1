"""The board of a quiz and the global board; both refresh themselves."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, request, url_for

from respondeo.db import session
from respondeo.services import attempts, catalogue, leaderboards, taking
from respondeo.web import access
from respondeo.web.htmx import page_or_fragment
from respondeo.web.leaderboards.board import TOP, shown, unchanged
from respondeo.web.pages import page_from_address

bp = Blueprint("leaderboards", __name__)


@bp.get("/quiz/<uuid:quiz_id>/results")
@access.allow("leaderboard:view")
def quiz(quiz_id: UUID) -> Response:
    """The full board of a quiz, one's own attempts, and for editors everybody's."""
    viewer, page = access.viewer(), page_from_address()
    access.demand("quiz:view")
    size = TOP if request.args.get("top") == "1" else leaderboards.PAGE_SIZE
    card = catalogue.quiz_card(session(), viewer, quiz_id)
    taking.complete_overdue(session(), quiz_id)
    session().commit()
    tag = leaderboards.quiz_board_tag(session(), quiz_id, page, viewer.user_id)
    same = unchanged(tag)
    if same is not None:
        return same
    found = leaderboards.quiz_board(
        session(), quiz_id, user_id=viewer.user_id, page=page, size=size
    )
    everybodys = None
    if viewer.may_edit(card.author_id):
        everybodys = attempts.everybodys_attempts(session(), quiz_id, page_from_address("attempts"))
    response = page_or_fragment(
        "leaderboards/quiz.html",
        "board",
        quiz=card,
        board=shown(found, url_for("leaderboards.quiz", quiz_id=quiz_id, page=page), quiz_id),
        own_attempts=attempts.own_attempts(session(), viewer, quiz_id),
        all_attempts=everybodys,
    )
    response.headers["HX-PTag"] = found.tag
    return response


@bp.get("/leaderboard")
@access.allow("leaderboard:view")
def overall() -> Response:
    """Everybody's sums over all quizzes."""
    taking.complete_overdue(session())
    session().commit()
    page = page_from_address()
    found = leaderboards.overall_board(session(), user_id=access.viewer().user_id, page=page)
    same = unchanged(found.tag)
    if same is not None:
        return same
    board = shown(found, url_for("leaderboards.overall", page=page), "overall")
    response = page_or_fragment("leaderboards/overall.html", "board", board=board)
    response.headers["HX-PTag"] = found.tag
    return response
