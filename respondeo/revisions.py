"""The revisions of the schema: those this program knows, and how a database stands to them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from psycopg import errors as pg
from sqlalchemy.exc import ProgrammingError

from respondeo.database_trouble import NEWER, SCHEMA, Trouble

DIRECTORY = Path(__file__).parent.parent / "migrations"
JOIN = "flask db merge heads -m 'Join the heads'"
STORED = "SELECT version_num FROM alembic_version ORDER BY 1"


@dataclass(frozen=True, slots=True)
class Standing:
    """A database against the program: what is stored in it, and what that means."""

    stored: tuple[str, ...]
    unknown: tuple[str, ...]
    """Stored, but of a program that knows more than this one."""
    missing: tuple[Script, ...]
    """Steps to the newest revision, the next one first."""

    @property
    def trouble(self) -> Trouble | None:
        if self.unknown:
            return NEWER
        return SCHEMA if self.missing or len(self.stored) != 1 else None


def scripts(directory: str | Path = DIRECTORY) -> ScriptDirectory:
    """The migrations of this program."""
    config = Config()
    config.set_main_option("script_location", str(directory))
    return ScriptDirectory.from_config(config)


def several_heads(known: ScriptDirectory) -> str | None:
    """What is wrong with a program two of whose migrations follow the same one; None is right."""
    heads = sorted(known.get_heads())
    if len(heads) == 1:
        return None
    return f"This program's migrations have several heads: {', '.join(heads)}."


def standing(known: ScriptDirectory, stored: Collection[str]) -> Standing:
    """Compare the revisions stored in a database with those of the program."""
    everything = list(known.walk_revisions())[::-1]
    names = {script.revision for script in everything}
    applied = {
        script.revision
        for revision in stored
        if revision in names
        for script in known.iterate_revisions(revision, "base")
    }
    return Standing(
        tuple(sorted(stored)),
        tuple(sorted(set(stored) - names)),
        tuple(script for script in everything if script.revision not in applied),
    )


def stored(connection: sa.Connection) -> tuple[str, ...]:
    """The revisions a database says it is at; none where it was never upgraded."""
    try:
        with connection.begin_nested():
            return tuple(connection.scalars(sa.text(STORED)))
    except ProgrammingError as error:
        if isinstance(error.orig, pg.UndefinedTable):
            return ()
        raise


def title(script: Script) -> str:
    """What a revision is about: the first line of its file."""
    return script.doc.splitlines()[0].rstrip(".") if script.doc else script.revision
