"""A Valkey, or Redis, server of the test's own: its folder, its port, its password."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import redis

from tests.ports import free_port
from tests.races.serving import until

PASSWORD = "pass/word#of?the@test"
QUOTED = "pass%2Fword%23of%3Fthe%40test"


def program() -> str:
    """The server's program. `scripts/system-packages` has seen to it that there is one."""
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    assert found is not None, "neither valkey-server nor redis-server; run `make test-system`"
    return found


class Valkey:
    """One server, which starts empty each time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"valkey://:{QUOTED}@127.0.0.1:{self.port}/3"
        self.socket = folder / "valkey.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, if it does not run, and wait until it answers."""
        if self._process is not None:
            return
        settings = {
            "bind": "127.0.0.1",
            "port": self.port,
            "unixsocket": self.socket,
            "requirepass": PASSWORD,
            "dir": self.folder,
            "save": "",
            "appendonly": "no",
        }
        words = [str(word) for name, value in settings.items() for word in (f"--{name}", value)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([program(), *words], stdout=log, stderr=log)
        until(lambda: self._answers() or None, "Valkey")

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def client(self) -> redis.Redis:
        """Somebody who looks at what it keeps."""
        return redis.Redis(port=self.port, password=PASSWORD, db=3, decode_responses=True)

    def kill(self) -> None:
        """Kill it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
