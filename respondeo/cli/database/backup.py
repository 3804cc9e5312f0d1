"""`flask db backup`: everything that people made, in one file."""

from __future__ import annotations

import signal
from pathlib import Path

import click
from flask.cli import with_appcontext

from respondeo import backup
from respondeo.backup import clients, formats, words
from respondeo.cli.database.connecting import connected, direct, server_version
from respondeo.schema import Holdings, holdings


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--force", is_flag=True, help="Overwrite the file without asking.")
@with_appcontext
def backup_command(file: Path, force: bool) -> None:
    """Back the database up into FILE: .sql, .sql.gz or .dump; - is the standard output.

    It may run while people play: the file shows one moment.
    """
    # Whoever stops a timer or the machine sends this: what was begun goes, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    target = None if str(file) == "-" else file
    if target:
        formats.format_of(target)
    with connected() as connection:
        present, version = holdings(connection), server_version(connection)
    if not present.revisions:
        raise click.ClickException(
            f"There is nothing of Respondeo's in {direct()}. Check DATABASE_URL; `flask db upgrade`"
            " makes the tables."
        )
    found = clients.newest(direct(), version)
    if target and target.exists() and not force:
        click.confirm(f"{target} exists. Overwrite it?", abort=True)
    done = backup.back_up(direct(), found, present.schema, version, target)
    click.echo(_said(present, target, done), err=target is None)


def _said(present: Holdings, target: Path | None, done: words.Progress) -> str:
    written = words.size(target.stat().st_size if target else done.bytes)
    return (
        f"Backed up {present}, at migration {', '.join(present.revisions)}, to"
        f" {target or 'the standard output'}: {written} in {done.seconds}."
    )
