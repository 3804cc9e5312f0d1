"""Pictures in forms: how large a request may be, who sends how many, what is in a field."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from respondeo.domain.errors import Invalid, Problem
from respondeo.services import media
from respondeo.web import access

LARGEST_REQUEST = 9_000_000  # bytes: a picture, and what a form wraps around it


def whose_pictures() -> str:
    """Uploads are counted for each person: decoding costs more than any page."""
    somebody = access.person()
    return f"pictures of {somebody.id if somebody else request.remote_addr}"


def form_field(name: str) -> str:
    """A field of a form that may carry a picture. Raises Invalid where that is too large."""
    request.max_content_length = LARGEST_REQUEST
    try:
        return request.form.get(name, "")
    except RequestEntityTooLarge:
        raise Invalid(Problem("picture", media.TOO_LARGE)) from None


def sent_file(field: str) -> bytes:
    """The file in this field of the form, of several the first; empty where there is none."""
    sent = request.files.get(field)
    return sent.read() if sent else b""
