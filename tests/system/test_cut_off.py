"""The line to the database is cut under a running server, without a word to anybody."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp
from threading import Event

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.scopes import SCOPES
from respondeo.embedded import EmbeddedPostgres
from respondeo.services import api_keys
from tests.client import Page
from tests.factories import add_user
from tests.pooler import POOLER_PORT, PgBouncer
from tests.races.conftest import World
from tests.races.serving import Caller, Server, until
from tests.system.line import PORT, Line
from tests.web.playing import asked

GUIDE = (Path(__file__).parents[2] / "docs" / "database.md").read_text()
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


def directly(postgres: EmbeddedPostgres, line: Line) -> str:
    """The database's address through the line."""
    name = sa.make_url(postgres.url).username
    return f"postgresql://{name}@{line.address}:{PORT}/{name}"


@pytest.fixture(params=["direct", "pooled"])
def url(request: pytest.FixtureRequest, postgres: EmbeddedPostgres, line: Line) -> Iterator[str]:
    """The same, or a PgBouncer's before the line, with the timeouts of the guide."""
    if request.param == "direct":
        yield directly(postgres, line)
        return
    timeouts = re.findall(r"^\w+_(?:timeout|retry) = \d+$", GUIDE, re.MULTILINE)
    assert len(timeouts) == 4
    folder = Path(mkdtemp(prefix="resp-", dir="/tmp"))
    pooler = PgBouncer(
        folder, sa.make_url(postgres.url), address=line.address, more="\n".join(timeouts)
    )
    name = sa.make_url(postgres.url).username
    yield f"postgresql:///{name}?host={folder}&port={POOLER_PORT}&pgbouncer=true"
    pooler.stop()
    shutil.rmtree(folder)


def test_pages_say_within_five_seconds_that_the_database_is_cut_off_and_go_on_when_it_is_back(
    postgres: EmbeddedPostgres, line: Line, url: str, tmp_path: Path
) -> None:
    server = Server(url, tmp_path / "server.log", DATABASE_DIRECT_URL=postgres.url)
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


def test_programs_are_told_so_in_time_also_in_the_middle_of_their_requests(
    postgres: EmbeddedPostgres, line: Line, tmp_path: Path
) -> None:
    server = Server(directly(postgres, line), tmp_path / "server.log", workers=1)
    world = World(server, postgres.url)
    with Session(world.engine) as session:
        person = add_user(session).id
        key = api_keys.create_key(
            session, person, "A key", scopes=SCOPES, expires_days=None, requests_per_minute=1000
        )
        session.commit()
    caller = Caller(server.port, key=str(key))
    times: list[float] = []
    done = Event()

    def ask_on() -> None:
        """One of eight, as many as the worker has threads: it asks until the end."""
        while not done.is_set():
            began = time.monotonic()
            assert caller.get("/api/quizzes").status_code in {200, 503}
            times.append(time.monotonic() - began)

    with ThreadPoolExecutor(8) as threads:
        asking = [threads.submit(ask_on) for _ in range(8)]
        until(lambda: len(times) > 40 or None, "the first answers")
        line.cut()
        sofar = len(times)
        until(lambda: len(times) > sofar + 24 or None, "answers without a database")
        done.set()
        for one in asking:
            one.result()
    assert max(times) < LONGEST_S
    line.mend()
    # Whoever asks without a pause does not keep it from counting again.
    until(lambda: "X-RateLimit-Limit" in caller.get("/api/quizzes").headers or None, "a count")
    server.stop()
