"""PostgreSQL's client programs: the newest ones on this machine, and how they find the server."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile

from respondeo import embedded
from respondeo.backup.words import BackupError
from respondeo.connection_string import ConnectionString

PROGRAMS = ("pg_dump", "pg_restore", "psql")
# Where Debian, Red Hat, Homebrew, Postgres.app and PostgreSQL's own sources put them.
PLACES = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "opt/homebrew/opt/libpq/bin",
    "usr/local/opt/postgresql@*/bin",
    "usr/local/opt/libpq/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
    "usr/local/pgsql/bin",
)
RESTRICTS_SINCE = {13: 22, 14: 19, 15: 14, 16: 10, 17: 6}
ENCRYPTED = {"require", "verify-ca", "verify-full"}


@dataclass(frozen=True, order=True)
class Clients:
    """The programs of one version, such as (18, 4), in one folder."""

    version: tuple[int, int]
    folder: Path

    def path(self, program: str) -> str:
        return str(self.folder / program)

    @property
    def can_restrict(self) -> bool:
        """Whether psql can be told to run no command of its own, such as one for the shell."""
        major, minor = self.version
        return minor >= RESTRICTS_SINCE.get(major, 0 if major > 17 else 99)


def newest(to: ConnectionString, server: int, *, restricted: bool = False) -> Clients:
    """The newest programs that are not older than the server's major version.

    `restricted` asks for a psql that can be told to run no command of its own: a file has any.
    Those of the embedded PostgreSQL come last: they know no encryption. Raises BackupError.
    """
    found = [clients for place in _places() if (clients := _at(place))]
    able = [clients for clients in found if clients.version[0] >= server]
    usable = [clients for clients in able if clients.can_restrict or not restricted]
    if not usable and to.parameters.get("sslmode") not in ENCRYPTED:
        usable = [c for c in _embedded() if c.version[0] >= server]
    if usable:
        return max(usable)
    if able:
        raise _open_to_the_shell(max(able))
    older = sorted({f"{c.version[0]}.{c.version[1]} in {c.folder}" for c in found})
    raise BackupError(
        f"This needs pg_dump, pg_restore and psql of PostgreSQL {server} or later, as the server"
        f" is. Found: {', '.join(older) or 'none'}.\n"
        f"Install them: apt install postgresql-client-{server} (from PostgreSQL's own packages"
        f" where the system's are older), dnf install postgresql{server}, or brew install libpq."
    )


def _open_to_the_shell(clients: Clients) -> BackupError:
    major, minor = clients.version
    safe = [f"{number}.{least}" for number, least in RESTRICTS_SINCE.items() if number >= major]
    return BackupError(
        f"psql {major}.{minor} in {clients.folder} cannot be kept from running commands of the"
        f" shell that stand in a backup. A restore needs psql {', '.join(safe)}, or 18 and later.\n"
        "Nothing was changed. Bring it up to date, for example:"
        f" sudo apt install --only-upgrade postgresql-client-{major}"
    )


def _places() -> list[Path]:
    named = [Path(place) for place in os.environ.get("PATH", "").split(os.pathsep) if place]
    return named + [found for pattern in PLACES for found in Path("/").glob(pattern)]


def _embedded() -> list[Clients]:
    try:
        clients = _at(embedded.binaries())
    except embedded.EmbeddedError:
        return []
    return [clients] if clients else []


def _at(folder: Path) -> Clients | None:
    if not all(os.access(folder / program, os.X_OK) for program in PROGRAMS):
        return None
    said = subprocess.run(  # noqa: S603 - a program that we found
        [str(folder / "pg_dump"), "--version"], capture_output=True, text=True, check=False
    ).stdout
    version = re.search(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?", said)
    return Clients((int(version[1]), int(version[2] or 0)), folder) if version else None


@contextmanager
def environment(to: ConnectionString) -> Iterator[dict[str, str]]:
    """What leads a client program to the server.

    Everybody on a machine can read the arguments of a program, so none of this stands there: the
    password goes into the environment, all else into a file that only we can read.
    """
    with NamedTemporaryFile("w", prefix="respondeo-", suffix=".conf") as file:
        lines = "".join(f"{name}={value}\n" for name, value in to.keywords.items())
        file.write(f"[respondeo]\n{lines}")
        file.flush()
        said = {"PGSERVICEFILE": file.name, "PGSERVICE": "respondeo", "LC_ALL": "C"}
        secret = {"PGPASSWORD": to.password} if to.password else {}
        yield os.environ | said | secret


class Running:
    """A client program at work. Whoever leaves before its end ends it."""

    def __init__(
        self, words: list[str], env: dict[str, str] | None = None, *, listens: bool = False
    ) -> None:
        # Into a file: nobody reads a pipe while the other one is being read or written.
        self._errors = TemporaryFile()  # noqa: SIM115 - closed at the end of the program
        self.process = subprocess.Popen(  # noqa: S603 - a program that we found
            words,
            stdin=subprocess.PIPE if listens else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if listens else subprocess.PIPE,
            stderr=self._errors,
            env=env,
        )

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(BrokenPipeError):
                if pipe:
                    pipe.close()
        self._errors.close()

    def complaint(self) -> str | None:
        """Wait for the end. None where all went well, else what the program said."""
        if self.process.wait() == 0:
            return None
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip() or "(nothing)"
