"""Whether the identity providers answer, for admins."""

from __future__ import annotations

import structlog
from flask import current_app, render_template

from respondeo.config import Settings
from respondeo.db import session
from respondeo.oidc.check import Report, check_all
from respondeo.web import access
from respondeo.web.settings.bp import bp


@bp.get("/providers")
@access.allow("admin:*")
def providers() -> str:
    """What `flask auth check` says, as a page."""
    settings: Settings = current_app.extensions["settings"]
    session().commit()  # nobody else should wait for our connection while we wait for providers
    reports = check_all(settings.oidc_providers, settings.app_url)
    _log(reports)
    return render_template("settings/providers.html", reports=reports)


def _log(reports: list[Report]) -> None:
    """The page has it in plain words; what exactly went wrong is for the log."""
    for report in reports:
        for finding in filter(lambda one: one.cause, report.findings):
            structlog.get_logger().warning(
                "provider check",
                provider=report.provider.id,
                about=finding.about,
                cause=finding.cause,
            )
