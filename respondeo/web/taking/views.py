"""The pages of a play: the quiz, the questions, the result."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, current_app, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from respondeo.db import commit, reader, session
from respondeo.domain.errors import AttemptOver, Invalid, NotFound, NotThisQuestion
from respondeo.extensions import limiter
from respondeo.services import catalogue, playing, quiz_pages, results, running, starting, taking
from respondeo.services.running import Running
from respondeo.services.steps import Attempt
from respondeo.web import access
from respondeo.web.htmx import go_to, page_or_fragment
from respondeo.web.leaderboards.board import (
    TOP,
    nothing_new,
    refreshing,
    to_be_asked,
    with_tag,
)
from respondeo.web.taking.forms import AnswerForm, NextForm, StartForm, checked
from respondeo.web.taking.ways import way_of

bp = Blueprint("taking", __name__)


def guest_limit() -> str:
    """How many plays one address may start as a guest."""
    settings = current_app.extensions["settings"]
    return (
        f"{settings.rate_limit_guest_plays} per {-(-settings.rate_limit_window_ms // 1000)} second"
    )


@bp.get("/quiz/<uuid:quiz_id>")
@access.asks_ahead(to_be_asked)
@access.allow("quiz:view")
def quiz(quiz_id: UUID) -> Response:
    """What one is getting into, the one button, the top of the board (which refreshes itself)."""
    viewer = access.viewer()
    if same := nothing_new(quiz_id):
        return same
    found = quiz_pages.quiz_page(reader(), viewer, quiz_id, size=TOP)
    commit()
    response = page_or_fragment(
        "taking/quiz.html",
        "board",
        quiz=found.card,
        name=found.name,
        start=found.start,
        board=found.board,
        refreshing=refreshing(url_for("taking.quiz", quiz_id=quiz_id), quiz_id),
        own_attempts=found.own_attempts,
    )
    return with_tag(response, found.board)


@bp.post("/quiz/<uuid:quiz_id>/play")
@access.allow("quiz:play")
@limiter.limit(guest_limit, exempt_when=lambda: not access.viewer().is_guest)
def start(quiz_id: UUID) -> BaseResponse:
    """Start the attempt that the form names, or go to where it stands."""
    form = StartForm(request.form)
    number = form.number.data if form.validate() else None
    viewer, token = access.viewer(), None
    if viewer.is_guest:
        viewer, token = access.guest_with_token()
    attempt = starting.start_attempt(session(), viewer, quiz_id, number=number)
    address = where_it_stands(attempt)
    session().commit()
    response = go_to(address)
    if token is not None:
        access.set_guest_cookie(response, token)
    return response


def where_it_stands(attempt: Attempt) -> str:
    """The address of an attempt: the play page while it is open, then the result."""
    if attempt.completed_at is None:
        return url_for("taking.play", quiz_id=attempt.quiz_id)
    return url_for("taking.result", quiz_id=attempt.quiz_id, attempt_id=attempt.id)


@bp.get("/quiz/<uuid:quiz_id>/play")
@access.asks_ahead(lambda quiz_id: running.to_be_asked(quiz_id, _id_from_address("attempt")))
@access.everybody
def play(quiz_id: UUID) -> BaseResponse:
    """Where the player's attempt stands; reading never starts anything."""
    viewer = access.viewer()
    named, answered = _id_from_address("attempt"), _id_from_address("answered")
    if named is not None:
        return show_play(its_stand(quiz_id, named), answered)
    stands = taking.stands(reader(), viewer, quiz_id)
    if stands is None:
        catalogue.demand_visible(session(), viewer, quiz_id)
        return go_to(url_for("taking.quiz", quiz_id=quiz_id))
    return show_play(stands, answered)


def its_stand(quiz_id: UUID, attempt_id: UUID) -> Running:
    """Where this attempt of the player's stands. Raises NotFound."""
    stands = taking.stands(reader(), access.viewer(), quiz_id, attempt_id)
    if stands is None:
        raise NotFound
    return stands


def _id_from_address(name: str) -> UUID | None:
    try:
        return UUID(request.args[name]) if name in request.args else None
    except ValueError as error:
        raise NotFound from error


def show_play(
    stands: Running, answered: UUID | None = None, *, error: str | None = None
) -> BaseResponse:
    """The play page, or its fragment; where there is nothing more to play, the result."""
    standing = playing.play(reader(), stands, answered=answered)
    commit()
    if standing.status == "over":
        return go_to(where_it_stands(stands.attempt))
    response = page_or_fragment(
        "taking/play.html",
        "play",
        status=422 if error else 200,
        play=standing,
        way=way_of(stands.attempt),
        error=error,
    )
    response.headers["Cache-Control"] = "no-store"
    if standing.status == "time-up":
        response.headers["Refresh"] = str(-(-standing.retry_after_ms // 1000))
    return response


@bp.post("/quiz/<uuid:quiz_id>/play/answer")
@access.everybody
def answer(quiz_id: UUID) -> BaseResponse:
    """Commit an answer; show what may be revealed of it, or where the attempt stands."""
    viewer = access.viewer()
    form = AnswerForm(request.form)
    checked(form, "attempt", "question")
    attempt_id, question_id = form.attempt.data, form.question.data
    try:
        checked(form)
        _, stands = taking.commit_answer(
            session(), viewer, quiz_id, attempt_id, question_id, form.answer.data
        )
    except Invalid as invalid:
        return show_play(its_stand(quiz_id, attempt_id), question_id, error=str(invalid))
    except (AttemptOver, NotThisQuestion):
        session().commit()
        return to_play(its_stand(quiz_id, attempt_id))
    session().commit()
    return to_play(stands, answered=question_id)


@bp.post("/quiz/<uuid:quiz_id>/play/next")
@access.everybody
def next_question(quiz_id: UUID) -> BaseResponse:
    """Leave the feedback: the next question, its clock running."""
    form = NextForm(request.form)
    checked(form)
    stands = taking.show_next(
        session(), access.viewer(), quiz_id, form.attempt.data, form.question.data or None
    )
    session().commit()
    return to_play(stands)


def to_play(stands: Running, answered: UUID | None = None) -> BaseResponse:
    """Bring the player to where the attempt stands: the fragment for htmx, else a 303."""
    if request.headers.get("HX-Request") == "true":
        return show_play(stands, answered)
    attempt = stands.attempt
    if answered is None or attempt.feedback == "end":
        return go_to(where_it_stands(attempt))
    address = url_for("taking.play", quiz_id=attempt.quiz_id, attempt=attempt.id, answered=answered)
    return go_to(address)


@bp.get("/quiz/<uuid:quiz_id>/results/<uuid:attempt_id>")
@access.everybody
def result(quiz_id: UUID, attempt_id: UUID) -> BaseResponse | str:
    """A completed attempt: the number first, then as much of the review as one may see."""
    viewer = access.viewer()
    shown = results.attempt_to_show(reader(), viewer, quiz_id, attempt_id)
    if shown.attempt.completed_at is None:
        return go_to(where_it_stands(shown.attempt))
    found = results.result(reader(), viewer, shown)
    commit()
    path = url_for("taking.result", quiz_id=quiz_id, attempt_id=attempt_id)
    return render_template(
        "taking/result.html",
        result=found,
        share_url=current_app.extensions["settings"].app_url + path,
        hidden_reason=why_hidden(found),
    )


def why_hidden(found: results.Result) -> str | None:
    """Why right answers are not shown, in words for the player; None where they are."""
    if found.disclosed or not found.is_own:
        return None
    if found.is_guest:
        return "Guests see their score only. Sign in before you play to get a review."
    return "Right answers are shown once your last attempt is over."
