"""`flask db push`: the models as they are now, without a migration file."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from respondeo import migrating, revisions
from respondeo.cli.database.connecting import application, connected, direct, refuse_in_production
from respondeo.pushing import WouldLoseData, push
from respondeo.schema import holdings

AFTERWARDS = """\
This is for trying things out: alembic_version still says {revision}. When the models are right,
make the migration from a database that has not been pushed to, and read what it says:
  flask db reset
  flask db migrate -m "What changes"
  flask db upgrade"""


@click.command("push")
@click.option("--drop", is_flag=True, help="Drop tables and columns that the models do not have.")
@with_appcontext
def push_command(drop: bool) -> None:
    """Bring a development database to the models, without a migration file."""
    refuse_in_production("`flask db push`")
    _upgrade_first()
    with connected() as connection:
        try:
            statements = push(connection, drop=drop)
        except WouldLoseData as error:
            raise click.ClickException(_refusal(error)) from error
        connection.commit()
    for statement in statements:
        click.echo(f"{statement};")
    if statements:
        click.echo(AFTERWARDS.format(revision=revisions.scripts().get_current_head()))
    else:
        click.echo("The database agrees with the models: nothing had to change.")


def _upgrade_first() -> None:
    """The models build upon what the migrations make, triggers and functions too."""
    with connected() as connection:
        standing = revisions.standing(revisions.scripts(), holdings(connection).revisions)
    if standing.unknown:
        raise click.ClickException(
            f"{direct()} is at a migration that there is no file of: {', '.join(standing.unknown)}."
            "\nGo to the branch that has it, or start anew: flask db reset"
        )
    if not standing.missing:
        return
    try:
        migrating.upgrade(application(), say=click.echo)
    except migrating.MigrationError as error:
        raise click.ClickException(
            f"{error.message}\nIf that was pushed here before, start anew: flask db reset"
        ) from error


def _refusal(error: WouldLoseData) -> str:
    losses = "".join(f"\n  {statement};" for statement in error.losses)
    return (
        f"Nothing was changed. These would lose data:{losses}\n"
        "If they may go: flask db push --drop. A new name for something that stays is two steps"
        " for it, so write a migration for that: flask db migrate"
    )
