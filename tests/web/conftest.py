"""What tests of pages share: other settings, people of each role, a recorder of queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy.orm import Session

from respondeo import create_app
from respondeo.db import db
from respondeo.services import passwords
from tests.client import Client
from tests.conftest import settings_for
from tests.factories import add_user
from tests.web.apps import AppWith, Browser, Recorder


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Argon2 at its lowest cost: pages are not where its strength is tested, services are."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", cheap)
    passwords.nobodys_hash.cache_clear()
    yield
    passwords.nobodys_hash.cache_clear()


@pytest.fixture(scope="session")
def _apps() -> dict[str, Flask]:
    return {}


@pytest.fixture
def app_with(app: Flask, _apps: dict[str, Flask], database: str) -> Iterator[AppWith]:
    """The application with other settings, on the same database.

    It is made once, but keeps no connections between tests: the server has not as many as there
    are settings.
    """
    used: dict[str, Flask] = {}

    def make(**changes: object) -> Flask:
        key = repr(sorted(changes.items()))
        if key not in _apps:
            _apps[key] = create_app(settings_for(database, **changes))
        used[key] = _apps[key]
        return _apps[key]

    yield make
    for made in used.values():
        with made.app_context():
            db.engine.dispose()


@pytest.fixture
def browser(app: Flask, committed: Session) -> Browser:
    """A new browser; with a name, it holds the session of a new person of these groups."""

    def open_browser(name: str | None = None, *groups: str, on: Flask | None = None) -> Client:
        client = Client(on or app)
        if name is not None:
            person = add_user(committed, name, groups=list(groups))
            committed.commit()
            client.sign_in(person.id)
        return client

    return open_browser


@pytest.fixture
def recorder() -> Recorder:
    """Records the statements that requests run, whichever way they take to the driver."""

    @contextmanager
    def record() -> Iterator[list[str]]:
        said: list[str] = []

        def noted(run: Callable[..., Any]) -> Callable[..., Any]:
            def note(cursor: psycopg.Cursor[Any], query: Any, *args: Any, **how: Any) -> Any:
                ours = cursor.connection.info.parameter_status("application_name") == "respondeo"
                if ours and not str(query).startswith("SET "):  # of a new connection
                    said.append(str(query))
                return run(cursor, query, *args, **how)

            return note

        with pytest.MonkeyPatch.context() as patch:
            for name in ("execute", "executemany"):
                patch.setattr(psycopg.Cursor, name, noted(getattr(psycopg.Cursor, name)))
            yield said

    return record
