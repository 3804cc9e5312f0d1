"""A slow provider keeps nobody waiting for longer than is bearable, and nobody else at all."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from respondeo.db import db
from respondeo.domain.errors import ProviderAway, ProviderWrong
from respondeo.models import LoginSession
from respondeo.oidc import client, http
from respondeo.oidc.client import ProviderClient
from respondeo.web.auth import leaving
from tests.oidc.browser import Traveller
from tests.oidc.conftest import Setup
from tests.oidc.lines import LONG_S, certificate, serving, trickle
from tests.oidc.provider import DISCOVERY, TOKEN, Front


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate of this machine's, which Respondeo is told to trust."""
    pem = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
    return serving(pem)


@pytest.mark.parametrize("over_tls", [False, True])
@pytest.mark.parametrize(
    "said",
    [b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.0 200 OK\r\n\r\n{}"],
    ids=["status", "headers", "body"],
)
def test_a_provider_that_trickles_is_hung_up_on(
    school: Front,
    tls: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    said: bytes,
    over_tls: bool,
) -> None:
    monkeypatch.setattr(http, "READ_S", 0.5)
    with trickle(said, tls if over_tls else None) as url:
        asked = ProviderClient(school.settings(issuer=url), "http://localhost")
        with pytest.raises(ProviderAway) as failed:
            asked.begin()
    assert "too slowly" in failed.value.reason


def test_a_handshake_that_trickles_is_hung_up_on(
    school: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_S", 0.5)
    with trickle(b"\x16\x03\x03\x40\x00") as url:
        issuer = url.replace("http://", "https://")
        asked = ProviderClient(school.settings(issuer=issuer), "http://localhost")
        with pytest.raises(ProviderAway) as failed:
            asked.begin()
    assert "too slowly" in failed.value.reason


class Names:
    """A resolver. It tells these addresses, but of nobody before it is well again."""

    def __init__(self, addresses: list[tuple[str, int]]) -> None:
        self.well, self.asked, self.asking = threading.Event(), 0, 0
        self._addresses = addresses
        self._real = socket.getaddrinfo

    def __call__(self, host: Any, *rest: Any) -> Any:
        if not str(host).endswith(".example"):
            return self._real(host, *rest)
        self.asked += 1
        self.asking += 1
        self.well.wait(LONG_S)
        self.asking -= 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", one) for one in self._addresses]


@contextmanager
def names(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> Iterator[Names]:
    """A sick resolver, for names that end in “.example”; well again at the end."""
    made = Names(list(addresses))
    monkeypatch.setattr(socket, "getaddrinfo", made)
    yield made
    made.well.set()
    ends(lambda: made.asking == 0)


def ends(is_so: Callable[[], bool]) -> None:
    """Until this is so."""
    end = time.monotonic() + LONG_S
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def seconds_until_away(asked: ProviderClient) -> float:
    """How long somebody waits to hear that the provider is away."""
    began = time.monotonic()
    with pytest.raises(ProviderAway):
        asked.begin()
    return time.monotonic() - began


def test_a_name_that_is_not_found_in_time_is_not_waited_for(
    school: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "CONNECTING_S", 0.3)
    monkeypatch.setattr(client, "FAILURE_S", 0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        with names(monkeypatch, address) as resolver:
            issuer = f"http://school.example:{address[1]}"
            asked = ProviderClient(school.settings(issuer=issuer), "http://localhost")
            assert seconds_until_away(asked) < LONG_S / 2
            assert resolver.asking == 1
        line, _ = listening.accept()  # it is found at last: the line is of no use any more
        with line:
            line.settimeout(LONG_S)
            assert line.recv(1) == b""


def test_the_time_for_a_sign_in_bounds_the_look_up_of_a_name_too(
    school: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SIGN_IN_S", 0.3)
    monkeypatch.setattr(http, "CONNECTING_S", LONG_S * 2)
    with names(monkeypatch):
        asked = ProviderClient(school.settings(issuer="http://hurried.example"), "http://localhost")
        assert seconds_until_away(asked) < LONG_S / 2


def test_a_sick_resolver_keeps_few_threads_and_no_other_provider(
    school: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "CONNECTING_S", 0.1)
    monkeypatch.setattr(client, "FAILURE_S", 0)
    port = int(school.url.rpartition(":")[2])
    settings = school.settings(issuer=f"http://sick.example:{port}")
    with names(monkeypatch, ("127.0.0.1", port)) as resolver:
        asked = ProviderClient(settings, "http://localhost")
        for _ in range(http.MOST_CONNECTING + 3):
            seconds_until_away(asked)
        assert resolver.asked == resolver.asking == http.MOST_CONNECTING
        well = ProviderClient(school.settings(), "http://localhost")
        assert well.begin().url.startswith(school.url)
    assert asked.begin().url.startswith("http://sick.example")


@contextmanager
def swallowing() -> Iterator[tuple[str, int]]:
    """An address where no packet is ever answered: its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        address = listening.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        yield address
        for one in waiting:
            one.close()


def test_many_addresses_that_swallow_packets_keep_nobody_long(
    school: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "CONNECT_S", 0.3)
    monkeypatch.setattr(http, "CONNECTING_S", 0.5)
    with swallowing() as address, names(monkeypatch, *[address] * 50) as resolver:
        resolver.well.set()
        asked = ProviderClient(school.settings(issuer="http://deep.example"), "http://localhost")
        assert seconds_until_away(asked) < LONG_S / 2


def test_an_address_that_swallows_packets_keeps_nobody_from_the_next(
    school: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "CONNECT_S", 0.3)
    port = int(school.url.rpartition(":")[2])
    with swallowing() as address, names(monkeypatch, address, ("127.0.0.1", port)) as resolver:
        resolver.well.set()
        asked = ProviderClient(school.settings(issuer="http://two.example"), "http://localhost")
        assert asked.begin().url.startswith("http://two.example")


def test_the_time_for_a_sign_in_bounds_a_trickle_too(
    school: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SIGN_IN_S", 0.5)
    monkeypatch.setattr(http, "READ_S", LONG_S * 2)
    with trickle(b"HTTP/1.1 200 OK\r\nX-Slow: ") as url:
        asked = ProviderClient(school.settings(issuer=url), "http://localhost")
        with pytest.raises(ProviderAway) as failed:
            asked.begin()
    assert "too slowly" in failed.value.reason


def test_who_signs_out_does_not_wait_behind_somebody_elses_sign_in(
    school: Front,
    traveller: Traveller,
    set_up: Setup,
    committed: Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    traveller.travel(school)
    token = traveller.cookie(traveller.session_cookie) or ""
    monkeypatch.setattr(leaving, "PATIENCE_S", 0.3)
    school.asked.clear()
    school.hang[DISCOVERY] = threading.Event()
    app = set_up(school.settings())
    with in_threads([Traveller(app)], "/auth/sign-in/school") as answers:
        wait_for(school, DISCOVERY, 1)
        leaver = Traveller(app)
        leaver.http.set_cookie(leaver.session_cookie, token)
        answer = leaver.post("/sign-out")
        assert answers == []
        school.hang[DISCOVERY].set()
    assert (answer.status_code, answer.location) == (303, "/")
    assert committed.scalar(sa.select(sa.func.count()).select_from(LoginSession)) == 0
    assert [one.status_code for one in answers] == [303]


def test_a_failure_that_is_remembered_is_everybodys_own(school: Front) -> None:
    school.rewrite[DISCOVERY] = lambda _: Response("", 503)
    asked = ProviderClient(school.settings(), "http://localhost")
    with pytest.raises(ProviderWrong) as first:
        asked.begin()
    first.value.target = "/invite/of-the-first"
    with pytest.raises(ProviderWrong) as second:
        asked.begin()
    assert second.value.target is None
    assert (str(second.value), second.value.reason) == (str(first.value), first.value.reason)
    assert len(school.asked) == 1


def test_who_came_without_time_leaves_nothing_to_remember(
    school: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ProviderClient(school.settings(), "http://localhost")
    with monkeypatch.context() as hurried:
        hurried.setattr(client, "SIGN_IN_S", 0)
        with pytest.raises(ProviderAway):
            asked.begin()
    assert asked.begin().url.startswith(school.url)


def test_slow_sign_ins_hold_no_connection_to_the_database(school: Front, set_up: Setup) -> None:
    app = set_up(school.settings())
    most = app.config["SQLALCHEMY_ENGINE_OPTIONS"]
    travellers = [Traveller(app) for _ in range(most["pool_size"] + most["max_overflow"] + 2)]
    urls = [school.consent(one.leave(), "ada") for one in travellers]
    school.hang[TOKEN] = threading.Event()
    paths = [url.removeprefix("http://localhost") for url in urls]
    with in_threads(travellers, *paths) as answers:
        wait_for(school, TOKEN, len(travellers))
        held = connections_out(app)
        assert answers == []
        school.hang[TOKEN].set()
    assert held == 0
    assert [one.status_code for one in answers] == [303] * len(travellers)


def connections_out(app: Flask) -> int:
    """How many connections are in use."""
    with app.app_context():
        pool: Any = db.engine.pool
        return int(pool.checkedout())


@contextmanager
def in_threads(travellers: list[Traveller], *paths: str) -> Iterator[list[TestResponse]]:
    """Each opens their path at the same time; gives the answers as they come."""
    answers: list[TestResponse] = []
    threads = [
        threading.Thread(target=lambda one=one, path=path: answers.append(one.get(path)))
        for one, path in zip(travellers, paths, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        for thread in threads:
            thread.join()


def wait_for(school: Front, path: str, times: int) -> None:
    """Until the provider was asked for this so often."""
    end = time.monotonic() + LONG_S
    while len(school.asked_for(path)) < times:
        assert time.monotonic() < end, "the provider was not asked"
        time.sleep(0.01)
