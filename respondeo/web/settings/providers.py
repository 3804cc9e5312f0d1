"""Whether the identity providers answer, for admins."""

from __future__ import annotations

from flask import current_app, render_template

from respondeo.config import Settings
from respondeo.db import session
from respondeo.oidc.check import check_all
from respondeo.web import access
from respondeo.web.settings.bp import bp


@bp.get("/providers")
@access.allow("admin:*")
def providers() -> str:
    """What `flask auth check` says, as a page."""
    settings: Settings = current_app.extensions["settings"]
    session().commit()  # nobody else should wait for our connection while we wait for providers
    reports = check_all(settings.oidc_providers, settings.app_url)
    return render_template("settings/providers.html", reports=reports)
