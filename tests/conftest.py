"""What all tests share: one embedded PostgreSQL, a database for each worker, a clock to turn."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy.orm import Session

from respondeo import create_app
from respondeo.config import Settings
from respondeo.connection_string import ConnectionString
from respondeo.db import Base, db
from respondeo.embedded import EmbeddedPostgres
from respondeo.extensions import limiter
from respondeo.pooler import Pooler
from respondeo.pooler import between as pooler_between
from tests.client import Client
from tests.pooler import POOLER_PORT, PgBouncer

TEMPLATE = "respondeo_template"
SERVER = "RESPONDEO_TEST_SERVER"
POOLED = "RESPONDEO_TEST_POOLED"  # `make test-system` sets it to play through PgBouncer
POOLER = "RESPONDEO_TEST_POOLER"
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",  # for many workers with a few applications each
}

# Product code asks for `clock_timestamp()`. In tests, a schema that is searched before
# PostgreSQL's own has a function of that name whose time can be set: the database's clock is
# still the only clock, and no product code knows.
CLOCK = """
CREATE SCHEMA turned;
CREATE TABLE turned.clock (stopped_at timestamptz, ahead interval NOT NULL DEFAULT '0');
INSERT INTO turned.clock DEFAULT VALUES;
CREATE FUNCTION turned.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    'SELECT coalesce(stopped_at, pg_catalog.clock_timestamp()) + ahead FROM turned.clock';
"""
SEARCH_PATH = "public,turned,pg_catalog"


def pytest_configure(config: pytest.Config) -> None:
    """Start the server once, before any worker; they find it in the environment."""
    # A run in the background ignores Ctrl-C, and so would the programs that tests stop by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    folder = tempfile.TemporaryDirectory(prefix="respondeo-tests-")
    server = EmbeddedPostgres(Path(folder.name) / "postgres", options=FAST)
    os.environ[SERVER] = server.start()
    config.add_cleanup(folder.cleanup)
    config.add_cleanup(server.stop)
    if POOLED in os.environ:
        (pooler_folder := Path(folder.name) / "pooler").mkdir()
        pooler = PgBouncer(pooler_folder, sa.make_url(server_url()))
        os.environ[POOLER] = str(pooler_folder)
        config.add_cleanup(pooler.stop)
        check_pooler()
    make_template()


def server_url() -> str:
    """The test server, as the role that owns everything."""
    return os.environ[SERVER]


def url_of(database: str, *, turned: bool = True) -> str:
    """The address of a database on the test server, with the clock that tests can turn."""
    url = sa.make_url(direct_url_of(database))
    if turned and POOLER in os.environ:  # where a client's own settings would not arrive
        run_on_server(f"ALTER DATABASE {database} SET search_path = {SEARCH_PATH}")
    elif turned:
        url = url.update_query_dict({"options": f"-csearch_path={SEARCH_PATH}"})
    if POOLER in os.environ:
        pooler = {"host": os.environ[POOLER], "port": str(POOLER_PORT), "pgbouncer": "true"}
        url = url.update_query_dict(pooler)
    return url.render_as_string(hide_password=False)


def check_pooler() -> None:
    """What is to be played through a pooler must not pass without one."""
    string = ConnectionString.parse(url_of(str(sa.make_url(server_url()).database), turned=False))
    with string.connect() as connection:
        assert pooler_between(connection, string.connect) is Pooler.TRANSACTION


def direct_url_of(database: str) -> str:
    """The same past any pooler, for what needs a session of its own."""
    url = sa.make_url(server_url()).set(database=database)
    return url.render_as_string(hide_password=False)


def run_on_server(statement: str) -> None:
    """Run something that needs no transaction, such as CREATE DATABASE."""
    with psycopg.connect(server_url(), autocommit=True) as connection:
        connection.execute(statement.encode())


def make_template() -> None:
    """The database that each worker's is a copy of: migrated, empty, with the clock."""
    run_on_server(f"CREATE DATABASE {TEMPLATE}")
    with psycopg.connect(direct_url_of(TEMPLATE), autocommit=True) as connection:
        connection.execute(CLOCK)
    app = create_app(settings_for(direct_url_of(TEMPLATE)))
    with app.app_context():
        upgrade()
        db.engine.dispose()
    # Some connection of the application's may still be closing.
    run_on_server(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{TEMPLATE}'"  # noqa: S608 - a constant
    )


def settings_for(url: str, **changes: object) -> Settings:
    """Settings of a demo on this database."""
    values: dict[str, object] = {
        "app_env": "demo",
        "secret_key": "only-for-tests-0123456789-abcdefghij",
        "app_url": "http://localhost",
        "database_url": url,
        "rate_limit_guest_plays": 1000,
        "redis_url": None,
        "valkey_url": None,
    }
    return Settings(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def database(worker_id: str) -> Iterator[str]:
    """This worker's own database."""
    name = f"respondeo_{worker_id}"
    run_on_server(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield url_of(name)
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def _app(database: str) -> Iterator[Flask]:
    app = create_app(settings_for(database))
    app.extensions["limits"] = dict(vars(limiter))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(_app: Flask) -> Iterator[Flask]:
    """The application on an empty database: what it commits is wiped afterwards."""
    # Flask-Limiter counts where the application that was made last does.
    vars(limiter).update(_app.extensions["limits"])
    yield _app
    with _app.app_context():
        wipe(db.engine)


def wipe(engine: sa.Engine) -> None:
    """Empty all tables and set the clock right."""
    emptied = [table for table in Base.metadata.sorted_tables if table.name != "catalogue"]
    tables = ", ".join(f'"{table.name}"' for table in emptied)
    with engine.begin() as connection:
        connection.execute(sa.text(f"TRUNCATE {tables}"))
        connection.execute(sa.text("UPDATE turned.clock SET stopped_at = NULL, ahead = '0'"))


@pytest.fixture
def client(app: Flask) -> Client:
    """A browser without JavaScript that accepts only sound pages."""
    return Client(app)


@pytest.fixture
def committed(app: Flask) -> Iterator[Session]:
    """A session of the application's; what it commits, pages and other threads see."""
    with app.app_context():
        yield db.session()
        db.session.remove()


@pytest.fixture
def session(_app: Flask) -> Iterator[Session]:
    """A session whose commits are savepoints: all is rolled back at the end."""
    with _app.app_context(), db.engine.connect() as connection:
        outer = connection.begin()
        session = Session(connection, join_transaction_mode="create_savepoint")
        yield session
        session.close()
        outer.rollback()


@dataclass
class Clock:
    """The database's clock, turned through one session's transaction."""

    session: Session

    def stop(self, at: datetime | None = None) -> datetime:
        """Stop the clock (now, or at a moment); returns the moment."""
        moment = at or self.session.scalar(sa.text("SELECT clock_timestamp()"))
        assert moment is not None
        self._set(stopped_at=moment, ahead=timedelta())
        return moment

    def advance(self, *, ms: float = 0, seconds: float = 0, days: float = 0) -> None:
        """Let time pass."""
        passed = timedelta(milliseconds=ms, seconds=seconds, days=days)
        self.session.execute(
            sa.text("UPDATE turned.clock SET ahead = ahead + :passed"), {"passed": passed}
        )

    def now(self) -> datetime:
        """What the clock says."""
        moment = self.session.scalar(sa.text("SELECT clock_timestamp()"))
        assert isinstance(moment, datetime)
        return moment

    def _set(self, **values: object) -> None:
        self.session.execute(
            sa.text("UPDATE turned.clock SET stopped_at = :stopped_at, ahead = :ahead"), values
        )


@pytest.fixture
def clock(session: Session) -> Clock:
    """The clock of a test that works on `session`; stopped."""
    turned = Clock(session)
    turned.stop()
    return turned


@pytest.fixture
def committed_clock(committed: Session) -> Clock:
    """The clock of a test that works on `committed`; commit for others to see it turned."""
    return Clock(committed)
