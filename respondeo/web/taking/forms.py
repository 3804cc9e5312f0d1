"""The forms of a play: what a player sends, and what is missing from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from wtforms import Form, IntegerField, StringField
from wtforms.validators import InputRequired, NumberRange, Optional

from respondeo.domain.errors import Invalid, Problem


class UUIDField(StringField):
    """An id; `data` is a UUID, None where nothing was sent."""

    data: Any

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        self.data = None
        if valuelist and valuelist[0]:
            try:
                self.data = UUID(valuelist[0])
            except ValueError as error:
                raise ValueError("This is not an id of ours. Reload the page.") from error


class StartForm(Form):
    """`number`: the attempt that the form would start."""

    number = IntegerField(validators=[Optional(), NumberRange(1, 1_000_000)])


class AnswerForm(Form):
    """One answer to one question of one attempt."""

    attempt = UUIDField(validators=[InputRequired("The form is incomplete. Reload the page.")])
    question = UUIDField(validators=[InputRequired("The form is incomplete. Reload the page.")])
    answer = UUIDField(validators=[InputRequired("Choose one of the answers.")])


class NextForm(Form):
    """Leaving the feedback of `question`."""

    attempt = UUIDField(validators=[InputRequired("The form is incomplete. Reload the page.")])
    question = UUIDField(validators=[Optional()])


def checked(form: Form, *fields: str) -> None:
    """Raises Invalid naming what is wrong, among these fields or among all."""
    form.validate()
    problems = [
        Problem(field.name, str(field.errors[0]))
        for field in form
        if field.errors and (not fields or field.name in fields)
    ]
    if problems:
        raise Invalid(*problems)
