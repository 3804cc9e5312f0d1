"""Servers of the system's, started by the tests: never one that runs on this machine already."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from flask import Flask

from respondeo import create_app
from respondeo.db import db
from tests.conftest import settings_for
from tests.doctor.conftest import clinic, model  # noqa: F401 - fixtures
from tests.system.valkey import Valkey

MakeApp = Callable[..., Flask]


@pytest.fixture(scope="module")
def _valkey() -> Iterator[Valkey]:
    # A socket's path must be short.
    with TemporaryDirectory(prefix="resp-", dir="/tmp") as folder:
        server = Valkey(Path(folder))
        yield server
        server.kill()


@pytest.fixture
def valkey(_valkey: Valkey) -> Valkey:
    """A server that runs and is empty."""
    _valkey.start()
    with _valkey.client() as client:
        client.flushall()
    return _valkey


@pytest.fixture
def make_app(app: Flask, database: str) -> Iterator[MakeApp]:
    """Makes applications that count at this address, as workers of their own do."""
    made: list[Flask] = []

    def make(address: str, **changes: object) -> Flask:
        made.append(create_app(settings_for(database, valkey_url=address, **changes)))
        return made[-1]

    yield make
    for one in made:
        one.extensions["key_limits"].server.connection_pool.disconnect()
        with one.app_context():
            db.engine.dispose()
