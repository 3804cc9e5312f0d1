"""What the commands share: the way to the server past any pooler, and what stops them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
import psycopg
import sqlalchemy as sa
from flask import Flask, current_app
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError

from respondeo import pooler
from respondeo.config import Settings
from respondeo.connection_string import ConnectionString
from respondeo.database_trouble import explain, told
from respondeo.db import migration_engine
from respondeo.schema import others

IN_USE = "The tables are in use"


def application() -> Flask:
    """The one whose command this is."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app


def direct() -> ConnectionString:
    """Where DATABASE_DIRECT_URL leads."""
    return ConnectionString.parse(current_app.config["DATABASE_DIRECT_URL"])


@contextmanager
def connected() -> Iterator[sa.Connection]:
    """A connection to the server itself. What the database refuses is said in plain words."""
    try:
        pooler.refuse(direct())
        with migration_engine(current_app).connect() as connection:
            yield connection
    except (DBAPIError, psycopg.Error) as error:
        if isinstance(getattr(error, "orig", error), pg.LockNotAvailable):
            raise in_use() from error
        kept = "" if explain(error) else "Nothing was changed. "
        raise click.ClickException(f"{kept}{told(error, direct())}") from error


def in_use() -> click.ClickException:
    """Somebody holds what we need."""
    with migration_engine(current_app).connect() as connection:
        who = others(connection)
    return click.ClickException(
        f"{IN_USE}, so nothing was changed. Connected are: {who}.\n"
        "Stop Respondeo and whatever else uses the database, then try again."
    )


def server_version(connection: sa.Connection) -> int:
    """The major version."""
    found = connection.dialect.server_version_info
    assert found is not None
    return int(found[0])


def refuse_in_production(what: str) -> None:
    """For commands that lose data by design. Raises ClickException."""
    settings: Settings = current_app.extensions["settings"]
    if settings.app_env == "production":
        raise click.ClickException(
            f"{what} is for development, and APP_ENV is production. Nothing was changed."
        )
