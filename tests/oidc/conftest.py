"""A provider for each test, and Respondeo set up to use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import structlog
from flask import Flask
from structlog.typing import EventDict

from respondeo import create_app
from respondeo.db import db
from respondeo.oidc.providers import Provider
from tests.conftest import settings_for
from tests.oidc.browser import Traveller
from tests.oidc.provider import Front, front, real_provider

Setup = Callable[..., Flask]


@pytest.fixture(scope="session")
def _provider() -> Iterator[str]:
    with real_provider() as url:
        yield url


@pytest.fixture
def school(_provider: str) -> Iterator[Front]:
    """The provider, as “School”."""
    with front(_provider) as made:
        yield made


@pytest.fixture
def club(_provider: str) -> Iterator[Front]:
    """Another provider."""
    with front(_provider) as made:
        yield made


@pytest.fixture
def set_up(app: Flask, database: str) -> Iterator[Setup]:
    """Respondeo with these providers; a new process, as far as it can remember."""
    with ExitStack() as stack:

        def make(*providers: Provider, **changes: object) -> Flask:
            made = create_app(
                settings_for(database, oidc_providers=providers, web_threads=2, **changes)
            )

            def dispose() -> None:
                with made.app_context():
                    db.engine.dispose()

            stack.callback(dispose)
            return made

        yield make


@pytest.fixture
def traveller(school: Front, set_up: Setup) -> Traveller:
    """Somebody with a browser, where School is the way to sign in."""
    return Traveller(set_up(school.settings()))


@pytest.fixture
def log() -> Iterator[list[EventDict]]:
    """What is logged."""
    with structlog.testing.capture_logs() as entries:
        yield entries
