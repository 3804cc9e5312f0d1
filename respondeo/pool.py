"""The pool of database connections: how many are in use, and how many threads wait for one."""

from __future__ import annotations

import select
from contextlib import suppress
from threading import RLock
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from psycopg.pq import TransactionStatus
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool

_NEW = "new"


def leave_dead_connections(engine: sa.Engine) -> None:
    """Take no connection from the pool that ended while nobody used it.

    PostgreSQL says nothing to a connection that lies idle but that it ends, so it is enough to
    look whether something has arrived: asking would be a round trip for each request. A server
    that vanished in silence is noticed by the keepalives that db.py sets.
    """

    @sa.event.listens_for(engine, "connect")
    def note(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info[_NEW] = True

    @sa.event.listens_for(engine, "checkout")
    def look(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        # What has just been made is left to its first statement, whose error says what is wrong.
        if not record.info.pop(_NEW, False) and has_ended(connection.pgconn.socket):
            raise DisconnectionError


def has_ended(socket: int) -> bool:
    """Whether an idle connection's socket (a file descriptor) has been closed or told something."""
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(0))


class WatchedPool(QueuePool):
    """Tells the metrics how many connections are in use, and lends some to who only reads.

    What SQLAlchemy does at each checkout and checkin takes a tenth of a request that reads once.
    So connections for reading, in autocommit, rest here between two requests: handed out and taken
    back as they are. Whoever needs one for a transaction gets one of those where no other is free.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._resting: list[PoolProxiedConnection] = []  # the one used last is used next
        self._wanted = 0  # for transactions
        self._told = 0
        self._lock = RLock()  # the garbage collector, too, gives connections back

    def lend_reader(self) -> PoolProxiedConnection:
        """A connection in autocommit. Raises psycopg.Error, sqlalchemy.exc.TimeoutError."""
        while self._resting:
            try:
                reader = self._resting.pop()
            except IndexError:  # another thread was faster
                break
            if not has_ended(_driver(reader).pgconn.socket):
                self._tell()
                return reader
            _discard(reader)
        reader = self.connect()
        _driver(reader).autocommit = True
        return reader

    def take_back(self, reader: PoolProxiedConnection) -> None:
        """It is not read on any more; nor ever again where it is broken or busy."""
        if _driver(reader).pgconn.transaction_status != TransactionStatus.IDLE:
            _discard(reader)
            return
        self._resting.append(reader)
        self._tell()
        if self._wanted or self.overflow() > 0:  # those for a burst are closed after it
            self._wake_one()

    def checkedout(self) -> int:
        """How many are in use."""
        return super().checkedout() - len(self._resting)

    def dispose(self) -> None:
        while self._resting:
            self._wake_one()
        super().dispose()

    def _wake_one(self) -> None:
        """One that rests is as free as any other from now on."""
        with suppress(IndexError):
            self._resting.pop().close()

    def _do_get(self) -> ConnectionPoolEntry:
        from respondeo import metrics

        metrics.CONNECTIONS_MOST.set(self.size() + self._max_overflow)
        with self._lock:
            self._wanted += 1
        try:
            # Either it is seen here that one rests, or who lays it to rest sees that it is wanted.
            if self.checkedin() < self._wanted:
                self._wake_one()
            with metrics.WAITING.track_inprogress():
                return super()._do_get()
        finally:
            with self._lock:
                self._wanted -= 1
            self._tell()

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        driver = record.driver_connection
        if driver is not None and driver.autocommit:
            try:
                driver.autocommit = False
            except psycopg.Error:  # it has ended
                record.invalidate()
        super()._do_return_conn(record)
        self._tell()

    def _tell(self) -> None:
        from respondeo import metrics

        with self._lock:
            used = max(0, self.checkedout())  # less where an engine was disposed in between
            if used != self._told:
                metrics.CONNECTIONS.inc(used - self._told)
                self._told = used


def _driver(connection: PoolProxiedConnection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", connection.driver_connection)


def _discard(connection: PoolProxiedConnection) -> None:
    connection.invalidate()
    connection.close()
