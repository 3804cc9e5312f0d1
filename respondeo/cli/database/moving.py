"""`flask db upgrade` and `flask db downgrade`: the database, moved step by step."""

from __future__ import annotations

import sys

import click
from flask import current_app
from flask.cli import with_appcontext

from respondeo import migrating
from respondeo.cli.database.connecting import application
from respondeo.config import Settings


@click.command("upgrade")
@click.argument("revision", default="head")
@click.option(
    "--statement-timeout",
    type=click.IntRange(min=0),
    default=migrating.STATEMENT_TIMEOUT_S,
    show_default=True,
    help="Seconds that one statement may take; 0 for as long as it takes.",
)
@with_appcontext
def upgrade_command(revision: str, statement_timeout: int) -> None:
    """Bring the database up to date, or up to a REVISION.

    Safe to repeat, and while others do the same: they wait for each other.
    """
    migrating.upgrade(application(), revision, click.echo, statement_timeout)


@click.command("downgrade", context_settings={"ignore_unknown_options": True})
@click.argument("revision", default="-1")
@click.option("--yes", is_flag=True, help="Do not ask, whatever is lost.")
@with_appcontext
def downgrade_command(revision: str, yes: bool) -> None:
    """Take the last step back, or all down to a REVISION (-2: two steps; base: all).

    Says first what would be lost for good. In production it asks.
    """
    lost = migrating.losses(application(), revision)
    settings: Settings = current_app.extensions["settings"]
    if lost:
        click.echo("This takes away for good:")
        for step, what in lost:
            click.echo(f"  {step}: {what}")
        click.echo("Make a backup first: flask db backup FILE")
        if settings.app_env == "production" and not yes:
            _ask()
    migrating.downgrade(application(), revision, click.echo)


def _ask() -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to ask. To go on whatever is lost, add --yes.")
    click.confirm("Go on?", abort=True)
