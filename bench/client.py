"""The load generator: many simulated browsers over keep-alive connections, in one thread.

It shares the processors with what it measures, so it does as little as it can: requests are
written as ready-made bytes, responses are cut by their length and read only where a player has
to know what came.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

import brotli

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ENCODED = re.compile(rb"\r\ncontent-encoding: *br", re.IGNORECASE)
_BODILESS = (204, 304)


class Unexpected(Exception):
    """The server did not answer what the scenario needs: no figure can be trusted."""


@dataclass(slots=True)
class Response:
    """What came back; `body` as it was sent."""

    status: int
    head: bytes
    body: bytes

    def text(self) -> str:
        """The body, decompressed where it has to be."""
        body = brotli.decompress(self.body) if _ENCODED.search(self.head) else self.body
        return str(body, "utf-8")

    def header(self, name: str) -> str | None:
        """A header's value."""
        found = re.search(rb"\r\n%s: *([^\r]*)" % name.encode(), self.head, re.IGNORECASE)
        return found[1].decode() if found else None


@dataclass(slots=True)
class Request:
    """Bytes to send. `kind` names the line of the report, None where it is not measured."""

    kind: str | None
    data: bytes
    expects: int = 200


Steps = Generator[Request, Response, None]
"""What one simulated browser does: yields a request, is sent the response, without end."""


@dataclass(slots=True)
class Browser:
    """A cookie, and the headers that a browser sends (or htmx in it)."""

    origin: str
    cookie: str = ""

    def get(
        self, kind: str | None, path: str, *, expects: int = 200, htmx: bool = False, **headers: str
    ) -> Request:
        """A GET; header names are written with underscores."""
        return Request(kind, self._head("GET", path, htmx, headers) + b"\r\n", expects)

    def post(
        self,
        kind: str | None,
        path: str,
        form: dict[str, str],
        *,
        expects: int = 200,
        htmx: bool = False,
    ) -> Request:
        """A form, sent as one of our own pages sends it."""
        body = urlencode(form).encode()
        headers = {
            "Content_Type": "application/x-www-form-urlencoded",
            "Content_Length": str(len(body)),
            "Origin": self.origin,
        }
        return Request(kind, self._head("POST", path, htmx, headers) + b"\r\n" + body, expects)

    def _head(self, method: str, path: str, htmx: bool, headers: dict[str, str]) -> bytes:
        lines = {
            "Host": self.origin.partition("://")[2],
            "Accept": "text/html",
            "Accept_Encoding": "gzip, deflate, br",
            "Sec_Fetch_Site": "same-origin",
            **({"Cookie": self.cookie} if self.cookie else {}),
            **({"HX_Request": "true"} if htmx else {}),
            **headers,
        }
        told = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
        return f"{method} {path} HTTP/1.1\r\n{told}".encode()


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._waiting: asyncio.Future[Response] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - its interface
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(Unexpected("The server closed the connection."))

    def data_received(self, data: bytes) -> None:
        self._received = received = self._received + data if self._received else data
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return
        head, status = received[:end], int(received[9:12])
        length = _LENGTH.search(head)
        if length is None and status not in _BODILESS:
            self._answer(Unexpected(f"A response without a length: {head!r}"))
            return
        whole = end + 4 + (int(length[1]) if length and status not in _BODILESS else 0)
        if len(received) >= whole:
            self._received = received[whole:]
            self._answer(Response(status, head, received[end + 4 : whole]))

    def _answer(self, result: Response | Unexpected) -> None:
        assert self._waiting is not None
        waiting, self._waiting = self._waiting, None
        if isinstance(result, Response):
            waiting.set_result(result)
        else:
            waiting.set_exception(result)

    def ask(self, data: bytes) -> asyncio.Future[Response]:
        """Send a request; the future is the response."""
        assert self._transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        return self._waiting

    def close(self) -> None:
        """Hang up."""
        assert self._transport is not None
        self._transport.close()


@dataclass(slots=True)
class Player:
    """A simulated person: what they do next, kept from one slice of time to the following."""

    steps: Steps
    pending: Request | None = None

    async def act(self, connection: Connection, until: float, took: list[Sample]) -> None:
        """Act until the moment has come (`time.perf_counter`), noting how long answers took."""
        request = self.pending or next(self.steps)
        while (begun := time.perf_counter()) < until:
            response = await connection.ask(request.data)
            if request.kind is not None:
                took.append((request.kind, time.perf_counter() - begun))
            if response.status != request.expects:
                line, _, _ = request.data.partition(b"\r\n")
                raise Unexpected(
                    f"{line.decode()} answered {response.status}, not {request.expects}:"
                    f"\n{response.text()[:2000]}"
                )
            request = self.steps.send(response)
        self.pending = request


Sample = tuple[str, float]
"""The kind of a request, and how long its answer took, in seconds."""


@dataclass(slots=True)
class Slice:
    """What was measured in one stretch of time: durations in seconds."""

    elapsed: float
    client_cpu: float
    took: list[Sample] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Measured requests per second."""
        return len(self.took) / self.elapsed


def load(port: int, players: Sequence[Player], seconds: float) -> Slice:
    """Let all players act at once, each on a new connection. Raises Unexpected."""
    return asyncio.run(_load(port, players, seconds))


async def _load(port: int, players: Sequence[Player], seconds: float) -> Slice:
    loop = asyncio.get_running_loop()
    connections = [
        (await loop.create_connection(Connection, "127.0.0.1", port))[1] for _ in players
    ]
    took: list[Sample] = []
    cpu, begun = time.process_time(), time.perf_counter()
    try:
        async with asyncio.TaskGroup() as group:
            for player, connection in zip(players, connections, strict=True):
                group.create_task(player.act(connection, begun + seconds, took))
    except* Unexpected as several:
        raise several.exceptions[0] from None
    finally:
        for connection in connections:
            connection.close()
    return Slice(time.perf_counter() - begun, time.process_time() - cpu, took)
