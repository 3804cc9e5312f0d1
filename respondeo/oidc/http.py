"""Talking to a provider within bounds: a limited time, a limited size, no redirects."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import requests
import urllib3
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

CONNECT_S, READ_S = 3.0, 5.0
LARGEST_BYTES = 1_000_000
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


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        line = super()._new_conn()
        _watch.get().over(line)
        return line


class _SafeConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        line = super()._new_conn()
        _watch.get().over(line)
        return line


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
                raise ValueError("its answer is too large")
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(f"its answer broke off: {error}") from error
    response._content = bytes(body)  # where requests keeps what it has read itself
    response._content_consumed = True  # type: ignore[attr-defined]
