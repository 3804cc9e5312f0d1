"""Keys for programs: making them, seeing which there are, revoking them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import Form, IntegerField, StringField
from wtforms.validators import AnyOf, InputRequired, NumberRange, ValidationError

from respondeo.db import new_id, session
from respondeo.domain.errors import Invalid
from respondeo.domain.scopes import MEANINGS, SCOPES
from respondeo.services import api_keys
from respondeo.web import access
from respondeo.web.settings.bp import bp, done
from respondeo.web.taking.forms import UUIDField, checked
from respondeo.web.typed import printable

DONE = {"revoked": "The key is revoked. What used it gets in no more."}
FIRST_SCOPES = ("quizzes:read", "attempts:read")
ENDS = {"30": "In 30 days", "90": "In 90 days", "365": "In a year", "never": "Never"}
A_NUMBER = f"Write a number from 1 to {api_keys.MOST_REQUESTS:,}."


class WholeNumberField(IntegerField):
    """A whole number; says so where something else was typed."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError as error:
            raise ValueError(A_NUMBER) from error


class TickedField(StringField):
    """Which of several boxes are ticked."""

    data: Any

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        self.data = list(valuelist)


class KeyForm(Form):
    """A key to be made. key: the id it will have, so that a form sent twice makes one."""

    key = UUIDField(validators=[InputRequired("The form is incomplete. Send it again.")])
    name = StringField()
    scopes = TickedField()
    expires_days = StringField(validators=[AnyOf(ENDS, "Choose when the key expires.")])
    requests_per_minute = WholeNumberField(
        validators=[InputRequired(A_NUMBER), NumberRange(1, api_keys.MOST_REQUESTS, A_NUMBER)]
    )

    def validate_name(self, field: StringField) -> None:
        _refuse(api_keys.problem_of_name(field.data or ""))

    def validate_scopes(self, field: TickedField) -> None:
        _refuse(api_keys.problem_of_scopes(field.data or ()))

    @property
    def days(self) -> int | None:
        """How long the key lasts; None for ever."""
        return None if self.expires_days.data == "never" else int(self.expires_days.data or "")


def _refuse(problem: str | None) -> None:
    if problem is not None:
        raise ValidationError(problem)


def empty_form() -> KeyForm:
    """The form as it is before anybody typed."""
    return KeyForm(
        key=new_id(),
        scopes=list(FIRST_SCOPES),
        expires_days="90",
        requests_per_minute=api_keys.USUAL_REQUESTS,
    )


@bp.get("/keys")
@access.allow("api-key:manage")
def keys() -> Response:
    """One's keys, and a form for another."""
    return keys_page(access.myself().id, empty_form())


def keys_page(
    me: UUID,
    form: KeyForm,
    *,
    made: str | None = None,
    was_made: bool = False,
    invalid: Invalid | None = None,
) -> Response:
    """The page. made: a key to be shown this once; was_made: the form was sent before."""
    problems = {problem.path: problem.message for problem in invalid.problems} if invalid else {}
    page = render_template(
        "settings/keys.html",
        tab="settings.keys",
        keys=api_keys.keys_of(session(), me),
        form=form,
        key_id=form.key.data or new_id(),
        name=printable(form.name.data or ""),
        limit=printable(str((form.requests_per_minute.raw_data or [""])[0])[:20])
        or form.requests_per_minute.data,
        made=made,
        was_made=was_made,
        problems=problems,
        done=done(DONE),
        meanings=MEANINGS,
        scopes=SCOPES,
        ends=ENDS,
        longest_name=api_keys.LONGEST_NAME,
        most_requests=api_keys.MOST_REQUESTS,
    )
    response = make_response(page, 422 if invalid else 200)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/keys")
@access.allow("api-key:manage")
def make_key() -> Response:
    """Make a key and show it, this once: no address leads to it, so there is no redirect."""
    me, form = access.myself().id, KeyForm(request.form)
    try:
        checked(form)
        made = api_keys.create_key(
            session(),
            me,
            form.name.data or "",
            scopes=form.scopes.data or (),
            expires_days=form.days,
            requests_per_minute=form.requests_per_minute.data or 0,
            key_id=form.key.data,
        )
    except Invalid as invalid:
        return keys_page(me, form, invalid=invalid)
    session().commit()
    return keys_page(me, empty_form(), made=made, was_made=made is None)


@bp.post("/keys/<uuid:key_id>/revoke")
@access.allow("api-key:manage")
def revoke_key(key_id: UUID) -> Response:
    """Revoke one of one's keys, at once."""
    api_keys.revoke_key(session(), access.myself().id, key_id)
    session().commit()
    return redirect(url_for("settings.keys", done="revoked"), 303)
