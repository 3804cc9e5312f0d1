"""The reference of the API: the document at `/docs/openapi.json`, to read and to try."""

from __future__ import annotations

from flask import Blueprint, render_template

from respondeo.web import access

bp = Blueprint("reference", __name__)


@bp.get("/docs")
@access.everybody
def reference() -> str:
    """The page that draws the document; it is the same for everybody."""
    return render_template("reference/reference.html", document_url="/docs/openapi.json")
