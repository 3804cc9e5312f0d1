"""PgBouncer in transaction mode before the test server: `make test-system` plays through it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

from sqlalchemy.engine import URL

from respondeo.embedded.account import Account

POOLER_PORT = 6543
SETTINGS = """
[databases]
* = host={address} port={port} user={user}
[pgbouncer]
unix_socket_dir = {folder}
listen_port = {own_port}
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 1000
ignore_startup_parameters = extra_float_digits
logfile = {folder}/log
{more}
"""


class PgBouncer:
    """In a folder of its own, in front of a server that listens on a socket."""

    def __init__(
        self,
        folder: Path,
        server: URL,
        mode: str = "transaction",
        size: int = 20,
        *,
        address: str = "",
        more: str = "",
    ) -> None:
        """address: where the server is reached, if not by its socket; more: other settings."""
        self.folder = folder
        place = str(server.query["host"])
        settings = SETTINGS.format(
            address=address or place,
            port=server.query["port"],
            user=server.username,
            folder=folder,
            mode=mode,
            size=size,
            own_port=POOLER_PORT,
            more=more,
        )
        (folder / "pgbouncer.ini").write_text(settings)
        account = Account.owning(Path(place))
        account.take(folder)
        self.process = subprocess.Popen(
            [program(), "--quiet", str(folder / "pgbouncer.ini")],
            user=account.uid,
            group=account.gid,
            extra_groups=[],
        )
        self._await()

    def _await(self) -> None:
        end = time.monotonic() + 20
        while True:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(f"{self.folder}/.s.PGSQL.{POOLER_PORT}") == 0:
                    return
            assert time.monotonic() < end, "PgBouncer does not answer"
            time.sleep(0.02)

    def stop(self) -> None:
        """At once; who is connected is cut off."""
        self.process.kill()
        self.process.wait()


def program() -> str:
    """Where it is. Debian keeps servers where only root's PATH looks."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    assert found, "PgBouncer is missing: scripts/system-packages installs it"
    return found
