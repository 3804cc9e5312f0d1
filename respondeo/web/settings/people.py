"""People, for admins: finding them, why they have their role, keeping them out."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from flask import Response, current_app, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from respondeo.db import session
from respondeo.domain.access import AccessRules, RoleReason
from respondeo.services import people as service
from respondeo.services.people import Directory, Entry
from respondeo.web import access
from respondeo.web.htmx import page_or_fragment
from respondeo.web.pages import page_from_address
from respondeo.web.settings.bp import bp, done
from respondeo.web.typed import words

DONE = {
    "signed-out": "Signed out everywhere.",
    "disabled": "Disabled, and signed out everywhere.",
    "enabled": "Enabled. They can sign in again.",
}


@dataclass(frozen=True, slots=True)
class PeopleView:
    """The people as the page shows them."""

    found: Directory
    q: str
    rules: AccessRules

    def role_of(self, person: Entry) -> RoleReason:
        return self.rules.why_role(person.groups)

    def url(self, page: int) -> str:
        return f"{url_for('settings.people')}{query(self.q, page)}"


def query(q: str, page: int, **more: str) -> str:
    """The end of an address that finds these people again."""
    said = ({"q": q} if q else {}) | ({"page": str(page)} if page > 1 else {}) | more
    return f"?{urlencode(said)}" if said else ""


@bp.get("/people")
@access.allow("admin:*")
def people() -> Response:
    """Everybody, searched and cut into pages by the address alone."""
    q = words(request.args.get("q", ""))
    found = service.directory(session(), q=q, page=page_from_address())
    view = PeopleView(found, q, current_app.extensions["access_rules"])
    return page_or_fragment(
        "settings/people.html", "results", view=view, me=access.myself().id, done=done(DONE)
    )


@bp.post("/people/<uuid:user_id>/sign-out")
@access.allow("admin:*")
def sign_out_person(user_id: UUID) -> BaseResponse:
    """End all sessions of a person."""
    service.sign_out_everywhere(session(), user_id)
    session().commit()
    return back("signed-out")


@bp.post("/people/<uuid:user_id>/disable")
@access.allow("admin:*")
def disable_person(user_id: UUID) -> BaseResponse:
    """Keep a person out."""
    service.disable(session(), user_id, by=access.myself().id)
    session().commit()
    return back("disabled")


@bp.post("/people/<uuid:user_id>/enable")
@access.allow("admin:*")
def enable_person(user_id: UUID) -> BaseResponse:
    """Let a person in again."""
    service.enable(session(), user_id)
    session().commit()
    return back("enabled")


def back(what: str) -> BaseResponse:
    """To the people that were on the page, saying what was done."""
    page = request.form.get("page", "1")
    number = int(page) if page.isdecimal() and len(page) < 7 else 1
    found = query(words(request.form.get("q", "")), number, done=what)
    return redirect(f"{url_for('settings.people')}{found}", 303)
