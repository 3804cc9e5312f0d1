"""The line to the database is cut under a running server, without a word to anybody."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
import sqlalchemy as sa

from respondeo.embedded import EmbeddedPostgres
from tests.client import Page
from tests.races.conftest import World
from tests.races.serving import Server, until
from tests.system.line import PORT, Line
from tests.web.playing import asked

LONGEST_S = 5


@pytest.fixture
def postgres() -> Iterator[EmbeddedPostgres]:
    """A database server of our own."""
    folder = Path(mkdtemp(prefix="resp-", dir="/tmp"))
    with EmbeddedPostgres(folder / "pg") as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture
def line(postgres: EmbeddedPostgres) -> Iterator[Line]:
    """The line to it."""
    folder = str(sa.make_url(postgres.url).query["host"])
    with Line(Path(folder) / f".s.PGSQL.{PORT}") as line:
        yield line


def test_pages_say_within_five_seconds_that_the_database_is_cut_off_and_go_on_when_it_is_back(
    postgres: EmbeddedPostgres, line: Line, tmp_path: Path
) -> None:
    name = sa.make_url(postgres.url).username
    server = Server(f"postgresql://{name}@{line.address}:{PORT}/{name}", tmp_path / "server.log")
    world = World(server, postgres.url)
    player = world.player(world.quiz(time_limit_seconds=600))
    page = player.start()
    line.cut()
    for _ in range(3):
        began = time.monotonic()
        refused = player.answer(page, "A")
        assert time.monotonic() - began < LONGEST_S
        assert refused.status_code == 503
        assert "The database is away" in refused.text
    assert player.caller.get("/healthz").status_code == 200
    line.mend()
    until(lambda: player.caller.get("/readyz").status_code == 200 or None, "the database")
    page = Page(player.next(Page(player.answer(page, "A"))))
    assert asked(page) == 2
    server.stop()
