"""Counting requests in PostgreSQL: windows, threads, impatience, and who counts as one."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from respondeo.database_trouble import BUSY, explain
from respondeo.db import db
from respondeo.models import RateLimit
from respondeo.rate_limits import Counted, count_key, network_of, postgres
from respondeo.rate_limits.postgres import PostgresStorage, share_engine
from tests.conftest import Clock, direct_url_of, run_on_server


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
        storage = PostgresStorage(share_engine(db.engine))
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


@pytest.fixture(params=[False, True], ids=["direct", "through a pooler"])
def impatient(
    app: Flask, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[PostgresStorage]:
    """Counters that wait for less than outside of tests."""
    monkeypatch.setattr(postgres, "PATIENCE_MS", 200)
    with app.app_context():
        name = f"impatient {uuid4()}"  # connections of its own, made now
        url = db.engine.url.update_query_dict({"application_name": name})
    storage = PostgresStorage(share_engine(sa.create_engine(url), pooled=request.param))
    yield storage
    storage.engine.dispose()


def ask(storage: PostgresStorage, key: int, limit: int) -> Counted | None:
    """Count a request in an application whose keys are counted there."""
    made = Flask("counting")
    made.extensions["key_limits"] = storage
    with made.app_context():
        return count_key(UUID(int=key), limit)


def test_a_counter_that_is_locked_holds_nobody_up_for_ever_and_lets_nobody_pass(
    impatient: PostgresStorage, committed: Session
) -> None:
    assert ask(impatient, 5, 2) is not None
    committed.execute(sa.select(RateLimit).with_for_update())
    began = time.monotonic()
    with pytest.raises(DBAPIError) as caught:
        ask(impatient, 5, 2)
    assert explain(caught.value) is BUSY
    assert time.monotonic() - began < 2
    committed.rollback()
    counted = ask(impatient, 5, 2)
    assert counted is not None
    assert counted.remaining == 0
    assert impatient.check()


def test_where_all_connections_count_the_next_waits_and_does_not_pass_either(
    impatient: PostgresStorage,
) -> None:
    with ExitStack() as taken:
        for _ in range(postgres.CONNECTIONS):
            taken.enter_context(impatient.engine.connect())
        with pytest.raises(PoolTimeout):
            ask(impatient, 5, 2)


def test_a_connection_that_was_closed_while_idle_is_no_store_away(
    storage: PostgresStorage, committed: Session
) -> None:
    storage.incr("k", 60)
    ended = sa.text(
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
        " WHERE application_name = 'respondeo limits' AND datname = current_database()"
    )
    assert committed.scalar(ended)
    assert storage.incr("k", 60) == 2


def test_two_applications_on_one_database_count_together(app: Flask) -> None:
    with app.app_context():
        first = PostgresStorage(share_engine(db.engine))
        second = PostgresStorage(share_engine(db.engine))
    assert first.engine is second.engine
    other = sa.create_engine(first.engine.url.set(database="another", password="secret"))
    named = share_engine(other)
    assert PostgresStorage(named).engine is not first.engine
    assert "secret" not in named


def test_through_a_transaction_pooler_no_session_is_changed(app: Flask) -> None:
    with app.app_context():
        behind = db.engine.url.update_query_dict({"application_name": "behind a pooler"})
        storage = PostgresStorage(share_engine(sa.create_engine(behind), pooled=True))
    with storage.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        assert driver.prepare_threshold is None
    assert storage.incr("k", 60) == 1
    with storage.engine.connect() as connection:
        assert driver is connection.connection.driver_connection
        for changed in ("statement_timeout", "lock_timeout"):
            assert connection.scalar(sa.text(f"SHOW {changed}")) == "0"
    storage.engine.dispose()


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
    storage = PostgresStorage(share_engine(sa.create_engine(nowhere)))
    with capture_logs() as logs:
        assert ask(storage, 4, 100) is None
    assert [(log["event"], log["log_level"]) for log in logs] == [
        ("rate limit store away", "warning")
    ]
    assert "hushhush" not in str(logs)


def test_after_one_that_waited_in_vain_nobody_tries_for_a_moment_and_then_somebody_does(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context(), socket.socket() as listener, ThreadPoolExecutor(1) as thread:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        away = db.engine.url.set(host="127.0.0.1", port=port, query={"sslmode": "disable"})
        storage = PostgresStorage(share_engine(sa.create_engine(away)))
        assert ask(storage, 4, 100) is None
        listener.listen()
        listener.setblocking(False)
        assert ask(storage, 4, 100) is None
        with pytest.raises(BlockingIOError):
            listener.accept()
        monkeypatch.setattr(postgres, "GIVEN_UP_S", 0)
        listener.setblocking(True)
        third = thread.submit(storage.check)
        listener.accept()[0].close()
        assert third.result() is False


def test_a_server_that_is_full_is_asked_each_time_and_lets_nobody_pass(
    app: Flask, worker_id: str
) -> None:
    role = f"crowd_{worker_id}"
    run_on_server(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 0")
    with app.app_context():
        full = sa.make_url(direct_url_of(str(db.engine.url.database)))
    storage = PostgresStorage(share_engine(sa.create_engine(full.set(username=role))))
    try:
        for _ in range(2):
            with pytest.raises(DBAPIError) as caught:
                ask(storage, 4, 100)
            assert explain(caught.value) is BUSY
    finally:
        run_on_server(f"DROP ROLE {role}")
