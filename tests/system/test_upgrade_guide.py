"""What docs/upgrading.md has typed into Docker Compose's database, typed into one of ours.

`docker` runs here what it is told to run in the database's container. All else is only played: no
engine is needed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest
import sqlalchemy as sa

from respondeo import create_app, migrating
from respondeo.backup import clients
from respondeo.connection_string import ConnectionString
from respondeo.embedded import EmbeddedPostgres
from tests.conftest import settings_for
from tests.dockerfile import ROOT
from tests.test_container import SERVICES

GUIDE = (ROOT / "docs" / "upgrading.md").read_text()
DOCKER = """#!/bin/sh
set -eu
case "$*" in
  "compose exec -T db "*) shift 4; exec "$@" ;;
esac
"""


@pytest.fixture
def postgres() -> Iterator[EmbeddedPostgres]:
    """A database server of our own, whose names are those of compose.yaml."""
    folder = Path(mkdtemp(prefix="resp-", dir="/tmp"))
    with EmbeddedPostgres(folder / "pg") as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture
def shell(postgres: EmbeddedPostgres, tmp_path: Path) -> dict[str, str]:
    """The environment of a terminal in which `docker` and `git` are played."""
    (tmp_path / "bin").mkdir()
    for name, text in (("docker", DOCKER), ("git", "#!/bin/sh\n")):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    programs = clients.newest(ConnectionString.parse(postgres.url), 18).folder
    return {
        "PATH": os.pathsep.join([str(tmp_path / "bin"), str(programs), os.environ["PATH"]]),
        "PGHOST": str(sa.make_url(postgres.url).query["host"]),
    }


def blocks(title: str) -> list[str]:
    """The blocks of shell commands in a section."""
    section = GUIDE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    found = re.findall(r"^( *)```sh\n(.*?)^ *```$", section, re.DOTALL | re.MULTILINE)
    return [re.sub(f"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def type_in(block: str, folder: Path, shell: dict[str, str]) -> None:
    subprocess.run(["sh", "-euc", block], cwd=folder, env=shell, check=True)


def test_an_upgrade_with_compose_can_be_taken_back_whole(
    postgres: EmbeddedPostgres, shell: dict[str, str], tmp_path: Path
) -> None:
    name = SERVICES["db"]["environment"]["POSTGRES_DB"]
    assert sa.make_url(postgres.url).database == sa.make_url(postgres.url).username == name
    app = create_app(settings_for(postgres.url))
    with app.app_context():
        migrating.upgrade(app)
    backup, upgrade, look, back = blocks("With Docker Compose")
    type_in(backup, tmp_path, shell)
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE newer ()")
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    type_in(upgrade + look, tmp_path, shell)
    type_in(back, tmp_path, shell)
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT to_regclass('newer')").fetchone() == (None,)
        assert connection.execute("TABLE alembic_version").fetchone() == ("0006",)


def test_a_backup_that_is_cut_off_is_noticed(
    postgres: EmbeddedPostgres, shell: dict[str, str], tmp_path: Path
) -> None:
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE long AS SELECT generate_series(1, 100000)")
    make, look = blocks("With Docker Compose")[0].splitlines()
    type_in(make, tmp_path, shell)
    (tmp_path / "before-the-upgrade.dump").write_bytes(
        (tmp_path / "before-the-upgrade.dump").read_bytes()[:-2000]
    )
    with pytest.raises(subprocess.CalledProcessError):
        type_in(look, tmp_path, shell)


def test_under_systemd_each_way_starts_with_the_files_in_place() -> None:
    """These commands cannot be run here."""
    backup, replace, start, back = blocks("With systemd")
    assert "db backup - > before-the-upgrade.sql" in backup
    assert 'db restore "$PWD/before-the-upgrade.sql"' in back
    for block in (replace, back):
        at = [block.index(step) for step in ("stop", "git -C", "scripts/venv", "precompress")]
        assert at == sorted(at)
        assert all(f"deploy/{unit.name}" in block for unit in (ROOT / "deploy").glob("respondeo.*"))
        assert "daemon-reload" in block
    assert start.startswith("sudo systemctl start respondeo.socket respondeo.service")
