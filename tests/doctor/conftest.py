"""A migrated database with its owner, copied for each test."""

from __future__ import annotations

from collections.abc import Iterator
from secrets import token_hex

import psycopg
import pytest

from respondeo import create_app, migrating
from respondeo.db import db
from tests.conftest import run_on_server, server_url, settings_for
from tests.doctor.clinic import Clinic


@pytest.fixture(scope="session")
def model() -> Iterator[Clinic]:
    """The database that the others are copies of."""
    name = token_hex(4)
    model = Clinic(f"model_{name}", f"owner_{name}")
    run_on_server(f"CREATE ROLE {model.owner} LOGIN")
    run_on_server(f"CREATE DATABASE {model.database} OWNER {model.owner}")
    app = create_app(settings_for(model.url()))
    with app.app_context():
        migrating.upgrade(app)
        db.engine.dispose()
    yield model
    run_on_server(f"DROP DATABASE {model.database} WITH (FORCE)")
    run_on_server(f"DROP ROLE {model.owner}")


@pytest.fixture
def clinic(model: Clinic) -> Iterator[Clinic]:
    """A database of its own, healthy."""
    copy = Clinic(f"copy_of_{model.database}", model.owner)
    run_on_server(f"CREATE DATABASE {copy.database} TEMPLATE {model.database} OWNER {copy.owner}")
    yield copy
    run_on_server(f"DROP DATABASE IF EXISTS {copy.database} WITH (FORCE)")


@pytest.fixture
def stranger(clinic: Clinic, worker_id: str) -> Iterator[str]:
    """A role that owns nothing."""
    name = f"stranger_{worker_id}"
    run_on_server(f"CREATE ROLE {name} LOGIN")
    yield name
    run_on_server(f"ALTER DATABASE {clinic.database} OWNER TO {clinic.owner}")
    with psycopg.connect(server_url()) as connection:
        connection.execute(f"REASSIGN OWNED BY {name} TO {clinic.owner}".encode())
    clinic.run(f"REASSIGN OWNED BY {name} TO {clinic.owner}; DROP OWNED BY {name}")
    run_on_server(f"DROP OWNED BY {name}")
    run_on_server(f"DROP ROLE {name}")


@pytest.fixture
def narrow(clinic: Clinic) -> Iterator[Clinic]:
    """The same, whose owner's limit of connections is lifted at the end."""
    yield clinic
    clinic.run(f"ALTER ROLE {clinic.owner} CONNECTION LIMIT -1")
