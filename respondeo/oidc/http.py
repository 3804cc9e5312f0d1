"""Talking to a provider within bounds: a limited time, a limited size, no redirects."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import requests
import urllib3
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError

CONNECT_S = 2.0
"""For one address of a provider's."""

CONNECTING_S = 6.0
"""For the look-up of its name, and all addresses that it has, taken together."""

READ_S = 5.0
"""For handshake, question, and answer."""

LARGEST_BYTES = 1_000_000

MOST_CONNECTING = 4
"""So many at once may be looking up one name; a sick resolver keeps no more threads than these."""


class TooLarge(ValueError):
    """An answer longer than anything that a provider has to say."""


_until: ContextVar[float | None] = ContextVar("until", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """All that is asked of a provider inside of this takes so long at most, taken together."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def time_left() -> float:
    """The seconds that are left of `within`; never below 0."""
    until = _until.get()
    return READ_S if until is None else max(0.0, until - time.monotonic())


class Watch:
    """Hangs up on a provider that has not said all in time.

    A timeout of a socket bounds each piece of an answer, and there may be any number of pieces.
    """

    def __init__(self) -> None:
        self.hung_up = False
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._timer: threading.Timer | None = None

    def over(self, line: socket.socket) -> None:
        """Watch over this line from now on: handshake, question, and answer."""
        # A descriptor of our own reaches the line still when TLS has taken the other one away.
        self._line = line.dup()
        self._timer = threading.Timer(min(READ_S, time_left()), self._hang_up)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """All is said."""
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            if self._line is not None:
                self._line.close()
                self._line = None

    def _hang_up(self) -> None:
        with self._lock:
            if self._line is not None:
                self.hung_up = True
                with suppress(OSError):
                    self._line.shutdown(socket.SHUT_RDWR)


_watch: ContextVar[Watch] = ContextVar("watch")
_connecting: dict[str, threading.BoundedSemaphore] = {}


def connected(host: str, connect: Callable[[], socket.socket]) -> socket.socket:
    """What `connect` makes, if it does so in time. Raises TimeoutError, and what it raises.

    Nothing can interrupt the look-up of a name: a thread does it that may be left behind.
    """
    end = time.monotonic() + min(CONNECTING_S, time_left())
    turns = _connecting.setdefault(host, threading.BoundedSemaphore(MOST_CONNECTING))
    if not turns.acquire(timeout=max(0.0, end - time.monotonic())):
        raise TimeoutError("others are still waiting for it to be found")
    made: Future[socket.socket] = Future()

    def run() -> None:
        try:
            _hand_over(connect, made)
        finally:
            turns.release()

    threading.Thread(target=run, name=f"connecting to {host}", daemon=True).start()
    try:
        return made.result(max(0.0, end - time.monotonic()))
    except TimeoutError:
        if made.cancel():
            raise TimeoutError("it was not reached in time") from None
        return made.result()  # it came at this very moment


def _hand_over(connect: Callable[[], socket.socket], made: Future[socket.socket]) -> None:
    try:
        line = connect()
    except Exception as problem:
        with suppress(InvalidStateError):
            made.set_exception(problem)
        return
    try:
        made.set_result(line)
    except InvalidStateError:  # nobody waits any more
        line.close()


def _watched_line(
    connection: HTTPConnection, connect: Callable[[], socket.socket]
) -> socket.socket:
    try:
        line = connected(connection.host, connect)
    except TimeoutError as late:
        raise ConnectTimeoutError(connection, str(late)) from late
    _watch.get().over(line)
    return line


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _watched_line(self, super()._new_conn)


class _SafeConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _watched_line(self, super()._new_conn)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SafePool(HTTPSConnectionPool):
    ConnectionCls = _SafeConnection


POOLS = {"http": _Pool, "https": _SafePool}


class _Adapter(HTTPAdapter):
    """Makes connections, direct or through a proxy, that are watched."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = POOLS
        return manager


class BoundedSession(OAuth2Session):  # type: ignore[misc]  # Authlib has no types
    """Authlib's session, which by itself would wait, read and follow redirects without end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mount("https://", _Adapter())
        self.mount("http://", _Adapter())

    def request(
        self, method: str, url: str, *args: Any, may_redirect: bool = False, **kwargs: Any
    ) -> requests.Response:
        """Ask, and read all of the answer. A redirect is a fault unless it `may_redirect`."""
        left = time_left()
        if not left:
            raise requests.Timeout("the time for this sign-in is over")
        kwargs |= {
            "allow_redirects": False,
            "stream": True,
            "timeout": (min(CONNECT_S, left), min(READ_S, left)),
        }
        with self._watched():
            response: requests.Response = super().request(method, url, *args, **kwargs)
            with response:
                _read(response)
        if 300 <= response.status_code < 400 and not may_redirect:
            raise requests.TooManyRedirects(f"it answered {response.status_code}, a redirect")
        return response

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """One exchange, on a line of its own. An answer that was cut off may look like a whole."""
        watch = Watch()
        token = _watch.set(watch)
        try:
            yield
        except Exception as error:
            if watch.hung_up:
                raise requests.Timeout("its answer came too slowly") from error
            raise
        finally:
            _watch.reset(token)
            watch.end()
            self.close()
        if watch.hung_up:
            raise requests.Timeout("its answer came too slowly")


def _read(response: requests.Response) -> None:
    """Take in the body piece by piece, as it comes, and no more than is bearable."""
    body = bytearray()
    try:
        while piece := response.raw.read1(65_536, decode_content=True):
            body += piece
            if len(body) > LARGEST_BYTES:
                raise TooLarge("its answer is too large")
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(f"its answer broke off: {error}") from error
    response._content = bytes(body)  # where requests keeps what it has read itself
    response._content_consumed = True  # type: ignore[attr-defined]
