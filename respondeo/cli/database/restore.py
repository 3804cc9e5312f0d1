"""`flask db restore`: the database as a backup has it."""

from __future__ import annotations

from pathlib import Path

import click
import sqlalchemy as sa
from flask.cli import with_appcontext

from respondeo import revisions
from respondeo.backup import Restoring, clients, formats, restoring
from respondeo.cli.database.connecting import connected, direct, in_use, server_version
from respondeo.db import Base
from respondeo.schema import Holdings, holdings, others


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Replace what is there without asking.")
@click.option(
    "--force", is_flag=True, help="The same, and tables that Respondeo does not know too."
)
@with_appcontext
def restore_command(file: Path, yes: bool, force: bool) -> None:
    """Restore FILE, made by `flask db backup` or pg_dump, whole or not at all.

    What the database holds of Respondeo's is replaced.
    """
    formats.format_of(file)
    with connected() as connection:
        present, version = holdings(connection), server_version(connection)
        around = others(connection)
    programs = clients.newest(direct(), version, restricted=True)
    restoring_ = Restoring(direct(), programs, file)
    known = revisions.scripts()
    held = restoring_.check(present.schema, {script.revision for script in known.walk_revisions()})
    if present.things:
        _ask(present, around, yes=yes, force=force)
    try:
        done = restoring_.run(present, version)
    except restoring.InUse as error:
        raise in_use() from error
    with connected() as connection:
        _gather_statistics(connection)
        now = holdings(connection)
    click.echo(f"Restored {now}, at migration {', '.join(held)}, in {done.seconds}.")
    click.echo("Nobody is signed in any more: a backup holds no sessions.")
    if revisions.standing(known, held).missing:
        click.echo("The backup is older than this version of Respondeo. Run: flask db upgrade")


def _ask(present: Holdings, around: str, *, yes: bool, force: bool) -> None:
    """What would go, and whether it may. Raises ClickException, Abort."""
    where = f"The schema {present.schema} of {direct()}"
    unknown = ", ".join(present.unknown)
    if unknown:
        click.echo(f"{where} holds tables that this version of Respondeo does not know: {unknown}.")
        if yes and not force:
            raise click.ClickException(
                "Nothing was changed. They would go too: --force allows it."
                " Or restore into a database of its own."
            )
    if yes or force:
        return
    click.echo(f"{where} holds {str(present) or 'tables'}. All of it would be replaced.")
    if around:
        click.echo(f"Connected are: {around}. Stop Respondeo first: what people do now is lost.")
    click.confirm("Replace it?", abort=True)


def _gather_statistics(connection: sa.Connection) -> None:
    """A restored table has none, and the planner would guess badly until autovacuum comes by."""
    names = {thing.name: thing.written for thing in holdings(connection).things}
    known = [names[table] for table in Base.metadata.tables if table in names]
    connection.execute(sa.text(f"ANALYZE {', '.join(known)}"))
    connection.commit()
