"""How often one address may start to play as a guest: counted by address, believed from proxies."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.client import SAME_ORIGIN, Client, Page
from tests.conftest import Clock
from tests.factories import published_quiz
from tests.web.apps import AppWith, Browser


def start(app: Flask, path: str, address: str, forwarded: str | None = None) -> TestResponse:
    """A new guest at this address presses Start."""
    headers = SAME_ORIGIN | ({"X-Forwarded-For": forwarded} if forwarded else {})
    return Client(app).open(
        path, method="POST", headers=headers, environ_overrides={"REMOTE_ADDR": address}
    )


@pytest.fixture
def path(committed: Session) -> str:
    """Where a play is started."""
    quiz = published_quiz(committed)
    committed.commit()
    return f"/quiz/{quiz.id}/play"


def statuses(*responses: TestResponse) -> list[int]:
    return [response.status_code for response in responses]


def test_an_address_that_starts_too_often_waits_while_another_does_not(
    app_with: AppWith, committed: Session, committed_clock: Clock, path: str
) -> None:
    app = app_with(rate_limit_guest_plays=3)
    committed_clock.stop()
    committed.commit()
    assert statuses(*(start(app, path, "192.0.2.1") for _ in range(4))) == [303, 303, 303, 429]
    assert start(app, path, "192.0.2.2").status_code == 303
    refused = start(app, path, "192.0.2.1")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    page = Page(refused)
    assert "Error 429" in page.words()
    assert "per 60 second" not in page.words(), "a rule for machines is not a sentence"
    committed_clock.advance(seconds=60)
    committed.commit()
    assert start(app, path, "192.0.2.1").status_code == 303


def test_htmx_gets_the_same_as_a_fragment(app_with: AppWith, path: str) -> None:
    app = app_with(rate_limit_guest_plays=1)
    Client(app).post(path)
    refused = Client(app).post(path, htmx=True)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    page = Page(refused)
    assert not page.is_whole
    assert "A little slower" in page.words(".notice")


def test_a_forged_header_does_not_help(app_with: AppWith, path: str) -> None:
    app = app_with(rate_limit_guest_plays=2)
    answers = [start(app, path, "192.0.2.1", f"203.0.113.{n}") for n in range(4)]
    assert statuses(*answers) == [303, 303, 429, 429]


def test_behind_a_trusted_proxy_the_clients_address_counts(app_with: AppWith, path: str) -> None:
    app = app_with(rate_limit_guest_plays=2, trusted_proxies="10.0.0.0/8")
    proxy = "10.1.2.3"
    for client in ("203.0.113.1", "203.0.113.2"):
        answers = [start(app, path, proxy, client) for _ in range(3)]
        assert statuses(*answers) == [303, 303, 429]
    # What the client itself wrote stands further left, and is not believed.
    answers = [start(app, path, proxy, f"198.51.100.{n}, 203.0.113.3") for n in range(3)]
    assert statuses(*answers) == [303, 303, 429]


def test_an_ipv6_household_counts_as_one(app_with: AppWith, path: str) -> None:
    app = app_with(rate_limit_guest_plays=2)
    answers = [start(app, path, f"2001:db8::{n}") for n in range(1, 4)]
    assert statuses(*answers) == [303, 303, 429]
    assert start(app, path, "2001:db8:0:1::1").status_code == 303


def test_ipv4_clients_of_an_ipv6_socket_do_not_share_one_counter(
    app_with: AppWith, path: str
) -> None:
    app = app_with(rate_limit_guest_plays=1)
    answers = [start(app, path, f"::ffff:192.0.2.{n}") for n in range(1, 4)]
    assert statuses(*answers) == [303, 303, 303]


def test_people_who_are_signed_in_are_not_limited(
    app_with: AppWith, browser: Browser, path: str
) -> None:
    client = browser("A Player", on=app_with(rate_limit_guest_plays=1))
    assert statuses(*(client.post(path) for _ in range(4))) == [303] * 4


def test_the_window_is_what_the_settings_say(
    app_with: AppWith, committed: Session, committed_clock: Clock, path: str
) -> None:
    app = app_with(rate_limit_guest_plays=1, rate_limit_window_ms=5_000)
    committed_clock.stop()
    committed.commit()
    assert statuses(*(start(app, path, "192.0.2.1") for _ in range(2))) == [303, 429]
    committed_clock.advance(seconds=5)
    committed.commit()
    assert start(app, path, "192.0.2.1").status_code == 303


def test_a_server_on_a_unix_socket_without_proxy_settings_still_answers(
    app_with: AppWith, path: str
) -> None:
    app = app_with(rate_limit_guest_plays=2)
    assert statuses(*(start(app, path, "") for _ in range(3))) == [303, 303, 429]
