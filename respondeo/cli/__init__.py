"""The `flask` commands."""

from __future__ import annotations

from flask import Flask


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
