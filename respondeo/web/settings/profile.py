"""Profile, picture and the name that others see."""

from __future__ import annotations

from flask import render_template

from respondeo.web import access
from respondeo.web.settings.bp import bp


@bp.get("/")
@access.signed_in
def profile() -> str:
    """Profile, picture and the name that others see."""
    return render_template("settings/profile.html")
