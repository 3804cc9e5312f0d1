"""The pool of database connections: how many are in use, and how many threads wait for one."""

from __future__ import annotations

from sqlalchemy.pool import ConnectionPoolEntry, QueuePool


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
