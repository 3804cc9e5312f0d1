"""Whether the application can do its work."""

from __future__ import annotations

from functools import cache

import structlog
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from respondeo import database_trouble, revisions
from respondeo.database_trouble import Trouble
from respondeo.db import abandon, db, session


def trouble(app: Flask) -> Trouble | None:
    """What keeps us from working: the database away, or not at this version's revision."""
    try:
        stored = revisions.stored(session().connection())
    except (DBAPIError, PoolTimeout) as error:
        return database_trouble.explain(error) or database_trouble.AWAY
    finally:
        abandon()
    return revisions.standing(_known(app.extensions["migrate"].directory), stored).trouble


@cache
def _known(directory: str) -> ScriptDirectory:
    """A running program's migrations do not change: they are read once."""
    return revisions.scripts(directory)


def report(app: Flask) -> None:
    """Log what keeps us from working as a server starts. It serves all the same: pages say so,
    and connections come back by themselves."""
    with app.app_context():
        found = trouble(app)
        db.session.remove()
        # A connection must not be shared by workers that are forked next.
        db.engine.dispose()
    if found:
        structlog.get_logger().error(
            "database trouble", kind=found.kind, told=found.sentence, see="flask db doctor"
        )
