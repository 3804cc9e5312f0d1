"""The `flask` commands."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup


def init_cli(app: Flask) -> None:
    """Register the commands of ours; those of `flask db` join Flask-Migrate's."""
    from respondeo.cli.api_keys import api_keys
    from respondeo.cli.auth import auth
    from respondeo.cli.database import init_database_cli
    from respondeo.cli.demo import demo
    from respondeo.cli.leaderboards import leaderboards
    from respondeo.cli.serve import serve_command
    from respondeo.cli.users import users

    for command in (api_keys, auth, demo, leaderboards, serve_command, users):
        app.cli.add_command(command)
    init_database_cli()


def without_application(reason: click.ClickException) -> Flask:
    """What `flask` loads where the application cannot start: `db doctor`, and the reason."""
    from respondeo.cli.database.doctor import doctor_command

    app = Flask("respondeo", static_folder=None)
    app.extensions["reason"] = reason
    app.cli = OnlyDoctor(reason)
    database = OnlyDoctor(reason, name="db")
    database.add_command(doctor_command)
    app.cli.add_command(database)
    return app


class OnlyDoctor(AppGroup):
    """Commands, of which those that need the application say why there is none."""

    def __init__(self, reason: click.ClickException, name: str | None = None) -> None:
        super().__init__(name)
        self._reason = reason

    def get_command(self, ctx: click.Context, name: str) -> click.Command:
        found = super().get_command(ctx, name)
        if found is None:
            raise self._reason
        return found
