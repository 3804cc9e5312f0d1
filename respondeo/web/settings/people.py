"""People, for admins."""

from __future__ import annotations

from flask import render_template

from respondeo.web import access
from respondeo.web.settings.bp import bp


@bp.get("/people")
@access.allow("admin:*")
def people() -> str:
    """People, for admins."""
    return render_template("settings/people.html")
