"""A key's limit is exact, however many workers are asked at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from respondeo.models import RateLimit
from tests.conftest import TEMPLATE, direct_url_of, run_on_server, url_of
from tests.races.conftest import World
from tests.races.limits import ask_300_times, exactly_100_passed, program
from tests.races.serving import Server, until

pytestmark = pytest.mark.xdist_group("races")


@pytest.fixture(scope="module")
def four(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Four workers on a database of their own, whose clock nobody turns."""
    name = f"respondeo_four_{worker_id}"
    run_on_server(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    url = url_of(name, turned=False)
    try:
        log = tmp_path_factory.mktemp("four") / "server.log"
        server = Server(url, log, workers=4, DATABASE_DIRECT_URL=direct_url_of(name))
        yield World(server, direct_url_of(name))
        server.stop()
    finally:
        run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


def test_of_300_requests_at_once_on_a_key_of_100_exactly_100_pass(four: World) -> None:
    began = time.time()
    exactly_100_passed(ask_300_times(program(four)), began)
    # They connect when they are asked. The last may still be starting while others count.
    assert sum(bool(worker.net_connections("unix")) for worker in four.server.workers()) > 1


WAITING = (
    "SELECT count(*) AS waiting FROM pg_stat_activity"
    " WHERE application_name = 'respondeo limits' AND datname = current_database()"
    " AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > interval '0.5 seconds'"
)


def test_while_a_counter_is_held_all_wait_and_then_exactly_100_pass(four: World) -> None:
    caller = program(four)
    key = four.row("SELECT id FROM apikey ORDER BY created_at DESC LIMIT 1")["id"]
    began = time.time()
    with ThreadPoolExecutor(1) as asking, Session(four.engine) as holding:
        ends = datetime.now(UTC) + timedelta(hours=1)
        holding.add(RateLimit(key=f"api-key/{key}", hits=1, expires_at=ends))
        holding.flush()
        answers = asking.submit(ask_300_times, caller)
        until(lambda: four.row(WAITING)["waiting"] >= 4 or None, "those who count")
        holding.rollback()
    exactly_100_passed(answers.result(), began)
