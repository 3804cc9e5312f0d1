"""`flask db studio`: a read-only browser of all tables, on this machine only."""

from __future__ import annotations

import click
from flask.cli import with_appcontext


@click.command("studio")
@with_appcontext
def studio_command() -> None:
    """Look into all tables in a browser; nothing can be changed."""
