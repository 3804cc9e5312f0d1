"""`flask db reset`: an empty development database."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from respondeo import migrating
from respondeo.cli.database.connecting import application, connected, direct, refuse_in_production
from respondeo.cli.demo import load_command
from respondeo.config import Settings
from respondeo.db import db
from respondeo.schema import clear, holdings


@click.command("reset")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--demo/--no-demo", default=None, help="Load the demo content then, or do not ask.")
@with_appcontext
def reset_command(yes: bool, demo: bool | None) -> None:
    """Drop everything of ours in a development database and make it again, empty.

    The database itself and its other schemas stay.
    """
    refuse_in_production("`flask db reset`")
    with connected() as connection:
        present = holdings(connection)
        if present.things and not yes:
            unknown = f", and also {', '.join(present.unknown)}" if present.unknown else ""
            click.echo(f"The schema {present.schema} of {direct()} holds {present}{unknown}.")
            click.confirm("All of it goes, for good. Go on?", abort=True)
        clear(connection)
        connection.commit()
    migrating.upgrade(application(), say=click.echo)
    _offer_demo(demo if demo is not None or not yes else False)


def _offer_demo(wanted: bool | None) -> None:
    settings: Settings = current_app.extensions["settings"]
    if wanted is None:
        wanted = click.confirm("Load the demo content?", default=settings.app_env == "demo")
    if wanted:
        db.session.remove()
        click.get_current_context().invoke(load_command)
    else:
        click.echo("The demo content comes with: flask demo load")
