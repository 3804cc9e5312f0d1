"""Counting requests in PostgreSQL: windows, threads, impatience, and who counts as one."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from respondeo import rate_limits
from respondeo.db import db
from respondeo.models import RateLimit
from respondeo.rate_limits import Counted, PostgresStorage, count_key, network_of
from tests.conftest import PATIENCE_MS, Clock


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        (None, "unknown"),
        ("", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_an_address_counts_as_one_and_so_does_the_ipv6_network_of_a_household(
    address: str | None, network: str
) -> None:
    assert network_of(address) == network


@pytest.fixture
def storage(app: Flask) -> Iterator[PostgresStorage]:
    """The counters of the application's database."""
    with app.app_context():
        storage = PostgresStorage(rate_limits.share_engine(db.engine))
    yield storage
    storage.engine.dispose()


def test_counts_add_up_within_a_window_and_begin_anew_after_it(
    storage: PostgresStorage, committed: Session, committed_clock: Clock
) -> None:
    committed_clock.stop()
    committed.commit()
    assert [storage.incr("k", 60) for _ in range(3)] == [1, 2, 3]
    assert storage.incr("k", 60, amount=5) == 8
    assert storage.incr("other", 60) == 1
    assert storage.get("k") == 8
    ends = storage.get_expiry("k")
    assert ends == pytest.approx(committed_clock.now().timestamp() + 60, abs=1)
    committed_clock.advance(seconds=30)
    committed.commit()
    assert storage.incr("k", 60) == 9
    assert storage.get_expiry("k") == ends
    committed_clock.advance(seconds=30)
    committed.commit()
    assert storage.get("k") == 0
    assert storage.incr("k", 60) == 1
    assert storage.get_expiry("k") == ends + 60


def test_a_counter_that_is_not_there_is_zero_and_ends_now(
    storage: PostgresStorage, committed_clock: Clock
) -> None:
    assert storage.get("nobody") == 0
    assert storage.get_expiry("nobody") == pytest.approx(committed_clock.now().timestamp(), abs=2)


def test_no_hit_of_many_threads_is_lost(storage: PostgresStorage) -> None:
    with ThreadPoolExecutor(8) as threads:
        counts = list(threads.map(lambda _: storage.incr("k", 60), range(40)))
    assert sorted(counts) == list(range(1, 41))


def test_counts_can_be_forgotten(storage: PostgresStorage) -> None:
    storage.incr("a", 60)
    storage.incr("b", 60)
    storage.clear("a")
    assert (storage.get("a"), storage.get("b")) == (0, 1)
    assert storage.reset() == 1
    assert storage.get("b") == 0


def test_old_counters_are_removed_as_new_ones_come(
    storage: PostgresStorage, committed: Session, committed_clock: Clock
) -> None:
    for number in range(10):
        storage.incr(f"old-{number}", 60)
    committed_clock.advance(seconds=61)
    committed.commit()
    storage.incr("new", 60)
    assert list(committed.scalars(sa.select(RateLimit.key))) == ["new"]


@pytest.fixture
def impatient(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresStorage]:
    """Counters that wait no longer than outside of tests."""
    monkeypatch.setattr(rate_limits, "PATIENCE_MS", PATIENCE_MS)
    with app.app_context():
        url = db.engine.url.update_query_dict({"application_name": "impatient"})
    storage = PostgresStorage(rate_limits.share_engine(sa.create_engine(url)))
    yield storage
    storage.engine.dispose()


def test_a_counter_that_is_locked_does_not_hold_anybody_up(
    impatient: PostgresStorage, committed: Session
) -> None:
    impatient.incr("k", 60)
    committed.execute(sa.select(RateLimit).with_for_update())
    began = time.monotonic()
    with pytest.raises(impatient.base_exceptions):
        impatient.incr("k", 60)
    assert time.monotonic() - began < 2
    committed.rollback()
    assert impatient.incr("k", 60) == 2
    assert impatient.check()


def test_two_applications_on_one_database_count_together(app: Flask) -> None:
    with app.app_context():
        first = PostgresStorage(rate_limits.share_engine(db.engine))
        second = PostgresStorage(rate_limits.share_engine(db.engine))
    assert first.engine is second.engine
    other = sa.create_engine(first.engine.url.set(database="another", password="secret"))
    named = rate_limits.share_engine(other)
    assert PostgresStorage(named).engine is not first.engine
    assert "secret" not in named


def test_through_a_transaction_pooler_no_session_is_changed(app: Flask) -> None:
    with app.app_context():
        behind = db.engine.url.update_query_dict({"application_name": "behind a pooler"})
        storage = PostgresStorage(rate_limits.share_engine(sa.create_engine(behind), pooled=True))
    with storage.engine.connect() as connection:
        assert connection.scalar(sa.text("SHOW statement_timeout")) == "0"
        driver: Any = connection.connection.driver_connection
        assert driver.prepare_threshold is None
    assert storage.incr("k", 60) == 1
    storage.engine.dispose()


def test_of_300_requests_at_once_on_a_key_of_100_exactly_100_pass(app: Flask) -> None:
    key = UUID(int=1)
    with app.app_context():
        workers = [worker(app, number) for number in range(4)]

    def ask(number: int) -> Counted | None:
        with workers[number % 4].app_context():
            return count_key(key, 100)

    with ThreadPoolExecutor(60) as threads:
        counted = list(threads.map(ask, range(300)))
    for each in workers:
        each.extensions["key_limits"].engine.dispose()
    known = [one for one in counted if one]
    assert len(known) == 300
    assert sorted(one.remaining for one in known if one.passes) == list(range(100))
    assert {one.remaining for one in known if not one.passes} == {0}
    assert len({(one.limit, one.resets_at) for one in known}) == 1


def worker(app: Flask, number: int) -> Flask:
    """An application that counts through a pool of its own, as another process does."""
    url = db.engine.url.update_query_dict({"application_name": f"worker {number}"})
    made = Flask(f"worker{number}")
    storage = PostgresStorage(rate_limits.share_engine(sa.create_engine(url)))
    made.extensions["key_limits"] = storage
    return made


def test_a_key_is_told_when_its_minute_ends(
    app: Flask, committed: Session, committed_clock: Clock
) -> None:
    now = committed_clock.stop()
    committed.commit()
    ends = math.ceil(now.timestamp() + 60)
    key = UUID(int=2)
    assert count_key(key, 2) == Counted(limit=2, remaining=1, resets_at=ends, passes=True)
    committed_clock.advance(seconds=59)
    committed.commit()
    assert count_key(key, 2) == Counted(limit=2, remaining=0, resets_at=ends, passes=True)
    assert count_key(key, 2) == Counted(limit=2, remaining=0, resets_at=ends, passes=False)
    assert count_key(UUID(int=3), 2) == Counted(2, 1, ends + 59, passes=True)
    committed_clock.advance(seconds=1)
    committed.commit()
    assert count_key(key, 2) == Counted(limit=2, remaining=1, resets_at=ends + 60, passes=True)


def test_where_the_store_is_away_a_key_is_not_counted_and_a_warning_says_so(app: Flask) -> None:
    with app.app_context():
        nowhere = db.engine.url.set(host="127.0.0.1", port=1, password="hushhush", query={})
    away = Flask("away")
    storage = PostgresStorage(rate_limits.share_engine(sa.create_engine(nowhere)))
    away.extensions["key_limits"] = storage
    with away.app_context(), capture_logs() as logs:
        assert count_key(UUID(int=4), 100) is None
    assert [(log["event"], log["log_level"]) for log in logs] == [
        ("rate limit store away", "warning")
    ]
    assert "hushhush" not in str(logs)
