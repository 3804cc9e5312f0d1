"""Respondeo as it is served: gunicorn with several workers, in processes of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

import psutil
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse, create_environ
from werkzeug.wrappers import Request

from tests.client import Page
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
FOREIGN = ("RBAC_", "REDIS_", "VALKEY_")  # settings of whoever runs the tests
T = TypeVar("T")


def until(found: Callable[[], T | None], what: str, seconds: float = 20) -> T:
    """Ask again until there is something; fails after `seconds`."""
    end = time.monotonic() + seconds
    while (result := found()) is None:
        assert time.monotonic() < end, f"waited too long for {what}"
        time.sleep(0.02)
    return result


class Server:
    """`flask serve` on a free port."""

    def __init__(self, database_url: str, log: Path, *, workers: int = 2, **settings: str) -> None:
        self.log = log
        self._workers = workers
        self.port = free_port()
        env = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        env |= {
            "APP_ENV": "demo",
            "AUTH_LOCAL": "true",
            "DATABASE_URL": database_url,
            "PORT": str(self.port),
            "RATE_LIMIT_GUEST_PLAYS": "1000",
            "SECRET_KEY": "only-for-tests-0123456789-abcdefghij",
            "WEB_CONCURRENCY": str(workers),
        } | settings
        env.pop("APP_URL", None)
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flask", "--app", "wsgi", "serve"],
                cwd=ROOT,
                env=env,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(lambda: self._runs() or None, "the server", seconds=60)

    def _runs(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            answers = Caller(self.port).get("/healthz").status_code == 200
            return answers and len(self.workers()) == self._workers
        except (OSError, HTTPException):
            return False

    def workers(self) -> list[psutil.Process]:
        """The processes that answer."""
        found = psutil.Process(self.process.pid).children()
        return [worker for worker in found if worker.status() != psutil.STATUS_ZOMBIE]

    def kill_worker(self) -> None:
        """Kill one worker as the kernel would when memory is short."""
        self.workers()[0].kill()

    def stop(self) -> None:
        """Stop it as an operator does; nothing may be left."""
        workers = self.workers()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            left = [worker for worker in workers if worker.is_running()]
            for worker in left:
                worker.kill()
        assert not left, "workers outlived their master"


class Caller:
    """One browser with its cookie, or a program with its key; each request connects anew."""

    def __init__(self, port: int, cookie: str | None = None, key: str | None = None) -> None:
        self.port = port
        self.cookie = cookie
        self.key = key

    def get(self, path: str, *, htmx: bool = False) -> TestResponse:
        """GET without following."""
        return self.request("GET", path, htmx=htmx)

    def post(self, path: str, form: dict[str, str], *, htmx: bool = False) -> TestResponse:
        """POST a form as one of our own pages would, without following."""
        return self.request("POST", path, urlencode(form), htmx=htmx)

    def request(
        self, method: str, path: str, body: str | None = None, *, htmx: bool = False
    ) -> TestResponse:
        """One request. Raises OSError and HTTPException where the connection breaks."""
        return self.prepared(method, path, body, htmx=htmx)()

    def prepared(
        self, method: str, path: str, body: str | None = None, *, htmx: bool = False
    ) -> Callable[[], TestResponse]:
        """A request that is connected already and goes when it is called."""
        headers = {"Host": f"127.0.0.1:{self.port}", "Sec-Fetch-Site": "same-origin"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if self.cookie is not None:
            headers["Cookie"] = self.cookie
        if self.key is not None:
            headers["X-API-Key"] = self.key
        if htmx:
            headers["HX-Request"] = "true"
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.connect()

        def go() -> TestResponse:
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                read = answer.read()
            finally:
                connection.close()
            return TestResponse(
                iter([read]),
                status=f"{answer.status} {answer.reason}",
                headers=Headers(answer.getheaders()),
                request=Request(create_environ(path)),
            )

        return go

    def page(self, path: str) -> Page:
        """GET a page, following redirects; a broken connection is tried again."""
        response = until(lambda: self._tried(path), path)
        if response.status_code == 303:
            return self.page(str(response.location))
        assert response.status_code == 200, response.text
        return Page(response)

    def _tried(self, path: str) -> TestResponse | None:
        try:
            return self.get(path)
        except (OSError, HTTPException):
            return None
