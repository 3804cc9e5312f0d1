"""What tests of services share: many connections, and a world of quizzes and players."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.conftest import Clock
from tests.services.parallel import many_connections
from tests.services.world import World


@pytest.fixture
def wide(app: Flask, database: str) -> Iterator[Flask]:
    """The application with connections for many threads, on the database of `committed`."""
    with many_connections(database) as application:
        yield application


@pytest.fixture
def world(session: Session, clock: Clock) -> World:
    """Two quizzes, and people who play them as told."""
    return World(session, clock)
