"""Databases for the tests of backups: one to copy, one that is played on, one that is empty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask

from respondeo.db import db
from tests.cli.databases import Everything, database, everything, fill, run

FORMATS = ["b.sql", "b.sql.gz", "b.dump"]


@dataclass(frozen=True)
class Source:
    """A database with something in every table, and its backups."""

    app: Flask
    folder: Path
    held: Everything

    def file(self, name: str) -> Path:
        return self.folder / name


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    folder = tmp_path_factory.mktemp("backups")
    with database(migrated=True) as app:
        with app.app_context():
            fill(db.session())
            held = everything()
        for name in FORMATS:
            assert run(app, "backup", folder / name).exit_code == 0
        yield Source(app, folder, held)


@pytest.fixture
def used() -> Iterator[Flask]:
    """An application that people play on."""
    with database(migrated=True) as app, app.app_context():
        fill(db.session())
        yield app


@pytest.fixture
def empty() -> Iterator[Flask]:
    """An application on a database without any table."""
    with database() as app, app.app_context():
        yield app
