"""The commands of docs/backup.md, run as they are written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from respondeo import create_app, migrating
from respondeo.backup import clients
from respondeo.connection_string import ConnectionString
from respondeo.db import db
from tests.cli.databases import LEFT_OUT, database, everything, fill
from tests.conftest import run_on_server, server_url, settings_for

ROOT = Path(__file__).parents[2]
MADE = ("rehearsal", "quiz_app_plain", "quiz_app_custom", "quiz_app_zipped")


def commands(text: str) -> list[str]:
    """The blocks of shell commands."""
    return re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project: what is run here may write into it."""
    for folder in ("respondeo", "migrations"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=lambda *_: {"__pycache__"})
    for shared in ("templates", "static"):
        (tmp_path / shared).symlink_to(ROOT / shared)
    shutil.copy(ROOT / "wsgi.py", tmp_path)  # a link would lead back to the folder it is in
    return tmp_path


@pytest.fixture
def shell() -> Iterator[dict[str, str]]:
    """The environment of a terminal where the guide is followed, on a database of its own."""
    to = ConnectionString.parse(server_url())
    folders = [str(Path(sys.executable).parent), str(clients.newest(to, 18).folder)]
    with database(migrated=False) as app:
        name = str(sa.make_url(app.config["DATABASE_URL"]).database)
        yield os.environ | {
            "APP_ENV": "development",
            "DATABASE_URL": app.config["DATABASE_URL"],
            "PATH": os.pathsep.join([*folders, os.environ["PATH"]]),
            "PGHOST": to.hosts[0].name,
            "PGPORT": str(to.hosts[0].port),
            "PGUSER": str(to.user),
            "PGDATABASE": name,
        }


def follow(blocks: list[str], project: Path, shell: dict[str, str]) -> str:
    """Type these commands one after the other, and say yes where they ask. What they said."""
    said = ""
    for block in blocks:
        done = subprocess.run(
            ["sh", "-eu", "-c", block],
            cwd=project, env=shell, input="y\n", capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        said += done.stdout
    return said


def test_the_guide_to_backups_can_be_followed(project: Path, shell: dict[str, str]) -> None:
    url = shell["DATABASE_URL"]
    app = create_app(settings_for(url))
    with app.app_context():
        migrating.upgrade(app)
        fill(db.session())
        before = everything()
    try:
        said = follow(commands((ROOT / "docs" / "backup.md").read_text()), project, shell)
        assert said.count("Restored 5 people, 1 quiz and 5 attempts") == 2
        assert "Rebuilt: nothing had to change." in said
        without = before.rows | {table: [] for table in LEFT_OUT}
        for name in (sa.make_url(url).database, *MADE[1:]):
            there = sa.make_url(url).set(database=name).render_as_string(hide_password=False)
            other = create_app(settings_for(there))
            with other.app_context():
                now = everything()
                db.engine.dispose()
            assert (now.structure, now.rows) == (before.structure, without), name
    finally:
        for name in MADE:
            run_on_server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        with app.app_context():
            db.engine.dispose()
