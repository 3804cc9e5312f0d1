"""How a process comes by the application: a server's, or a `flask` command's.

A server that cannot start says why in words. A `flask` command that cannot start does too, but for
`flask db doctor`, whom one asks exactly then.
"""

from __future__ import annotations

import sys

import click
from flask import Flask
from flask.cli import FlaskGroup

from respondeo import cli, create_app, health

# Of all exit codes of a worker, the one at which gunicorn gives up instead of trying for ever.
GIVE_UP = 4


def application() -> Flask:
    """The application of this process's environment."""
    asked = click.get_current_context(silent=True)
    try:
        app = create_app()
    except (
        click.ClickException
    ) as error:  # SettingsError, EmbeddedError: they are written to be read
        if asked is None:
            error.show(sys.stderr)
            raise SystemExit(GIVE_UP) from None
        if isinstance(asked.command, FlaskGroup):  # it looks for a command of ours
            return cli.without_application(error)
        raise
    if asked is None:
        health.report(app)
    return app
