"""The pool's connections for reading: they rest between requests, and are in nobody's way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from respondeo import create_app
from respondeo.db import MAX_OVERFLOW, db
from respondeo.metrics import CONNECTIONS
from respondeo.pool import WatchedPool
from tests.cli.test_serve import wait_for
from tests.conftest import settings_for

USUAL = 3
MOST = USUAL + MAX_OVERFLOW


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """An engine with few connections."""
    app = create_app(settings_for(database, web_threads=USUAL))
    with app.app_context():
        engine = db.engine
    yield engine
    engine.dispose()


@pytest.fixture
def pool(engine: sa.Engine) -> WatchedPool:
    assert isinstance(engine.pool, WatchedPool)
    return engine.pool


def driver(reader: Any) -> psycopg.Connection[Any]:
    found = reader.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found


def backend_of(connection: sa.Connection) -> int:
    return int(connection.scalar(sa.select(sa.func.pg_backend_pid())) or 0)


def test_the_reader_used_last_is_used_next_and_is_in_no_transaction(pool: WatchedPool) -> None:
    first, second = pool.lend_reader(), pool.lend_reader()
    pool.take_back(first)
    pool.take_back(second)
    assert pool.checkedout() == 0
    again = pool.lend_reader()
    assert again is second
    driver(again).execute("SELECT 1")
    assert driver(again).pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert pool.checkedout() == 1


def test_transactions_get_the_connections_of_readers_that_rest(
    engine: sa.Engine, pool: WatchedPool
) -> None:
    resting = [pool.lend_reader() for _ in range(USUAL)]
    backends = {driver(reader).pgconn.backend_pid for reader in resting}
    for reader in resting:
        pool.take_back(reader)
    begun = [engine.connect() for _ in range(USUAL)]
    assert {backend_of(connection) for connection in begun} == backends
    assert all(connection.in_transaction() for connection in begun)
    assert not any(driver(connection.connection).autocommit for connection in begun)
    for connection in begun:
        connection.close()
    assert pool.checkedout() == 0


def test_who_waits_for_a_transaction_gets_the_first_connection_that_nobody_reads_on(
    engine: sa.Engine, pool: WatchedPool
) -> None:
    reading = [pool.lend_reader() for _ in range(MOST)]
    backend = driver(reading[2]).pgconn.backend_pid
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(engine.connect)
        wait_for(lambda: pool._wanted == 1)
        pool.take_back(reading[2])
        with waiting.result(2) as connection:
            assert backend_of(connection) == backend


def test_what_is_broken_or_busy_is_read_on_by_nobody_else(pool: WatchedPool) -> None:
    broken, busy, ended = (pool.lend_reader() for _ in range(3))
    pids = {driver(one).pgconn.backend_pid for one in (broken, busy, ended)}
    driver(broken).close()
    driver(busy).pgconn.send_query(b"SELECT pg_sleep(5)")
    pool.take_back(ended)
    pool.take_back(broken)
    pool.take_back(busy)
    other = pool.lend_reader()
    assert other is ended
    another = pool.lend_reader()
    ended_pid = driver(other).pgconn.backend_pid
    pool.take_back(other)
    driver(another).execute("SELECT pg_terminate_backend(%s, 5000)", (ended_pid,))
    assert driver(another).pgconn.backend_pid not in pids
    assert driver(pool.lend_reader()).pgconn.backend_pid not in pids


def test_a_connection_that_ended_at_rest_begins_no_transaction(
    engine: sa.Engine, pool: WatchedPool
) -> None:
    readers = [pool.lend_reader() for _ in range(USUAL)]
    first, *others = (driver(reader).pgconn.backend_pid for reader in readers)
    for pid in others:
        driver(readers[0]).execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    for reader in readers[1:]:
        pool._resting.append(reader)  # as if it had ended a moment later
    pool.take_back(readers[0])
    begun = [engine.connect() for _ in range(USUAL)]
    backends = [backend_of(connection) for connection in begun]
    assert first in backends
    assert not set(others) & set(backends)
    for connection in begun:
        connection.close()


def test_who_forgets_to_give_a_reader_back_leaves_no_transaction_without_a_beginning(
    engine: sa.Engine, pool: WatchedPool
) -> None:
    reader = pool.lend_reader()
    backend = driver(reader).pgconn.backend_pid
    del reader
    with engine.connect() as connection:
        assert backend_of(connection) == backend
        assert not driver(connection.connection).autocommit


def test_many_threads_that_read_and_write_wait_for_nobody_who_rests(
    engine: sa.Engine, pool: WatchedPool
) -> None:
    before = CONNECTIONS._value.get()

    def act(number: int) -> int:
        if number % 3:
            reader = pool.lend_reader()
            try:
                row = driver(reader).execute("SELECT pg_backend_pid()").fetchone()
            finally:
                pool.take_back(reader)
            return int(row[0]) if row else 0
        with engine.begin() as connection:
            return backend_of(connection)

    with ThreadPoolExecutor(3 * MOST) as threads:
        assert all(threads.map(act, range(600)))
    assert pool.checkedin() + len(pool._resting) <= USUAL
    assert pool.checkedout() == 0
    assert CONNECTIONS._value.get() == before


def test_after_a_burst_no_more_connections_stay_than_usual(pool: WatchedPool) -> None:
    reading = [pool.lend_reader() for _ in range(MOST)]
    connections = [driver(reader) for reader in reading]
    for reader in reading:
        pool.take_back(reader)
    assert sum(not connection.closed for connection in connections) == USUAL
    assert pool.checkedout() == 0


def test_closing_the_engine_closes_what_rests(engine: sa.Engine, pool: WatchedPool) -> None:
    reader = pool.lend_reader()
    connection = driver(reader)
    pool.take_back(reader)
    engine.dispose()
    assert connection.closed
