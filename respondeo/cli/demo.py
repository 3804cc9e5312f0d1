"""`flask demo`: the content that shows what Respondeo can do."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import AppGroup

from respondeo.db import session
from respondeo.demo.load import load_demo
from respondeo.domain.errors import NotAllowed

demo = AppGroup("demo", help="The demo content.")


@demo.command("load")
def load_command() -> None:
    """Load quizzes, people and past attempts, if they are not there yet."""
    if current_app.extensions["settings"].app_env == "production":
        raise click.ClickException("The demo is not for production. Set APP_ENV=demo.")
    try:
        loaded = load_demo(session())
    except NotAllowed as refused:
        raise click.ClickException(str(refused)) from refused
    session().commit()
    if loaded:
        click.echo(f"Loaded {loaded.quizzes} quizzes and {loaded.attempts} past attempts.")
