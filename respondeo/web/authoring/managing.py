"""One's own quizzes: finding them, copying one, deleting one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode
from uuid import UUID

from flask import Response, make_response, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from respondeo.db import new_id, session
from respondeo.domain.errors import NotFound
from respondeo.services import authoring
from respondeo.services import managing as service
from respondeo.services.managing import OwnQuiz, Shelf, Wanted
from respondeo.web import access
from respondeo.web.authoring.bp import bp
from respondeo.web.authoring.fields import editor_url
from respondeo.web.htmx import go_to, page_or_fragment
from respondeo.web.pages import known, page_from_address
from respondeo.web.typed import words

DONE = {
    "deleted": "Deleted. The boards are corrected.",
    "gone": "This quiz is deleted.",
}


@dataclass(frozen=True, slots=True)
class ShelfView:
    """The quizzes as the page shows them."""

    found: Shelf
    wanted: Wanted

    @property
    def quizzes(self) -> tuple[OwnQuiz, ...]:
        return self.found.quizzes

    @property
    def narrowed(self) -> bool:
        return bool(self.wanted.q or self.wanted.state or self.wanted.whose)

    def url(self, **changes: str | int) -> str:
        """This list with something changed; any change but of the page goes to page 1."""
        shown = replace(self.wanted, **({"page": 1} | changes))  # type: ignore[arg-type]
        plain = Wanted()
        query = {
            name: getattr(shown, name)
            for name in Wanted.__dataclass_fields__
            if getattr(shown, name) != getattr(plain, name)
        }
        return f"{request.path}?{urlencode(query)}" if query else request.path


@bp.get("/mine")
@access.authors
def mine() -> Response:
    """One's own quizzes, or everybody's, searched and cut into pages by the address alone."""
    wanted = wanted_from_address()
    found = service.own_quizzes(session(), access.viewer(), wanted)
    view = ShelfView(found, replace(wanted, page=found.page))
    return page_or_fragment(
        "authoring/mine.html",
        "results",
        view=view,
        new_id=new_id,
        done=DONE.get(request.args.get("done", "")),
    )


def wanted_from_address() -> Wanted:
    """What the address narrows the list to; values that mean nothing narrow nothing."""
    asked, any_ = request.args, access.viewer().may("quiz:edit-any")
    return Wanted(
        q=words(asked.get("q", "")),
        state=known(asked.get("state"), service.STATES),
        whose=known(asked.get("whose"), ["all"]) if any_ else "",
        sort=known(asked.get("sort"), service.SORTS) or service.EDITED,
        page=page_from_address(),
    )


@bp.post("/<uuid:quiz_id>/duplicate")
@access.editors
def duplicate(quiz_id: UUID) -> BaseResponse:
    """Make a copy of the draft and open it; a form sent twice makes one."""
    viewer = access.viewer()
    copy = authoring.duplicate_quiz(session(), viewer, quiz_id, copy_id=id_of(request.form, "copy"))
    session().commit()
    return go_to(editor_url(copy.id))


def id_of(form: Mapping[str, str], name: str) -> UUID | None:
    """The id in this field of a form, None where there is none."""
    try:
        return UUID(form.get(name, ""))
    except ValueError:
        return None


@bp.get("/<uuid:quiz_id>/delete")
@access.removers
def deletion(quiz_id: UUID) -> Response:
    """What goes when the quiz is deleted, and the button."""
    return deletion_page(quiz_id)


def deletion_page(quiz_id: UUID, *, status: int = 200) -> Response:
    """The page that asks; 422 where the form did not say that one is sure."""
    going = service.deletion(session(), access.viewer(), quiz_id)
    session().commit()
    page = render_template("authoring/deletion.html", quiz=going)
    return make_response(page, status)


@bp.post("/<uuid:quiz_id>/delete")
@access.removers
def delete(quiz_id: UUID) -> BaseResponse:
    """Delete the quiz with all that is played of it; one that is gone is gone."""
    try:
        if request.form.get("sure") != "yes":
            return deletion_page(quiz_id, status=422)
        authoring.delete_quiz(session(), access.viewer(), quiz_id)
        done = "deleted"
    except NotFound:
        done = "gone"
    session().commit()
    return go_to(after_deleting(done))


def after_deleting(done: str) -> str:
    """Where to go on: one's quizzes, for those who have that page."""
    viewer = access.viewer()
    if viewer.user_id is not None and any(viewer.may(one) for one in access.AUTHORS):
        return url_for("authoring.mine", done=done)
    return url_for("pages.home")
