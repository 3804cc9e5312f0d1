"""`flask leaderboards`: the boards, computed again."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from respondeo.db import session
from respondeo.services import standings, taking

leaderboards = AppGroup("leaderboards", help="The boards.")


@leaderboards.command("rebuild")
def rebuild_command() -> None:
    """Compute all boards again from the stored answers."""
    while taking.complete_overdue(session()):
        session().commit()
    changed = standings.rebuild(session())
    session().commit()
    if changed:
        click.echo(f"Rebuilt: {changed} rows were wrong and have been set right.")
    else:
        click.echo("Rebuilt: nothing had to change.")
