"""Uploaded pictures, for everybody and for good: their address follows from their content."""

from __future__ import annotations

import re

from flask import Blueprint, Response, make_response

from respondeo.db import session
from respondeo.domain.errors import NotFound
from respondeo.services import media
from respondeo.web import access

bp = Blueprint("media", __name__)


@bp.get("/media/<name>.webp")
@access.everybody
def picture(name: str) -> Response:
    """The picture whose stored bytes have this SHA-256."""
    if not re.fullmatch(r"[0-9a-f]{64}", name):
        raise NotFound("There is no such picture.")
    response = make_response(media.picture_data(session(), bytes.fromhex(name)))
    response.mimetype = media.CONTENT_TYPE
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response
