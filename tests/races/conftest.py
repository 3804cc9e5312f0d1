"""Servers that race tests share."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.db import parse_url
from respondeo.embedded import EmbeddedPostgres
from respondeo.services import identity
from tests.client import Page
from tests.conftest import TEMPLATE, direct_url_of, run_on_server, url_of
from tests.factories import add_user, published_quiz
from tests.races.serving import Caller, Server
from tests.web.playing import option


class World:
    """A served Respondeo and its database."""

    def __init__(self, server: Server, database_url: str) -> None:
        self.server = server
        self.engine = sa.create_engine(parse_url(database_url)[0], poolclass=sa.NullPool)

    def quiz(self, questions: int = 3, **details: Any) -> UUID:
        """A published quiz."""
        with Session(self.engine) as session:
            quiz_id = published_quiz(session, questions=questions, **details).id
            session.commit()
        return quiz_id

    def player(self, quiz_id: UUID) -> Playing:
        """A new person, signed in, before the quiz."""
        with Session(self.engine) as session:
            person = add_user(session)
            token = identity.sign_in(session, person.id, ip_address=None, user_agent="tests")
            session.commit()
        return Playing(Caller(self.server.port, f"respondeo_session={token}"), quiz_id)

    def row(self, statement: str, **values: object) -> dict[str, Any]:
        """The one row that a query finds."""
        with self.engine.connect() as connection:
            return dict(connection.execute(sa.text(statement), values).mappings().one())

    def change(self, statement: str, **values: object) -> None:
        """Change something behind the application's back."""
        with self.engine.begin() as connection:
            assert connection.execute(sa.text(statement), values).rowcount


class Playing:
    """Somebody who plays one quiz through real connections."""

    def __init__(self, caller: Caller, quiz_id: UUID) -> None:
        self.caller = caller
        self.id = quiz_id
        self.quiz = f"/quiz/{quiz_id}"
        self.play = f"{self.quiz}/play"

    def start(self) -> Page:
        """Press Start."""
        assert self.caller.post(self.play, {"number": "1"}).status_code == 303
        return self.look()

    def look(self) -> Page:
        """Where the attempt stands."""
        return self.caller.page(self.play)

    def answer(self, page: Page, letter: str) -> TestResponse:
        """Confirm an answer, as htmx does."""
        return self.caller.post(f"{self.play}/answer", form_of(page, letter), htmx=True)

    def next(self, page: Page) -> TestResponse:
        """Leave the feedback, as htmx does."""
        form = page.fields("form[data-sends=next]")
        return self.caller.post(f"{self.play}/next", form, htmx=True)


def form_of(page: Page, letter: str) -> dict[str, str]:
    """What the form of a question sends when this answer is chosen."""
    return page.fields("form.answer-form") | {"answer": option(page, letter)}


def at_once(prepared: list[Callable[[], TestResponse]]) -> list[TestResponse]:
    """Send connected requests in the same moment, each from a thread of its own."""
    barrier = Barrier(len(prepared))

    def go(request: Callable[[], TestResponse]) -> TestResponse:
        barrier.wait(timeout=30)
        return request()

    with ThreadPoolExecutor(len(prepared)) as threads:
        return list(threads.map(go, prepared))


@pytest.fixture(scope="module")
def world(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two workers on a database of their own, whose clock nobody turns."""
    name = f"respondeo_races_{worker_id}"
    run_on_server(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    url = url_of(name, turned=False)
    try:
        log = tmp_path_factory.mktemp("races") / "server.log"
        server = Server(url, log, DATABASE_DIRECT_URL=direct_url_of(name))
        yield World(server, direct_url_of(name))
        server.stop()
    finally:
        run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A database server of our own, as durable as in production."""
    folder = Path(mkdtemp(prefix="resp-", dir="/tmp"))
    server = EmbeddedPostgres(folder / "pg")
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def own_world(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Two workers on that server."""
    server = Server(postgres.url, tmp_path_factory.mktemp("own") / "server.log")
    yield World(server, postgres.url)
    server.stop()
