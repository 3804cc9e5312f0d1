"""The processes under load: a PostgreSQL, Respondeo's server, the bare one; what they cost."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import sqlalchemy as sa

from bench import k6
from respondeo.config import Settings
from respondeo.db import parse_url
from respondeo.embedded import EmbeddedPostgres

ROOT = Path(__file__).parent.parent
PATIENCE_S = 30

RESPONDEO = ("-m", "flask", "--app", "wsgi", "serve")
BARE = ("-m", "bench.bare")


class Broken(Exception):
    """A server did not start."""


@dataclass(slots=True)
class Target:
    """Where a scenario is sent, whose processor time it costs, and where the server's log is."""

    origin: str
    web: psutil.Process
    log: Path
    database: psutil.Process

    def used(self) -> tuple[float, float]:
        """Seconds of processor time so far, of the server and of PostgreSQL."""
        return cpu_seconds(self.web), cpu_seconds(self.database)

    def wrong_in_words(self, run: k6.Run) -> list[str]:
        """That answers were not the expected ones, with the first and what the log says of it."""
        if not run.wrong:
            return []
        told, reference = run.first_wrong
        logged = [line for line in self.log.read_text().splitlines() if reference in line]
        lines = [f"{run.wrong:,} answers were not the expected ones. The first:", told]
        return ["\n".join([*lines, *(logged if reference else [])])]


@contextmanager
def own_postgres() -> Iterator[str]:
    """A PostgreSQL in a temporary folder, as durable as in production; its address."""
    with (
        TemporaryDirectory(prefix="respondeo-bench-") as folder,
        EmbeddedPostgres(Path(folder) / "postgres") as server,
    ):
        yield server.url


def settings_for(url: str, port: int, **changes: int) -> Settings:
    """Production's settings; workers, threads and the rest come from the environment."""
    return Settings(
        **changes,  # type: ignore[arg-type]
        app_env="production",
        secret_key=secrets.token_urlsafe(48),
        app_url=f"http://127.0.0.1:{port}",
        port=port,
        database_url=url,
        database_direct_url=url,
        trusted_proxies=(),
    )


def free_port() -> int:
    """A port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    program: Sequence[str], settings: Settings, port: int, *, path: str = "/healthz"
) -> Iterator[tuple[psutil.Process, Path]]:
    """A server as a process of its own, from when it answers at `path` for as long as it is needed,
    and the file of its log. Raises Broken.
    """
    with TemporaryDirectory(prefix="respondeo-bench-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, *program],
                cwd=ROOT,
                env=environment(settings, port),
                stdout=out,
                stderr=out,
            )
        try:
            _await(process, f"http://127.0.0.1:{port}{path}", log)
            yield psutil.Process(process.pid), log
        except k6.Failed as error:
            raise k6.Failed(f"{error}\nThe server's last words:\n{_last_words(log)}") from error
        finally:
            _end(process)


def environment(settings: Settings, port: int) -> dict[str, str]:
    """What a process of ours is told: these settings, and nothing of a .env file."""
    return os.environ | {
        "APP_ENV": settings.app_env,
        "SECRET_KEY": settings.secret_key,
        "APP_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "DATABASE_URL": str(settings.database_url),
        "DATABASE_DIRECT_URL": "",
        "TRUSTED_PROXIES": "",
        "WEB_CONCURRENCY": str(settings.web_concurrency),
        "WEB_THREADS": str(settings.web_threads),
        "WEB_MAX_REQUESTS": str(settings.web_max_requests),
        "FLASK_SKIP_DOTENV": "1",
    }


def _last_words(log: Path) -> str:
    """What a server said that was not about one request."""
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join([line for line in lines if '"event": "request"' not in line][-30:])


def _await(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < until:
        with suppress(URLError, ConnectionError), urlopen(url, timeout=PATIENCE_S):  # noqa: S310
            return
        time.sleep(0.01)
    raise Broken(f"{' '.join(process.args)} does not answer:\n{_last_words(log)}")  # type: ignore[arg-type]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def postmaster(url: str) -> psutil.Process:
    """PostgreSQL's first process, the parent of all the others."""
    engine = sa.create_engine(parse_url(url)[0], poolclass=sa.NullPool)
    with engine.connect() as connection:
        backend: int = connection.execute(sa.func.pg_backend_pid().select()).scalar_one()
        return psutil.Process(psutil.Process(backend).ppid())


def workers_mb(server: psutil.Process) -> list[float]:
    """The memory that each worker holds (RSS), in MB."""
    held = []
    for worker in server.children():
        with suppress(psutil.NoSuchProcess):
            held.append(worker.memory_info().rss / 1e6)
    return held


def cpu_seconds(first: psutil.Process) -> float:
    """What a process and its children have used of the processors so far."""
    total = 0.0
    for process in (first, *first.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            used = process.cpu_times()
            total += used.user + used.system
            if process is first:  # what children used that have gone
                total += used.children_user + used.children_system
    return total
