"""A key's limit is exact, however many workers are asked at once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.conftest import TEMPLATE, run_on_server, url_of
from tests.races.conftest import World
from tests.races.limits import ask_300_times, exactly_100_passed
from tests.races.serving import Server

pytestmark = pytest.mark.xdist_group("races")


@pytest.fixture(scope="module")
def four(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Four workers on a database of their own, whose clock nobody turns."""
    name = f"respondeo_four_{worker_id}"
    run_on_server(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    url = url_of(name, turned=False)
    try:
        server = Server(url, tmp_path_factory.mktemp("four") / "server.log", workers=4)
        yield World(server, url)
        server.stop()
    finally:
        run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


def test_of_300_requests_at_once_on_a_key_of_100_exactly_100_pass(four: World) -> None:
    began = time.time()
    exactly_100_passed(ask_300_times(four), began)
    # They connect when they are asked: each has counted some.
    assert all(worker.net_connections("unix") for worker in four.server.workers())
