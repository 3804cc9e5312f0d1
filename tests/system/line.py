"""A database on another host, in a network namespace of our own, and the line to it to be cut."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Self

PORT = 5432
FORWARDER = """
import socket, sys, threading
from contextlib import suppress

def pump(source, target):
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)

listener = socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=64)
print("ready", flush=True)
while True:
    caller, _ = listener.accept()
    database = socket.socket(socket.AF_UNIX)
    try:
        database.connect(sys.argv[3])
    except OSError:
        caller.close()
        continue
    for ends in ((caller, database), (database, caller)):
        threading.Thread(target=pump, args=ends, daemon=True).start()
"""


class Line:
    """To `address` on a host that forwards to a database's socket. Needs root and iproute2."""

    def __init__(self, socket_file: Path) -> None:
        number = os.getpid() % 250
        self.space = f"respondeo-{os.getpid()}"
        self.near, self.far = f"resp{number}a", f"resp{number}b"
        self.gateway, self.address = f"10.231.{number}.1", f"10.231.{number}.2"
        self.socket_file = socket_file

    def __enter__(self) -> Self:
        run("ip", "netns", "add", self.space)
        run("ip", "link", "add", self.near, "type", "veth", "peer", self.far, "netns", self.space)
        run("ip", "address", "add", f"{self.gateway}/30", "dev", self.near)
        run("ip", "link", "set", self.near, "up")
        self._far("link", "set", self.far, "up")
        self._plug("add")
        # Known beforehand: a host that is cut off is then silent, as behind a router, not absent.
        found = self._far("-brief", "link", "show", self.far).split()[2]
        run("ip", "neigh", "replace", self.address, "lladdr", found, "dev", self.near)
        inside = ("ip", "netns", "exec", self.space, sys.executable, "-c", FORWARDER)
        self.forwarder = subprocess.Popen(
            [*inside, self.address, str(PORT), str(self.socket_file)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.forwarder.stdout is not None
        assert self.forwarder.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        self.forwarder.terminate()
        self.forwarder.communicate()
        run("ip", "link", "delete", self.near)
        run("ip", "netns", "delete", self.space)

    def cut(self) -> None:
        """From now on nothing arrives, and nobody is told."""
        self._plug("delete")

    def mend(self) -> None:
        """As it was."""
        self._plug("add")

    def _plug(self, what: str) -> None:
        self._far("address", what, f"{self.address}/30", "dev", self.far)

    def _far(self, *command: str) -> str:
        return run("ip", "-n", self.space, *command)


def run(*command: str) -> str:
    """What a command says. Raises where it fails."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
