"""gunicorn's gthread worker, whose main thread waits for no client.

The main thread takes connections and hands requests out. Where a connection was not kept, gunicorn
lets it wait until its client has closed it too, for two seconds at most: a client that does not
would hold everybody up. Here the poller waits for it, as for everything.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.http.message import Request
from gunicorn.workers.gthread import TConn, ThreadWorker

LINGER_S = 2.0
SPREAD = 100  # requests
_MUCH = 65536


class PatientWorker(ThreadWorker):
    """What it closes, it closes as gunicorn does: its own side first, so that nothing that the
    client is still to read gets lost, then the rest once the client has, or after LINGER_S."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._lingering: deque[TConn] = deque()

    def finish_request(self, conn: TConn, fs: Future[bool]) -> None:
        """After a request, in the main thread."""
        if fs.cancelled() or fs.exception() is not None or fs.result():
            super().finish_request(conn, fs)
        else:
            self._let_linger(conn)

    def murder_pending(self) -> None:
        """What gunicorn does each second: give up who has had their time."""
        super().murder_pending()
        now = time.monotonic()
        while self._lingering and (self._lingering[0].timeout or 0) <= now:
            self._give_up(self._lingering[0])

    def _let_linger(self, conn: TConn) -> None:
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
        except OSError:  # it is gone already
            self.nr_conns -= 1
            conn.close()
            return
        conn.timeout = time.monotonic() + LINGER_S
        self._lingering.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self._drain, conn))

    def _drain(self, conn: TConn, _sock: socket.socket) -> None:
        try:
            is_over = not conn.sock.recv(_MUCH)
        except BlockingIOError:
            return
        except OSError:
            is_over = True
        if is_over:
            self._give_up(conn)

    def _give_up(self, conn: TConn) -> None:
        self._lingering.remove(conn)
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()


def spread(worker: Any, request: Request) -> None:
    """Now and then close a kept connection, announced: who comes again comes to the idler worker.

    Connections stay where they were accepted. When a worker is replaced, the others get all of
    its, and the new one would have none for as long as they are kept.
    """
    if worker.nr % SPREAD == SPREAD - 1:
        request.force_close()
