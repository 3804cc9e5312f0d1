"""The system's PostgreSQL with TLS: in a folder of its own, on a port of its own."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from typing import Any

import psycopg

from tests.ports import free_port

PASSWORD = "hushhush"
# On TCP only with encryption; the database `plain` without it, too.
RULES = """
local all all trust
local replication all trust
host plain all all scram-sha-256
hostssl all all all scram-sha-256
"""


def program(name: str) -> str:
    """A program of the newest server that Debian's packages brought."""
    found = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4])
    )
    assert found, "PostgreSQL is missing: scripts/system-packages installs it"
    return str(found[-1])


class Postgres:
    """One server, whose certificate names `localhost` only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._make_certificates()
        account = pwd.getpwnam("postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid())[0])
        self._as: dict[str, Any] = (
            {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            if os.getuid() == 0
            else {}
        )
        for path in (folder, *folder.iterdir()):
            os.chown(path, account.pw_uid, account.pw_gid)
        self._run(program("initdb"), "-D", str(self.data), "-U", "postgres", "--auth=trust")
        (self.data / "pg_hba.conf").write_text(RULES)
        self._control("start", "-l", str(folder / "log"), "-o", self._options())

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _options(self) -> str:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "ssl_cert_file": self.folder / "server.crt",
            "ssl_key_file": self.folder / "server.key",
        }
        return " ".join(f"-c {name}={value}" for name, value in settings.items())

    def _control(self, *words: str) -> None:
        self._run(program("pg_ctl"), "-D", str(self.data), "-w", *words)

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")

    def _run(self, *words: str) -> None:
        subprocess.run(words, check=True, cwd=self.folder, stdout=subprocess.DEVNULL, **self._as)

    def _make_certificates(self) -> None:
        """An authority, a certificate of it for localhost, and an authority of somebody else's."""
        for name in ("ca", "other"):
            self._openssl(
                f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name}"
                f" -keyout {name}.key -out {name}.crt"
            )
        self._openssl(
            "req -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost"
            " -keyout server.key -out server.csr"
        )
        self._openssl(
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2"
            " -copy_extensions copy -out server.crt"
        )
        (self.folder / "server.key").chmod(0o600)

    def _openssl(self, words: str) -> None:
        subprocess.run(
            ["openssl", *words.split()], cwd=self.folder, check=True, capture_output=True
        )

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """As its superuser."""
        address = f"postgresql://postgres@/{database}?host={self.folder}&port={self.port}"
        with psycopg.connect(address, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def start_standby(self) -> int:
        """A copy that follows and only reads; returns its port."""
        port = free_port()
        copy = self.folder / "standby"
        self._run(
            program("pg_basebackup"), "-R", "-X", "stream", "-c", "fast", "-D", str(copy),
            "-h", str(self.folder), "-p", str(self.port), "-U", "postgres",
        )  # fmt: skip
        options = f"{self._options()} -c port={port}"
        log = str(self.folder / "standby.log")
        self._run(program("pg_ctl"), "-D", str(copy), "-w", "start", "-l", log, "-o", options)
        return port

    def stop_standby(self) -> None:
        copy = str(self.folder / "standby")
        self._run(program("pg_ctl"), "-D", copy, "-w", "stop", "-m", "immediate")

    def reload(self) -> None:
        """Let the server read its files, and wait until it has: it says when."""
        asked = "SELECT pg_conf_load_time()"
        address = f"postgresql://postgres@/postgres?host={self.folder}&port={self.port}"
        with psycopg.connect(address, autocommit=True) as connection:
            before = connection.execute(asked).fetchone()
            connection.execute("SELECT pg_reload_conf()")
            while connection.execute(asked).fetchone() == before:
                pass

    def encrypt(self, *, on: bool) -> None:
        """Switch TLS on or off, and wait until the server has done it."""
        self.execute(f"ALTER SYSTEM SET ssl = {'on' if on else 'off'}", "SELECT pg_reload_conf()")
        address = f"postgresql://postgres@/postgres?host={self.folder}&port={self.port}"
        shown = ("",)
        while shown != ("on" if on else "off",):
            with psycopg.connect(address) as connection:
                shown = connection.execute("SHOW ssl").fetchone() or ("",)

    def url(self, *, host: str = "localhost", password: str = PASSWORD, **query: str) -> str:
        """As quiz_app over TCP."""
        database = query.pop("database", "quiz_app")
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        address = f"postgresql://quiz_app:{password}@{host}:{self.port}/{database}"
        return f"{address}?{asked}" if asked else address

    @property
    def authority(self) -> str:
        return str(self.folder / "ca.crt")

    @property
    def other_authority(self) -> str:
        return str(self.folder / "other.crt")
