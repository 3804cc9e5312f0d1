"""The database away, missing, empty, busy: plain words, and recovery without a restart."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy.exc import DBAPIError

from respondeo import create_app
from respondeo.database_trouble import (
    AWAY,
    BUSY,
    MISSING,
    PASSWORD,
    SCHEMA,
    explain,
)
from respondeo.db import db, parse_url
from respondeo.domain.scopes import SCOPES
from respondeo.embedded import EmbeddedPostgres
from respondeo.errors import SAFE_ANSWERS
from respondeo.services import api_keys
from tests.client import SAME_ORIGIN, Client, Page
from tests.conftest import FAST, settings_for
from tests.factories import add_user, published_quiz
from tests.ports import free_port
from tests.web.playing import Player, asked


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A server of our own, to be stopped and started."""
    folder = Path(mkdtemp(prefix="resp-", dir="/tmp"))
    postgres = EmbeddedPostgres(folder / "pg", options=FAST)
    postgres.start()
    try:
        yield postgres
    finally:
        postgres.stop()
        shutil.rmtree(folder)


@pytest.fixture
def running(server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """The server, which runs again after the test."""
    yield server
    server.start()


@pytest.fixture(scope="module")
def _own(server: EmbeddedPostgres) -> Iterator[Flask]:
    app = create_app(settings_for(server.url))
    with app.app_context():
        upgrade()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def own(_own: Flask, running: EmbeddedPostgres) -> Flask:
    """An application on that server."""
    return _own


def open_client(app: Flask, name: str = "Ada Player") -> Client:
    """A browser in which a new person is signed in."""
    with app.app_context():
        person = add_user(db.session(), name).id
        db.session.commit()
    client = Client(app)
    client.sign_in(person)
    return client


SESSION = "/api/auth/get-session"
PAGES = ["/", "/leaderboard", "/quiz/00000000-0000-0000-0000-000000000000"]


def test_while_the_database_is_away_every_page_says_so_and_tries_again(
    own: Flask, running: EmbeddedPostgres
) -> None:
    signed_in = open_client(own)
    running.stop()
    for client in (signed_in, Client(own)):
        for path in PAGES:
            response = client.get(path)
            assert response.status_code == 503
            assert response.headers["Retry-After"] == "5"
            page = Page(response)
            assert page.words("h1") == "The database is away"
            assert "This page tries again by itself" in page.words()
            assert SAFE_ANSWERS in page.words()
            assert f'content="5; url={path}"' in page.text
            assert page.one(".trouble a.btn").attrs["href"] == path
            fragment = client.fragment(path, status=503)
            assert "The database is away" in fragment.words("[role=alert]")
            assert fragment.response.headers["Retry-After"] == "5"
        for path in ("/sign-in", "/quiz/00000000-0000-0000-0000-000000000000/play"):
            sent = client.post(path, person="player")
            assert sent.status_code == 503
            assert Page(sent).words("h1") == "The database is away"


def test_a_program_is_told_so_in_json(own: Flask, running: EmbeddedPostgres) -> None:
    signed_in = open_client(own)
    with own.app_context():
        person = add_user(db.session(), "A Caller").id
        key = api_keys.create_key(db.session(), person, "A key", scopes=SCOPES, expires_days=None)
        db.session.commit()
    with_a_key = {"x-api-key": str(key), "Content-Type": "application/json"}
    assert Client(own).open("/api/quizzes", headers=with_a_key).status_code == 200
    running.stop()
    for client, headers in ((Client(own), with_a_key), (signed_in, SAME_ORIGIN)):
        for method, path in (("GET", "/api/quizzes"), ("POST", "/api/quizzes"), ("GET", SESSION)):
            told = client.open(path, method=method, headers=headers)
            assert told.status_code == 503
            assert told.headers["Retry-After"] == "5"
            assert list(told.get_json()) == ["error", "reference"]
            assert "psycopg" not in told.text
    nobody = Client(own)
    assert nobody.open("/api/quizzes").status_code == 401
    assert nobody.open(SESSION).get_json() is None
    running.start()
    assert nobody.open("/api/quizzes", headers=with_a_key).status_code == 200


def test_where_a_form_was_sent_the_page_that_held_it_is_tried_again(
    own: Flask, running: EmbeddedPostgres
) -> None:
    quiz = "/quiz/00000000-0000-0000-0000-000000000000"
    client = open_client(own)
    running.stop()
    searched = Page(client.get("/?q=rivers&page=2"))
    assert searched.one("#error-action").attrs["href"] == "/?q=rivers&page=2"
    for referer, leads in (
        (f"http://localhost{quiz}/play?attempt=1", f"{quiz}/play"),
        ("http://localhost//evil.example", "/"),
        ("http://[", "/"),
        ("", "/"),
    ):
        form = {"attempt": UUID(int=0), "question": UUID(int=0)}
        sent = client.post(f"{quiz}/play/answer", form, headers={"Referer": referer})
        assert sent.status_code == 503
        page = Page(sent)
        assert page.one("#error-action").attrs["href"] == leads
        assert f'content="5; url={leads}"' in page.text


def test_what_needs_no_database_works_without_it(own: Flask, running: EmbeddedPostgres) -> None:
    running.stop()
    client = Client(own)
    for path in ("/healthz", "/sign-in", "/static/css/app.css"):
        assert client.get(path).status_code == 200
    assert client.post("/theme", theme="dark").status_code == 303
    assert client.page("/nothing", status=404).words("h1") == "Nothing here"


def test_no_error_page_needs_the_database(own: Flask, running: EmbeddedPostgres) -> None:
    client = open_client(own)
    running.stop()
    assert client.page("/nothing", status=404).words("h1") == "Nothing here"
    assert client.fragment("/nothing", status=404).words("[role=alert]")
    assert client.open("/theme").status_code == 405
    assert client.open("/", headers={"Host": "elsewhere.example"}).status_code == 400
    refused = client.post("/theme", headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403
    assert client.post("/theme", theme="x" * 2_000_000).status_code == 413


def test_readiness_tells_this_machine_why_and_others_only_that(
    own: Flask, running: EmbeddedPostgres
) -> None:
    client = Client(own)
    assert client.get("/readyz").text == "ready\n"
    running.stop()
    here = client.get("/readyz")
    assert here.status_code == 503
    assert "cannot reach its database" in here.text
    there = client.open("/readyz", environ_overrides={"REMOTE_ADDR": "192.0.2.1"})
    assert (there.status_code, there.text) == (503, "not ready\n")
    running.start()
    assert client.get("/readyz").status_code == 200


def test_whoever_asks_whether_we_are_ready_reads_no_file_again(own: Flask, tmp_path: Path) -> None:
    known = own.extensions["migrate"].directory
    copy = shutil.copytree(known, tmp_path / "migrations")
    own.extensions["migrate"].directory = str(copy)
    try:
        assert Client(own).get("/readyz").status_code == 200
        shutil.rmtree(copy)
        assert Client(own).get("/readyz").status_code == 200
    finally:
        own.extensions["migrate"].directory = known


def test_when_the_database_is_back_the_play_goes_on_with_nothing_lost(
    own: Flask, running: EmbeddedPostgres
) -> None:
    client = open_client(own)
    with own.app_context():
        quiz_id = published_quiz(db.session(), time_limit_seconds=600).id
        db.session.commit()
    player = Player(client, quiz_id)
    page = player.next(player.answer(player.start(), "A"))
    running.stop()
    for htmx in (False, True):
        refused = player.send_answer(page, "A", htmx=htmx)
        assert refused.status_code == 503
        assert SAFE_ANSWERS in Page(refused).words("[role=alert]" if htmx else "main")
    running.start()
    assert asked(player.look()) == 2
    page = player.next(player.answer(page, "A"))
    assert asked(page) == 3
    result = player.answer(page, "B")
    assert "2/3" in client.page(result.one("#play-go").attrs["href"]).words(".score-ring")


def test_guests_limits_hold_in_memory_while_the_database_is_away(
    running: EmbeddedPostgres,
) -> None:
    app = create_app(settings_for(running.url, rate_limit_guest_plays=2))
    running.stop()
    path = "/quiz/00000000-0000-0000-0000-000000000000/play"
    answers = [Client(app).post(path).status_code for _ in range(3)]
    assert answers == [503, 503, 429]


def trouble_of(url: str) -> str:
    """The heading of the home page of an application on this database."""
    app = create_app(settings_for(url))
    try:
        client = Client(app)
        page = client.page("/", status=503)
        assert client.get("/readyz").status_code == 503
        assert int(page.response.headers["Retry-After"]) >= 1
        assert "FATAL" not in page.text
        assert "postgres" not in page.words().lower()
        return page.words("h1")
    finally:
        with app.app_context():
            db.engine.dispose()


def test_nobody_listening(unused_port: int) -> None:
    url = f"postgresql://respondeo:secret@127.0.0.1:{unused_port}/respondeo"
    assert trouble_of(url) == AWAY.title


def test_a_host_that_does_not_exist() -> None:
    assert trouble_of("postgresql://respondeo:secret@nowhere.invalid/respondeo") == AWAY.title


@pytest.fixture
def unused_port() -> int:
    """A port on which nobody listens."""
    return free_port()


def url_with(server: EmbeddedPostgres, **parts: str) -> str:
    url = sa.make_url(server.url).set(**parts)  # type: ignore[arg-type]
    return url.render_as_string(hide_password=False)


def test_a_database_that_is_not_there(running: EmbeddedPostgres) -> None:
    assert trouble_of(url_with(running, database="nothing")) == MISSING.title


def test_a_role_that_is_not_there(running: EmbeddedPostgres) -> None:
    assert trouble_of(url_with(running, username="nobody")) == PASSWORD.title


def rules(server: EmbeddedPostgres, *lines: str) -> None:
    """Put these rules before the server's own about who may connect how."""
    hba = server.directory / "data" / "pg_hba.conf"
    own = [line for line in hba.read_text().splitlines() if not line.endswith("# test")]
    hba.write_text("\n".join([*(f"{line} # test" for line in lines), *own]) + "\n")
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture
def locked(running: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """The server with a role that needs a password, and one that is turned away."""
    with psycopg.connect(running.url, autocommit=True) as connection:
        for role in ("locked", "plain"):
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'right'".encode())
    rules(running, "local all locked scram-sha-256", "local all plain reject")
    yield running
    rules(running)
    with psycopg.connect(running.url, autocommit=True) as connection:
        connection.execute("DROP ROLE locked, plain")


@pytest.mark.parametrize(
    ("username", "password"),
    [("locked", "wrong"), ("locked", ""), ("plain", "right")],
)
def test_a_server_that_does_not_let_us_in(
    locked: EmbeddedPostgres, username: str, password: str
) -> None:
    url = url_with(locked, username=username, password=password)
    deadline = 50  # the server reads its rules again in its own time
    while _kind_now(url) != PASSWORD.kind and deadline:
        deadline -= 1
    assert trouble_of(url) == PASSWORD.title


def _kind_now(url: str) -> str:
    engine = sa.create_engine(parse_url(url)[0], poolclass=sa.NullPool)
    try:
        with engine.connect():
            return "open"
    except DBAPIError as error:
        found = explain(error)
        return found.kind if found else "unknown"


def test_a_database_without_our_tables(running: EmbeddedPostgres) -> None:
    with psycopg.connect(running.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bare")
    try:
        assert trouble_of(url_with(running, database="bare")) == SCHEMA.title
    finally:
        with psycopg.connect(running.url, autocommit=True) as connection:
            connection.execute("DROP DATABASE bare WITH (FORCE)")


def test_a_database_of_an_older_version_is_not_ready_and_after_the_upgrade_it_is(
    running: EmbeddedPostgres,
) -> None:
    with psycopg.connect(running.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE older")
    app = create_app(settings_for(url_with(running, database="older")))
    try:
        with app.app_context():
            upgrade()
            client = Client(app)
            assert client.get("/readyz").status_code == 200
            downgrade(revision="base")
            shown = client.get("/readyz")
            assert shown.status_code == 503
            assert "flask db upgrade" in shown.text
            assert client.page("/", status=503).words("h1") == SCHEMA.title
            upgrade()
            assert client.get("/readyz").status_code == 200
            assert client.get("/").status_code == 200
            db.engine.dispose()
    finally:
        with psycopg.connect(running.url, autocommit=True) as connection:
            connection.execute("DROP DATABASE older WITH (FORCE)")


def test_a_server_without_a_free_connection_is_busy(running: EmbeddedPostgres) -> None:
    with psycopg.connect(running.url, autocommit=True) as connection:
        connection.execute("CREATE ROLE few LOGIN CONNECTION LIMIT 1")
        try:
            url = url_with(running, username="few")
            with psycopg.connect(url):
                assert trouble_of(url) == BUSY.title
        finally:
            connection.execute("DROP ROLE few")
