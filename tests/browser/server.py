"""The server that the browser talks to: `flask serve`, two workers, on a database of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port

ROOT = Path(__file__).parent.parent.parent
SECONDS_TO_START = 60


@contextmanager
def serving(
    database_url: str, log: Path, name: str = "127.0.0.1", **settings: str
) -> Iterator[str]:
    """Serve this database as `make serve` would; gives the address. The log is kept in `log`.

    name: the host that browsers call it by; the demo answers to this machine's names only.
    settings: more variables, such as those of an identity provider.
    """
    port = int(settings.get("PORT") or free_port())
    url = f"http://{name}:{port}"
    environment = {name: value for name, value in os.environ.items() if not _is_setting(name)} | {
        "APP_ENV": "demo" if name == "127.0.0.1" else "production",
        "APP_URL": url,
        "AUTH_LOCAL": "true",
        "DATABASE_URL": database_url,
        "PORT": str(port),
        "RATE_LIMIT_GUEST_PLAYS": "1000",
        "SECRET_KEY": "only-for-browser-tests-0123456789-abcdef",
        "WEB_CONCURRENCY": "2",
        **settings,
    }
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "serve"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(name, port, server, log)
            yield url
        finally:
            _stop(server)


def _is_setting(name: str) -> bool:
    return name.startswith(("OIDC_", "RBAC_")) or name in {
        "DATABASE_DIRECT_URL",
        "REDIS_URL",
        "VALKEY_URL",
    }


def _wait_until_ready(name: str, port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    ready = urllib.request.Request(
        f"http://127.0.0.1:{port}/readyz", headers={"Host": f"{name}:{port}"}
    )
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(ready, timeout=5):  # noqa: S310 - our own
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise AssertionError(f"The server did not start:\n{log.read_text()}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGQUIT)  # at once: browsers hold connections open
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
