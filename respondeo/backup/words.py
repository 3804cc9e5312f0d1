"""What a backup says to people: its troubles, its progress, sizes."""

from __future__ import annotations

import sys
import time

import click


class BackupError(click.ClickException):
    """It could not be done, and nothing was changed. The message says why and what to do."""


class Progress:
    """Counts bytes, and says how many every few seconds where somebody watches."""

    EVERY_S = 2.0

    def __init__(self, doing: str) -> None:
        self.bytes = 0
        self.began = time.monotonic()
        self._doing = doing
        self._said = self.began

    def add(self, count: int) -> None:
        self.bytes += count
        now = time.monotonic()
        if now - self._said >= self.EVERY_S and sys.stderr.isatty():
            self._said = now
            click.echo(f"{self._doing} … {size(self.bytes)}", err=True)

    @property
    def seconds(self) -> str:
        return f"{time.monotonic() - self.began:.1f} s"


def size(count: float) -> str:
    """`1.3 MB`."""
    if count < 1000:
        return f"{count:.0f} bytes"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 1000:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} TB"
