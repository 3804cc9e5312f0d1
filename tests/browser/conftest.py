"""A real server and a real Chromium for each worker; a fresh browser context for each visitor."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, expect, sync_playwright

from respondeo.db import parse_url
from tests.browser.server import serving
from tests.browser.visitor import Visit, Visitor, cookie, options
from tests.browser.world import Someone, World
from tests.conftest import TEMPLATE, run_on_server, url_of, wipe

HERE = Path(__file__).parent

CHROMIUM_NAMES = (
    "chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)  # fmt: skip

LAUNCH = [
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The Chromium to drive: $CHROMIUM, else the first that is found."""
    named = os.environ.get("CHROMIUM")
    found = next(filter(None, map(shutil.which, [named] if named else CHROMIUM_NAMES)), None)
    if found is None:
        pytest.fail(
            f"No Chromium at CHROMIUM={named}." if named else
            "The browser tests need Chromium. Install it, or name it: CHROMIUM=/path/to/chromium",
            pytrace=False,
        )  # fmt: skip
    return found


@pytest.fixture(scope="session")
def chromium(chromium_path: str) -> Iterator[Browser]:
    """One browser for all tests of a worker."""
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    expect.set_options(timeout=15_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path, args=[*LAUNCH, *as_root]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def _served(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    name = f"respondeo_browser_{worker_id}"
    run_on_server(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    engine = sa.create_engine(parse_url(url_of(name))[0], poolclass=sa.NullPool)
    log = tmp_path_factory.mktemp("server") / "log"
    with serving(url_of(name), log) as url:
        yield World(engine, url)
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def world(_served: World) -> Iterator[World]:
    """The server with an empty database; what a test puts there is wiped afterwards."""
    yield _served
    wipe(_served.engine)


@pytest.fixture
def visit(chromium: Browser, world: World) -> Iterator[Visit]:
    """Lets somebody open a browser. Afterwards nothing may have gone wrong in any of them."""
    visitors: list[Visitor] = []

    def visit(who: Someone | None = None, **wishes: Any) -> Visitor:
        context = chromium.new_context(base_url=world.url, **options(**wishes))
        if who is not None:
            context.add_cookies([cookie(who, world.url)])
        visitors.append(Visitor(context, world.url))
        return visitors[-1]

    yield visit
    for visitor in visitors:
        visitor.context.close()
    troubles = [trouble for visitor in visitors for trouble in visitor.unexpected()]
    assert not troubles, "\n".join(troubles)
