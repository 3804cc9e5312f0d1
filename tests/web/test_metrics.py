"""`/metrics`: who may read it, and that its labels are few and its figures true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.orm import Session

from respondeo import create_app
from respondeo.db import MAX_OVERFLOW, db
from respondeo.metrics.attempts import count_attempts
from respondeo.rate_limits import count_key
from tests.cli.test_serve import wait_for
from tests.client import Client
from tests.conftest import settings_for
from tests.factories import add_user, published_quiz
from tests.web.apps import AppWith, Browser
from tests.web.places import played_quiz
from tests.web.playing import Player

TOKEN = "a-token-for-prometheus"
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.9"}

Samples = dict[tuple[str, ...], float]


def samples(text: str) -> Samples:
    """The figures by name and labels."""
    return {
        (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({}, 200),
        ({"environ_overrides": {"REMOTE_ADDR": "::1"}}, 200),
        ({"headers": {"Host": "127.0.0.1:8000"}}, 200),
        ({"headers": {"Host": "rebound.example"}}, 404),
        ({"headers": {"Host": "[::1]:8000"}}, 200),
        *(
            ({"headers": {name: "something"}}, 404)
            for name in (
                "X-Forwarded-For",
                "X-Forwarded-Proto",
                "X-Forwarded-Host",
                "Forwarded",
                "Via",
                "X-Real-IP",
                "X-Client-IP",
                "Client-IP",
                "CF-Connecting-IP",
                "True-Client-IP",
                "X-Cluster-Client-IP",
                "X-Envoy-External-Address",
            )
        ),
        ({"environ_overrides": ELSEWHERE}, 404),
        ({"environ_overrides": ELSEWHERE, "headers": {"Authorization": "Bearer "}}, 404),
    ],
)
def test_without_a_token_only_this_machine_reads_them(
    browser: Browser, how: dict[str, dict[str, str]], status: int
) -> None:
    assert browser().open("/metrics", **how).status_code == status


def test_who_asks_by_the_public_name_comes_from_elsewhere(app_with: AppWith) -> None:
    client = Client(app_with(app_env="production", app_url="https://quiz.example.org"))
    for host, status in (("quiz.example.org", 404), ("localhost:8000", 200)):
        assert client.open("/metrics", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"Bearer {TOKEN}x", 404),
        (f"Bearer {TOKEN[:-1]}", 404),
        (TOKEN, 404),
        (f"Basic {TOKEN}", 404),
        ("Bearer \u00fc", 404),
        ("", 404),
    ],
)
def test_with_a_token_whoever_sends_it_reads_them(
    app_with: AppWith, sent: str, status: int
) -> None:
    client = Client(app_with(metrics_token=TOKEN))
    # A scraper asks by whatever address it knows.
    headers = {"Authorization": sent, "Host": "10.0.0.7:8000"}
    response = client.open("/metrics", headers=headers, environ_overrides=ELSEWHERE)
    assert response.status_code == status
    if status == 200:
        assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"


def test_the_token_opens_also_why_it_is_not_ready_and_nothing_else(app_with: AppWith) -> None:
    client = Client(app_with(metrics_token=TOKEN, database_url="postgresql://127.0.0.1:1/nothing"))
    for headers, told in (({}, "not ready\n"), ({"Authorization": f"Bearer {TOKEN}"}, "database")):
        response = client.open("/readyz", headers=headers, environ_overrides=ELSEWHERE)
        assert response.status_code == 503
        assert told in response.text


def test_checks_are_answered_by_whatever_name_they_call_us(browser: Browser) -> None:
    for path in ("/healthz", "/readyz"):
        assert browser().open(path, headers={"Host": "10.0.0.7:8000"}).status_code == 200


def test_requests_are_counted_by_route_and_no_address_becomes_a_label(
    browser: Browser, committed: Session
) -> None:
    quiz_id, attempt_id = played_quiz(
        committed, add_user(committed, "An Author"), add_user(committed, "A Player")
    )
    committed.commit()
    client = browser("A Reader")
    before = samples(client.get("/metrics").text)
    client.get(f"/quiz/{quiz_id}?q=secret")
    client.get(f"/quiz/{quiz_id}/results/{attempt_id}")
    for path in ("/wp-login.php", "/ada@school.example"):
        client.get(path)
    client.open("/", method="BREW")
    text = client.get("/metrics").text
    after = samples(text)

    def more(*key: str) -> float:
        return after.get(key, 0) - before.get(key, 0)

    total, count = "respondeo_requests_total", "respondeo_request_seconds_count"
    quiz = "route=/quiz/<uuid:quiz_id>"
    assert more(total, "method=GET", quiz, "status=200") == 1
    assert more(count, "method=GET", quiz) == 1
    assert more(total, "method=GET", "route=unknown", "status=404") == 2
    assert more(total, "method=other", "route=/", "status=405") + more(
        total, "method=other", "route=unknown", "status=405"
    ) == pytest.approx(1)
    for secret in (str(quiz_id), str(attempt_id), "secret", "ada@", "wp-login", "BREW"):
        assert secret not in text
    assert after["respondeo_connections_waiting",] == 0


@pytest.fixture
def engine(app: Flask) -> Iterator[sa.Engine]:
    with app.app_context():
        yield db.engine


def test_open_and_completed_attempts_are_those_in_the_database(
    engine: sa.Engine, browser: Browser, committed: Session
) -> None:
    assert count_attempts(engine) == (0, 0)
    played_quiz(committed, add_user(committed, "An Author"), add_user(committed, "A Player"))
    quiz = published_quiz(committed)
    committed.commit()
    Player(browser("Another Player"), quiz.id).start()
    assert count_attempts(engine) == (1, 1)


def test_open_attempts_are_found_by_their_index(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        plan = connection.execute(
            sa.text(
                "EXPLAIN SELECT count(*) FROM quiz_attempt"
                " WHERE completed_at IS NULL AND deadline_at > clock_timestamp()"
            )
        ).scalars()
        assert re.search("(ix|uq)_quiz_attempt_open", "\n".join(plan))


def test_a_database_that_is_away_is_said_and_the_rest_is_still_told(app_with: AppWith) -> None:
    client = Client(app_with(database_url="postgresql://127.0.0.1:1/nothing"))
    found = samples(client.get("/metrics").text)
    assert found["respondeo_database_up",] == 0
    assert ("respondeo_attempts_open",) not in found
    assert ("respondeo_connections_in_use",) in found


def test_a_limit_that_could_not_be_counted_is_counted(app_with: AppWith) -> None:
    away = app_with(database_url="postgresql://127.0.0.1:1/nothing")
    client = Client(away)
    name = "respondeo_rate_limit_store_failures_total"
    before = samples(client.get("/metrics").text)[name,]
    with away.app_context():
        assert count_key(UUID(int=0), 100) is None
    assert samples(client.get("/metrics").text)[name,] == before + 1


def test_who_waits_for_a_connection_is_counted_and_the_metrics_are_told_all_the_same(
    database: str, app: Flask
) -> None:
    crowded = create_app(settings_for(database, web_threads=1))
    client = Client(crowded)

    def waiting() -> float:
        return samples(client.get("/metrics").text)["respondeo_connections_waiting",]

    with crowded.app_context():
        engine = db.engine
    before = samples(client.get("/metrics").text)["respondeo_connections_in_use",]
    held = [engine.connect() for _ in range(1 + MAX_OVERFLOW)]
    with ThreadPoolExecutor(1) as thread:
        asking = thread.submit(engine.connect)
        wait_for(lambda: waiting() == 1)
        found = samples(client.get("/metrics").text)
        assert found["respondeo_connections_in_use",] == before + len(held)
        assert found["respondeo_database_up",] == 1
        held.pop().close()
        asking.result(10).close()
    assert waiting() == 0
    for one in held:
        one.close()
    engine.dispose()
