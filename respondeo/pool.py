"""The pool of database connections: how many are in use, and how many threads wait for one."""

from __future__ import annotations

import select
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

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
    """Tells the metrics whatever it hands out and takes back."""

    def _do_get(self) -> ConnectionPoolEntry:
        from respondeo import metrics

        metrics.CONNECTIONS_MOST.set(self.size() + self._max_overflow)
        with metrics.WAITING.track_inprogress():
            found = super()._do_get()
        metrics.CONNECTIONS.inc()
        return found

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        from respondeo import metrics

        super()._do_return_conn(record)
        metrics.CONNECTIONS.dec()
