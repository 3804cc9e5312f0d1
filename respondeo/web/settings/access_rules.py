"""Who may do what, for admins."""

from __future__ import annotations

from flask import render_template

from respondeo.web import access
from respondeo.web.settings.bp import bp


@bp.get("/access")
@access.allow("admin:*")
def access_rules() -> str:
    """Who may do what, for admins."""
    return render_template("settings/access_rules.html")
