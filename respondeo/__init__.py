"""Respondeo: timed quizzes, graded by the server. `create_app` puts the pieces together."""

from __future__ import annotations

from flask import Flask

from respondeo.config import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The application: settings, extensions, blueprints, handlers; nothing else.

    Raises SettingsError, EmbeddedError.
    """
    from pathlib import Path

    from respondeo import api, cli, embedded, extensions, logs, observing, security, web
    from respondeo.application import Application
    from respondeo.errors import init_errors

    app = Application(__name__, template_folder="../templates", static_folder=None)
    instance = Path(app.instance_path)
    settings = settings or Settings.load(instance)
    app.extensions["settings"] = settings
    app.config.from_mapping(
        SECRET_KEY=settings.secret_key,
        DATABASE_URL=settings.database_url or embedded.ensure(instance),
        MAX_CONTENT_LENGTH=1_000_000,
        MAX_FORM_MEMORY_SIZE=100_000,
    )
    app.config["DATABASE_DIRECT_URL"] = settings.database_direct_url or app.config["DATABASE_URL"]
    logs.init_logs(settings)
    extensions.init_extensions(app, settings)
    security.init_security(app, settings)
    web.init_web(app, settings)
    api.init_api(app)
    init_errors(app)
    cli.init_cli(app)
    observing.init_observing(app, settings)
    return app
