"""The database: URL handling, the engine, the declarative base, the database's clock.

The only module that knows Flask-SQLAlchemy: everything else sees SQLAlchemy.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from uuid import UUID
from weakref import WeakSet

import psycopg
import sqlalchemy as sa
import uuid_utils.compat
from flask import Flask, g
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session

from respondeo.connection_string import ConnectionString
from respondeo.pool import WatchedPool, leave_dead_connections
from respondeo.prepared import Ahead, Asked, Driver, Reader, Source, driver_of, told

STATEMENT_TIMEOUT_MS = 15_000
LOCK_TIMEOUT_MS = 8_000
# A page says within five seconds that the database is cut off: what was sent there is given up,
# then one new connection is tried.
UNHEARD_MS = 1_500
CONNECT_TIMEOUT_S = 2
POOL_TIMEOUT_S = 5
MAX_OVERFLOW = 4  # for short bursts

_engines: WeakSet[Engine] = WeakSet()


class Base(DeclarativeBase):
    """The base of every table; constraint names follow one convention."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        str: sa.Text(),
        datetime: sa.DateTime(timezone=True),
        UUID: sa.Uuid(),
        bytes: sa.LargeBinary(),
        list[str]: ARRAY(sa.Text()),
        list[int]: ARRAY(sa.SmallInteger()),
    }


db = SQLAlchemy(metadata=Base.metadata)


def session() -> Session:
    """The session of the running request or command."""
    _forget_ahead()
    _give_reader_back()
    return cast("Session", db.session())


def reader() -> Source:
    """Where this request reads what needs no transaction: each statement sees what is committed.

    The session itself where it is in a transaction: what that has done is to be seen.
    """
    if _is_under_way():
        return cast("Session", db.session())
    return Reader(_driver, session, g.get("ahead"))


def ask_ahead(*asked: Asked) -> None:
    """Say what this request is going to ask: it is read together with who is asking.

    What has been read so is forgotten as soon as the session is asked for: it may change things.
    """
    g.ahead = Ahead(asked) if asked else None


def _driver() -> Driver:
    """A connection without BEGIN and COMMIT around what is read, for as long as nobody asks for the
    session; never a second connection beside the session's.
    """
    if _is_under_way():
        return driver_of(db.session())
    if "reader" not in g:
        try:
            g.reader = _pool().lend_reader()
        except psycopg.Error as error:
            raise told(error, invalidated=False) from error
    return cast("Driver", g.reader.driver_connection)


def _is_under_way() -> bool:
    return db.session.registry.has() and db.session().in_transaction()


def commit() -> None:
    """Commit what this request has done so far, if anything; it holds no connection afterwards."""
    _forget_ahead()
    _give_reader_back()
    if db.session.registry.has():
        db.session.commit()


def _forget_ahead() -> None:
    ahead = g.pop("ahead", None)
    if ahead is not None:
        ahead.found = []  # who holds a reader of before has it too


def _give_reader_back() -> None:
    connection = g.pop("reader", None)
    if connection is not None:
        _pool().take_back(connection)


def _pool() -> WatchedPool:
    return cast("WatchedPool", db.engine.pool)


def database_time(session: Session) -> datetime:
    """The database's clock, the only clock there is; ask once and pass it down."""
    return cast("datetime", session.scalar(sa.select(sa.func.clock_timestamp())))


def new_id() -> UUID:
    """A new primary key: UUIDv7, in order of time."""
    return uuid_utils.compat.uuid7()


def parse_url(url: str) -> tuple[URL, bool]:
    """A connection string for psycopg 3, and whether a transaction pooler stands in between.

    Raises ValueError.
    """
    parsed = ConnectionString.parse(url)
    return parsed.url, parsed.pooled


def init_db(app: Flask, url: str, *, connections: int) -> None:
    """Bind the engine: at most `connections` and a few more for short bursts."""
    parsed, pooled = parse_url(url)
    # What the string says itself goes first.
    usual = {
        "connect_timeout": str(CONNECT_TIMEOUT_S),
        "tcp_user_timeout": str(UNHEARD_MS),
        # What was sent may have arrived, and only its answer be lost: so it asks every second.
        "keepalives_idle": "1",
        "keepalives_interval": "1",
        "application_name": "respondeo",
    }
    parsed = parsed.set(query=usual | parsed.query)
    connect_args: dict[str, Any] = {}
    if pooled:
        connect_args["prepare_threshold"] = None
    app.config["SQLALCHEMY_DATABASE_URI"] = parsed
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "connect_args": connect_args,
        "hide_parameters": True,  # in errors, and so in the log: they are what people wrote
        "poolclass": WatchedPool,
        "pool_size": connections,
        "max_overflow": MAX_OVERFLOW,
        "pool_timeout": POOL_TIMEOUT_S,
    }
    db.init_app(app)
    app.teardown_appcontext(_let_go)  # before Flask-SQLAlchemy's own, which lets errors through
    with app.app_context():
        forget_after_fork(db.engine)
        leave_dead_connections(db.engine)
        if not pooled:
            _limit_waiting(db.engine)


def init_read_only_db(app: Flask, url: str) -> None:
    """Bind an engine all of whose transactions PostgreSQL keeps from writing anything."""
    init_db(app, url, connections=4)
    with app.app_context():

        @sa.event.listens_for(db.engine, "connect")
        def only_read(connection: Any, _record: Any) -> None:
            connection.autocommit = True
            connection.execute("SET default_transaction_read_only = on")
            connection.autocommit = False


def forget_after_fork(engine: Engine) -> None:
    """Let `forget_connections` know of this engine."""
    _engines.add(engine)


def forget_connections() -> None:
    """In a process that was just forked: leave all open connections to the one they belong to."""
    for engine in _engines:
        engine.dispose(close=False)


def abandon() -> None:
    """End the transaction, also where its connection is broken: that one is thrown away."""
    _give_reader_back()
    if not db.session.registry.has():
        return
    try:
        db.session.rollback()
    except SQLAlchemyError:
        db.session().invalidate()


def _let_go(_error: BaseException | None) -> None:
    """Whatever breaks now, what was answered stays answered."""
    abandon()


def _limit_waiting(engine: Engine) -> None:
    """No statement of a request may run or wait for a lock for ever."""

    @sa.event.listens_for(engine, "connect")
    def set_timeouts(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        connection.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}")
        connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
        connection.autocommit = False


def migration_engine(app: Flask) -> Engine:
    """An engine for migrations and commands: straight to the server, past any transaction pooler.

    Their statements take as long as they take, whatever the role says of those of requests.
    """
    url, _ = parse_url(app.config["DATABASE_DIRECT_URL"])
    usual = {"connect_timeout": str(CONNECT_TIMEOUT_S), "application_name": "respondeo upgrade"}
    url = url.set(query=usual | url.query)
    engine = sa.create_engine(url, poolclass=sa.NullPool)

    @sa.event.listens_for(engine, "connect")
    def lift_limit(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        connection.execute("SET statement_timeout = 0")
        connection.autocommit = False

    return engine
