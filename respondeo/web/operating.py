"""What is for whoever runs this server, and how they show that they do."""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, current_app, request

from respondeo.config import Settings
from respondeo.db import db
from respondeo.domain.errors import NotFound
from respondeo.hops import is_here
from respondeo.web import access

bp = Blueprint("operating", __name__)


@bp.get("/metrics")
@access.everybody
def metrics() -> Response:
    """Everything that Prometheus reads. For others there is no such page."""
    if not is_operator():
        raise NotFound("There is no such page, or it is not open to you. Check the address.")
    from respondeo.metrics import attempts

    return Response(attempts.exposition(db.engine), content_type=attempts.CONTENT_TYPE)


def is_operator() -> bool:
    """Whether the request holds METRICS_TOKEN, or comes from this machine itself."""
    settings: Settings = current_app.extensions["settings"]
    wanted = f"Bearer {settings.metrics_token}" if settings.metrics_token else ""
    sent = request.headers.get("Authorization", "")
    holds = wanted != "" and hmac.compare_digest(sent.encode(), wanted.encode())
    return holds or is_here(request.environ)
