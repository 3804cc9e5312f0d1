"""What the commands share: the way to the server past any pooler, and what stops them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import click
import psycopg
import sqlalchemy as sa
from flask import Flask, current_app
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError

from respondeo import pooler
from respondeo.config import Settings
from respondeo.connection_string import ConnectionString
from respondeo.database_trouble import explain
from respondeo.db import CONNECT_TIMEOUT_S, migration_engine
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
        _refuse_pooler(direct())
        with migration_engine(current_app).connect() as connection:
            yield connection
    except (DBAPIError, psycopg.Error) as error:
        if isinstance(getattr(error, "orig", error), pg.LockNotAvailable):
            raise in_use() from error
        raise click.ClickException(_plainly(error)) from error


def _refuse_pooler(to: ConnectionString) -> None:
    connect = partial(to.connect, connect_timeout=str(CONNECT_TIMEOUT_S))
    pooled = to.pooled
    if not pooled:
        with connect() as connection:
            pooled = pooler.between(connection, connect) is pooler.Pooler.TRANSACTION
    if pooled:
        raise click.ClickException(
            "This cannot go through a pooler in transaction mode. Set DATABASE_DIRECT_URL to the"
            " address of the server itself."
        )


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


def _plainly(error: DBAPIError | psycopg.Error) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    said = direct().hide(str(cause).strip().splitlines()[0])
    trouble = explain(error)
    if trouble is None:
        return f"Nothing was changed. PostgreSQL said: {said}"
    return f"{trouble.sentence}\nPostgreSQL said: {said}\n`flask db doctor` says more."
