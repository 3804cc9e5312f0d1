"""What a real browser sends across sites, over plain http in a local network and on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from respondeo.db import parse_url
from tests.browser.conftest import LAUNCH
from tests.browser.server import serving
from tests.browser.visitor import Visit, at
from tests.browser.world import World
from tests.conftest import TEMPLATE, run_on_server, url_of

OURS, THEIRS = "quiz.lan", "evil.lan"


@contextmanager
def another_site(target: str) -> Iterator[int]:
    """A site of somebody else's: a form for our site, and one that sends itself in a frame."""
    page = f"""<!DOCTYPE html><meta charset="utf-8"><title>Elsewhere</title>
        <form method="post" action="{target}"><input name="theme" value="dark">
        <input name="number" value="1"><button>Win a prize</button></form>
        <a href="{target.rpartition('/')[0]}/">A link</a>""".encode()

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            """Nobody needs to know."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class LocalNetwork:
    """Our server under a name that no browser trusts, and a browser that finds it."""

    world: World
    browser: Browser

    def context(self) -> BrowserContext:
        return self.browser.new_context(base_url=self.world.url)


@pytest.fixture(scope="module")
def network(
    worker_id: str, tmp_path_factory: pytest.TempPathFactory, chromium_path: str
) -> Iterator[LocalNetwork]:
    name = f"respondeo_network_{worker_id}"
    run_on_server(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    engine = sa.create_engine(parse_url(url_of(name))[0], poolclass=sa.NullPool)
    log = tmp_path_factory.mktemp("network") / "log"
    rules = f"--host-resolver-rules=MAP {OURS} 127.0.0.1, MAP *.lan 127.0.0.1"
    with serving(url_of(name), log, host=OURS) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path, args=[*LAUNCH, rules, "--no-sandbox"]
        )
        yield LocalNetwork(World(engine, url), browser)
        browser.close()
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")
