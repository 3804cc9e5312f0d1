"""Publication: what publishing will do, doing it, taking it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from flask import Response, current_app, make_response, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from respondeo.db import session
from respondeo.domain.access import is_public
from respondeo.domain.completeness import problems
from respondeo.domain.differences import Differences, differences
from respondeo.domain.errors import Invalid, NewerRevision, Problem
from respondeo.domain.exchange import place_in_words
from respondeo.domain.local_time import ZONELESS, Moment, moment, zones
from respondeo.services import authoring
from respondeo.services import publication as service
from respondeo.services.authoring import Editing, When
from respondeo.services.cards import UNTITLED
from respondeo.web import access
from respondeo.web.authoring.bp import bp
from respondeo.web.authoring.fields import editor_url, field_id
from respondeo.web.authoring.wording import Said, changed_details
from respondeo.web.htmx import go_to
from respondeo.web.typed import printable

DONE = {
    "now": "Published. It is open.",
    "changes": "Published. Whoever starts now plays the new version.",
    "scheduled": "Scheduled.",
    "scheduled-twice": "Scheduled. Clocks are put back on that day and show this time twice:"
    " it opens at the first.",
    "unpublished": "Unpublished. Nobody sees it but those who may edit it.",
}


@dataclass(frozen=True, slots=True)
class PublicationView:
    """What the page shows."""

    quiz: Editing
    may_publish: bool
    missing: tuple[tuple[str, str], ...]
    """What keeps the draft from being published, and where each is mended."""
    changes: Differences | None
    """What differs from the published version, None where there is none."""
    url: str

    @property
    def title(self) -> str:
        return self.quiz.draft.title.strip() or UNTITLED

    @property
    def state(self) -> str:
        if self.quiz.published_at is None:
            return "draft"
        return "published" if is_public(self.quiz.published_at, self.quiz.now) else "scheduled"

    @property
    def details(self) -> list[Said]:
        return changed_details(self.changes) if self.changes else []

    @property
    def next_version(self) -> int:
        """The number of the version that publishing would open."""
        version = self.quiz.version or 0
        return version if version and not self.changes else version + 1


@bp.get("/<uuid:quiz_id>/publish")
@access.editors
def publication(quiz_id: UUID) -> Response:
    """What publishing will do, and what is published."""
    return publication_page(quiz_id)


@bp.post("/<uuid:quiz_id>/publish")
@access.editors
def publish(quiz_id: UUID) -> BaseResponse:
    """Publish, change the date, or unpublish, as the button says."""
    try:
        done = _do(quiz_id, request.form)
    except Invalid as invalid:
        return publication_page(quiz_id, invalid=invalid, typed=request.form)
    except NewerRevision:
        return publication_page(quiz_id, stale=True)
    session().commit()
    return go_to(url_for("authoring.publication", quiz_id=quiz_id, done=done))


def _do(quiz_id: UUID, form: MultiDict[str, str]) -> str:
    """Do what was asked; returns the name of what was done. Raises Invalid, NewerRevision."""
    viewer, revision = access.viewer(), _revision(form)
    match form.get("action"):
        case "now":
            authoring.publish(session(), viewer, quiz_id, at=When.NOW, revision=revision)
            return "now"
        case "changes":
            authoring.publish(session(), viewer, quiz_id, at=When.KEEP, revision=revision)
            return "changes"
        case "schedule":
            opens = _opens(form)
            service.schedule(session(), viewer, quiz_id, opens.at, revision=revision)
            return _scheduled(opens)
        case "date":
            opens = _opens(form)
            service.change_date(session(), viewer, quiz_id, opens.at)
            return _scheduled(opens)
        case "open":
            service.change_date(session(), viewer, quiz_id, None)
            return "now"
        case "unpublish":
            authoring.unpublish(session(), viewer, quiz_id)
            return "unpublished"
        case _:
            raise Invalid(Problem("action", "Choose when the quiz is to open."))


def _scheduled(opens: Moment) -> str:
    return "scheduled-twice" if opens.twice else "scheduled"


def _opens(form: MultiDict[str, str]) -> Moment:
    return moment(form.get("date", ""), form.get("time", ""), form.get("zone", ""))


def _revision(form: MultiDict[str, str]) -> int:
    text = form.get("revision", "")
    if not (text.isdecimal() and text.isascii() and len(text) < 10):
        raise Invalid(Problem("action", "Look at what would be published, then choose again."))
    return int(text)


def publication_page(
    quiz_id: UUID,
    *,
    invalid: Invalid | None = None,
    typed: Mapping[str, str] | None = None,
    stale: bool = False,
) -> Response:
    """The page; where a form was refused, with what was typed (422), or what is new (409)."""
    session().rollback()
    view = view_of(authoring.editing(session(), access.viewer(), quiz_id))
    typed = typed or {}
    found = {problem.path: problem.message for problem in invalid.problems} if invalid else {}
    page = render_template(
        "authoring/publication.html",
        view=view,
        problems={
            name: found[name] for name in ("action", "date", "time", "zone") if name in found
        },
        typed={name: printable(typed.get(name, "")) for name in ("action", "date", "time", "zone")},
        zones=zones(),
        zone=typed.get("zone") if typed.get("zone") in zones() else ZONELESS,
        stale=stale,
        done=DONE.get(request.args.get("done", "")),
    )
    session().commit()
    return make_response(page, 409 if stale else 422 if invalid else 200)


def view_of(quiz: Editing) -> PublicationView:
    """What the page shows of a quiz."""
    missing = tuple(
        (told(problem), editor_url(quiz.quiz_id, field_id(quiz.draft, problem.path)))
        for problem in problems(quiz.draft)
    )
    path = url_for("taking.quiz", quiz_id=quiz.quiz_id)
    return PublicationView(
        quiz=quiz,
        may_publish=access.viewer().may_publish(quiz.author_id),
        missing=missing,
        changes=differences(quiz.published, quiz.draft) if quiz.published else None,
        url=current_app.extensions["settings"].app_url + path,
    )


def told(problem: Problem) -> str:
    """What to do, and in which question."""
    if not problem.path.startswith("questions."):
        return problem.message
    return f"{place_in_words(problem.path).split(',')[0]}: {problem.message}"
