"""gunicorn's gthread worker, whose main thread waits for no client, and which shares with others.

The main thread takes connections and hands requests out. Where a connection was not kept, gunicorn
lets it wait until its client has closed it too, for two seconds at most: a client that does not
would hold everybody up. Here the poller waits for it, as for everything.

Connections stay where they were accepted: when a worker is replaced, the others get all of its,
and the new one would have none for as long as they are kept. So workers know of each other how
many they have, and one that has more than its share gives some away.
"""

from __future__ import annotations

import mmap
import random
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
RETIRE_S = 15.0
MOST_PLACES = 64
_MUCH = 65536
_NOBODY = -1

# The connections of each worker, by its place; shared with all that are forked from here.
_held = memoryview(mmap.mmap(-1, MOST_PLACES * 4)).cast("i")
for _place in range(MOST_PLACES):
    _held[_place] = _NOBODY


class PatientWorker(ThreadWorker):
    """What it closes, it closes as gunicorn does: its own side first, so that nothing that the
    client is still to read gets lost, then the rest once the client has, or after LINGER_S."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._lingering: deque[TConn] = deque()
        self._place: int | None = None
        self._is_told = False

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop because somebody says so, also where it is ending of itself already."""
        self._is_told = True
        if not self.alive:
            self._cap_keepalive(time.monotonic() + LINGER_S)
        super().handle_exit(sig, frame)

    def _cap_keepalive(self, deadline: float) -> None:
        """Until when kept connections stay, of a worker that ends.

        One that ends of itself, after so many requests, is in no hurry: nearly all of its clients
        ask once more meanwhile, and hear that they should come again elsewhere. To close a
        connection on which a request is on its way would lose it.
        """
        if not self._is_told:
            deadline = time.monotonic() + RETIRE_S
        super()._cap_keepalive(deadline)  # type: ignore[misc]  # the types do not know it

    def take_place(self, place: int) -> None:
        """Say at this place how many connections it has; those beyond MOST_PLACES say nothing."""
        self._place = place if place < MOST_PLACES else None
        self._say()

    def set_accept_enabled(self, enabled: bool | None) -> None:
        """Accept connections, or no more; one that is about to end has no share any more."""
        super().set_accept_enabled(enabled)
        if not self.alive and self._place is not None:
            leave(self._place)
            self._place = None

    def excess(self) -> float:
        """Which part of its connections it has beyond its share; 0 where it is about the share."""
        if self._place is None:
            return 0
        self._say()
        held = [count for count in _held if count != _NOBODY]
        share = sum(held) / max(1, len(held))  # it may be leaving just now
        return 1 - share / self.nr_conns if self.nr_conns > 1 + 1.1 * share else 0

    def _say(self) -> None:
        if self._place is not None:
            _held[self._place] = self.nr_conns

    def finish_request(self, conn: TConn, fs: Future[bool]) -> None:
        """After a request, in the main thread."""
        if fs.cancelled() or fs.exception() is not None or fs.result():
            super().finish_request(conn, fs)
        else:
            self._let_linger(conn)

    def murder_pending(self) -> None:
        """What gunicorn does time and again: give up who has had their time."""
        self._say()
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


def leave(place: int) -> None:
    """Nobody is at this place any more."""
    if place < MOST_PLACES:
        _held[place] = _NOBODY


def spread(worker: PatientWorker, request: Request) -> None:
    """Close the connection of this request, announced, where the worker has too many of them: who
    comes again comes to one that has less to do. By chance, so that just the excess goes."""
    if random.random() < worker.excess():  # noqa: S311 - nobody gains by guessing it
        request.force_close()
