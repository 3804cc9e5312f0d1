"""Whether the application can do its work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from respondeo import database_trouble
from respondeo.database_trouble import Trouble
from respondeo.db import session


def trouble(app: Flask) -> Trouble | None:
    """What keeps us from working: the database away, or not at the newest migration."""
    try:
        current = session().scalar(sa.text("SELECT version_num FROM alembic_version"))
        session().rollback()
    except (DBAPIError, PoolTimeout) as error:
        session().rollback()
        return database_trouble.explain(error) or database_trouble.AWAY
    return None if current == newest_migration(app) else database_trouble.SCHEMA


def newest_migration(app: Flask) -> str | None:
    """The revision that this version of the program needs."""
    return _scripts(app).get_current_head()


def known_migrations(app: Flask) -> set[str]:
    """The revisions that this version of the program can upgrade from, and the newest."""
    return {script.revision for script in _scripts(app).walk_revisions()}


def _scripts(app: Flask) -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", app.extensions["migrate"].directory)
    return ScriptDirectory.from_config(config)
