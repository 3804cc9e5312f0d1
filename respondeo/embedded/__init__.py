"""The embedded PostgreSQL, shared between processes: the demo, and a `flask` command beside it.

Every process that uses the server holds a share of `users.lock`; who leaves last stops it.
`start.lock` lets one process at a time start or stop. See docs/decisions/embedded-postgresql.md.
"""

import atexit
import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from respondeo.embedded.cluster import NAME, PORT, Cluster, binaries
from respondeo.embedded.words import EmbeddedError, Patience, from_os

__all__ = ["EmbeddedError", "EmbeddedPostgres", "binaries", "ensure"]


class EmbeddedPostgres:
    """One server on one folder. `options` are its settings where this process starts it."""

    def __init__(self, directory: Path, *, options: Mapping[str, str] | None = None) -> None:
        self.directory = directory.resolve()
        self._cluster = Cluster(self.directory, options or {})
        self._share: int | None = None
        self._holder = 0  # the process that took the share; not the children it forks

    @property
    def url(self) -> str:
        """The libpq address of the running server."""
        written = self._cluster.postmaster()
        if written is None:
            raise EmbeddedError("The embedded database is not running.")
        return f"postgresql://{NAME}@/{NAME}?host={quote(written.socket)}&port={PORT}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> str:
        """Start the server, or join it if it runs. Returns its address. Raises EmbeddedError."""
        try:
            self._cluster.prepare()
            with self._alone():
                self._enter()
                return self.url
        except OSError as error:
            raise from_os(error, self.directory) from error

    def stop(self) -> None:
        """Give up this process's share, and stop the server if nobody else holds one."""
        if self._share is not None and self._holder == os.getpid():
            with self._alone():
                self._leave()

    def _enter(self) -> None:
        if self._share is None:
            self._share = self._open("users.lock")
            self._holder = os.getpid()
        fcntl.flock(self._share, fcntl.LOCK_SH)
        try:
            self._cluster.make()
            if self._cluster.pid() is None:
                self._cluster.launch()
            self._cluster.await_ready()
        except BaseException:
            self._leave()
            raise

    def _leave(self) -> None:
        share, self._share = self._share, None
        if share is None:
            return
        try:
            # The share lives on in forked children unless it is given up in words.
            fcntl.flock(share, fcntl.LOCK_UN)
            if _locked(share):
                self._cluster.shut_down()
        finally:
            os.close(share)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = self._open("start.lock")
        try:
            patience = Patience("Another process is starting or stopping the database")
            while not _locked(lock):
                patience.tick()
            yield
        finally:
            os.close(lock)

    def _open(self, name: str) -> int:
        lock = os.open(self.directory / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if account := self._cluster.account:
            os.fchown(lock, account.uid, account.gid)
        return lock


_used: dict[Path, EmbeddedPostgres] = {}


def ensure(instance: Path) -> str:
    """The address of the server on `instance`/postgres, started or joined once per process.

    The process leaves it when it ends. Raises EmbeddedError.
    """
    directory = (instance / "postgres").resolve()
    if directory not in _used:
        server = EmbeddedPostgres(directory)
        server.start()
        atexit.register(server.stop)
        _used[directory] = server
    return _used[directory].url


def _locked(lock: int) -> bool:
    """Whether the exclusive lock could be had at once."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
