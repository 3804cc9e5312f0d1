"""The pages: blueprints, one for each subject, and what their templates need."""

from __future__ import annotations

from flask import Flask

from respondeo.config import Settings


def init_web(app: Flask, settings: Settings) -> None:
    """Register the blueprints, the template filters, and who is asking."""
    from respondeo.web import (
        access,
        auth,
        authoring,
        filters,
        leaderboards,
        media,
        operating,
        pages,
        reference,
        taking,
    )
    from respondeo.web import settings as own_settings
    from respondeo.web.auth import oidc

    access.init_access(app, settings)
    oidc.init_oidc(app, settings)
    filters.init_filters(app, settings)
    for blueprint in (
        pages.bp, auth.bp, taking.bp, leaderboards.bp, media.bp, own_settings.bp, authoring.bp,
        reference.bp, operating.bp,
    ):  # fmt: skip
        app.register_blueprint(blueprint)
