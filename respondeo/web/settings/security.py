"""Password and sessions."""

from __future__ import annotations

from flask import render_template

from respondeo.web import access
from respondeo.web.settings.bp import bp


@bp.get("/security")
@access.signed_in
def security() -> str:
    """Password and sessions."""
    return render_template("settings/security.html")
