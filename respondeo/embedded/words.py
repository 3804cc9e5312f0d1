"""What the embedded PostgreSQL says to people: its progress, and its troubles in plain words."""

import errno
import sys
import time
from pathlib import Path

from click import ClickException

NOTICE_EVERY_S = 3.0

ELSEWHERE = "Or give Respondeo another PostgreSQL server with DATABASE_URL."

_LOG = [
    ("No space left on device", "The disk is full. Free some space and start again."),
    ("Permission denied", "The database may not read or write its folder. Check who owns it."),
    ("Read-only file system", "The database's folder cannot be written to."),
    ("shared memory block", "A process of an earlier server is still running. Stop it first."),
    ("Cannot allocate memory", "There is not enough free memory for the database."),
    ("could not locate a valid checkpoint", "The database's files are damaged. Restore a backup."),
]


class EmbeddedError(ClickException):
    """The embedded PostgreSQL cannot run. The message is for people and says what to do.

    A `flask` command that meets it prints the message and no traceback.
    """


class Patience:
    """Waits in small steps, and says so every few seconds.

    `limit` is in seconds; without one the wait may last for ever.
    """

    def __init__(self, doing: str, limit: float = float("inf")) -> None:
        self._doing = doing
        self._limit = limit
        self._began = time.monotonic()
        self._said = 0

    def tick(self, pause: float = 0.02) -> bool:
        """Wait a little; False if the limit is over."""
        time.sleep(pause)
        waited = time.monotonic() - self._began
        if waited // NOTICE_EVERY_S > self._said:
            self._said += 1
            notice(f"{self._doing} … ({waited:.0f} s)")
        return waited < self._limit


def notice(text: str) -> None:
    """Tell the person at the terminal something, apart from what the program prints."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the terminal is where they are


def from_os(error: OSError, directory: Path) -> EmbeddedError:
    """An error of the operating system, in plain words."""
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return EmbeddedError(
            f"Respondeo keeps its database in {directory}, and may not write there.\n"
            f"Put the project in a folder of your own. {ELSEWHERE}"
        )
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return EmbeddedError(_LOG[0][1])
    return EmbeddedError(f"The embedded database cannot run: {error}. {ELSEWHERE}")


def from_log(said: str, log: Path) -> EmbeddedError:
    """What PostgreSQL or one of its tools said, in plain words and in its own."""
    told = [line for line in said.splitlines() if "FATAL:" in line or "PANIC:" in line]
    own = (told or said.strip().splitlines() or ["(nothing)"])[-1].strip()
    for sign, plain in _LOG:
        if sign in said:
            return EmbeddedError(f"{plain}\nPostgreSQL said: {own}")
    return EmbeddedError(f"The embedded database cannot run.\nPostgreSQL said: {own}\nMore: {log}")
