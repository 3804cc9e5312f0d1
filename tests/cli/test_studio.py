"""`flask db studio`: everything can be read but secrets, and nothing written, from this machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from respondeo.db import Base, db
from respondeo.studio import create_studio
from respondeo.studio.tables import HIDDEN
from tests.cli.databases import database, everything, fill
from tests.client import Client, Page
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
KEY = "the key that the terminal showed"
HERE = "http://127.0.0.1:8001"
TABLES = sorted({*Base.metadata.tables, "alembic_version"})
SECRETS = {
    "UPDATE account SET password_hash = 'argon2-of-somebody'": "argon2-of-somebody",
    "UPDATE session SET id_token = 'said-by-a-provider', token_hash = 'hash-of-a-token'": (
        "said-by-a-provider|hash-of-a-token"
    ),
    "UPDATE apikey SET key_hash = 'hash-of-a-key'": "hash-of-a-key",
    "UPDATE quiz_attempt SET guest_token = 'token-of-a-guest' WHERE user_id IS NULL": (
        "token-of-a-guest"
    ),
    "UPDATE media SET data = 'bytes-of-a-picture'": "bytes-of-a-picture",
}


MANY = "INSERT INTO rate_limit SELECT format('many/%s', n), n, now() FROM generate_series(1, 45) n"


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    """The application whose database is looked into."""
    with database(migrated=True) as app:
        with app.app_context():
            fill(db.session())
            with db.engine.begin() as connection:
                for statement in SECRETS:
                    assert connection.execute(sa.text(statement)).rowcount == 1
                connection.execute(sa.text(MANY))
        yield app


@pytest.fixture(scope="module")
def studio(app: Flask) -> Iterator[Flask]:
    studio = create_studio(app.config["DATABASE_URL"], 8001, KEY)
    yield studio
    with studio.app_context():
        db.engine.dispose()


class Browser(Client):
    """A browser on this machine."""

    def open(self, path: str, **how: object):  # type: ignore[no-untyped-def]
        return super().open(path, **({"base_url": HERE} | how))


@pytest.fixture
def stranger(studio: Flask) -> Browser:
    return Browser(studio)


@pytest.fixture
def browser(stranger: Browser) -> Browser:
    """One that has opened the address that the terminal showed."""
    response = stranger.open("/", query_string={"key": KEY})
    assert (response.status_code, response.location) == (302, "/")
    return stranger


def cells(page: Page) -> list[str]:
    return [" ".join(node.to_text().split()) for node in page.all("tbody td")]


def links(page: Page) -> list[str]:
    return [node.attrs["href"] for node in page.all("main a")]


# -- what is shown --------------------------------------------------------------------------------


def test_all_tables_are_listed_with_what_they_hold(browser: Browser) -> None:
    page = browser.page("/")
    assert [node.to_text() for node in page.all("tbody th a")] == TABLES
    assert "5 A person." in page.words("tbody")


@pytest.mark.parametrize("table", TABLES)
def test_every_table_opens_and_every_row_of_it(browser: Browser, table: str) -> None:
    page = browser.page(f"/{table}/")
    rows = [link for link in links(page) if f"/{table}/details/" in link]
    assert rows
    for link in rows:
        assert page.title().startswith(table)
        names = [node.to_text() for node in browser.page(link).all("dt")]
        columns = (
            Base.metadata.tables[table].columns.keys() if table in Base.metadata.tables else []
        )
        assert set(columns) <= set(names)


def test_no_page_holds_a_secret_or_a_link_to_elsewhere(browser: Browser, studio: Flask) -> None:
    plain = "|".join(SECRETS.values())
    forbidden = re.compile(f"{plain}|{'|'.join(s.encode().hex() for s in plain.split('|'))}")
    seen: set[str] = set()
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        page = browser.page(path)
        assert not forbidden.search(page.text), path
        assert not page.all("script, form[method=post], iframe")
        addressed = [
            node.attrs.get("href") or node.attrs.get("src") for node in page.all("[href], [src]")
        ]
        assert all(address.startswith(("/", "#")) for address in addressed)
        waiting += [
            link for link in links(page) if "sort=" not in link and "page_size=" not in link
        ]
    assert len(seen) > 40


def test_a_secret_is_not_found_by_searching_either(browser: Browser) -> None:
    for table, secret in [("account", "argon2"), ("session", "provider"), ("apikey", "hash-of")]:
        assert "0 rows" in browser.page(f"/{table}/?search={secret}").words()


def test_a_new_column_that_sounds_like_a_secret_has_to_be_hidden() -> None:
    suspects = {
        column.name
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, sa.LargeBinary)
        or re.search("password|secret|token|hash", column.name)
    }
    assert suspects - HIDDEN == {"sha256"}


def test_rows_are_found_sorted_and_turned_over(browser: Browser) -> None:
    found = browser.page("/user/?search=^An Author")
    assert "1 row with “ ^An Author ”" in found.words()
    up, down = (cells(browser.page(f"/user/?sort=1{desc}")) for desc in ("", "&desc=1"))
    assert up != down
    assert sorted(up) == sorted(down)
    first = browser.page("/rate_limit/?page_size=20&sort=1")
    assert "46 rows" in first.words()
    assert cells(first)[2:8:4] == ["1", "2"]
    last = browser.page(links(first)[-4])
    assert "Page 3 of 3" in last.words()
    assert len(last.all("tbody tr")) == 6
    assert "no more rows" in browser.page("/rate_limit/?page=9").words()


def test_a_key_of_another_table_leads_to_its_row(browser: Browser) -> None:
    page = browser.page("/quiz_attempt/")
    to_quiz = next(link for link in links(page) if link.startswith("/quiz/details/"))
    assert browser.page(to_quiz).words("h1") == "A row of quiz"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/user/details/?id=abc", 404),
        ("/user/details/", 302),
        ("/quiz_version_question/details/?id=1", 404),
        ("/user/?page=99999999999999999999999", 400),
        ("/user/?page=-4", 400),
        ("/user/?sort=-7&page_size=x", 200),
        ("/user/?search=%00", 400),
        ("/user/?search=%25%5F%5C'\"", 200),
        ("/nothing/", 404),
    ],
)
def test_a_senseless_address_is_answered_calmly(browser: Browser, path: str, status: int) -> None:
    assert browser.get(path).status_code == status


# -- what cannot be done --------------------------------------------------------------------------


def test_no_request_changes_anything(browser: Browser, app: Flask, studio: Flask) -> None:
    with app.app_context():
        before = everything()
        person = db.session.scalar(sa.text('SELECT id FROM "user" LIMIT 1'))
        db.session.remove()
    asked = 0
    for rule in studio.url_map.iter_rules():
        path = re.sub("<[^>]*>", "csv", rule.rule)
        for method in ("POST", "DELETE", "OPTIONS"):
            form = {"id": person, "rowid": person, "action": "delete", "name": "x", "pk": person}
            assert browser.open(path, method=method, data=form).status_code == 405
            asked += 1
        assert browser.get(f"{path}?id={person}").status_code in {200, 302, 404, 405}
    assert asked > 400
    with app.app_context():
        assert everything() == before


def test_postgresql_itself_lets_the_studio_only_read(studio: Flask) -> None:
    for statement in ("DELETE FROM session", "CREATE TABLE a (b int)", "TRUNCATE media"):
        with studio.app_context(), pytest.raises(sa.exc.InternalError) as refused:
            db.session.execute(sa.text(statement))
        assert isinstance(refused.value.orig, psycopg.errors.ReadOnlySqlTransaction)


def test_whoever_was_not_told_the_key_sees_nothing(stranger: Browser) -> None:
    for path in ("/", "/user/", "/user/?key=guessed", "/?key=", "/?key=é", "/files/css/app.css"):
        response = stranger.get(path)
        assert response.status_code == 403
        assert "Open the address" in response.text
    stranger.http.set_cookie("respondeo_studio", "guessed", domain="127.0.0.1")
    assert stranger.get("/").status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example:8001", "127.0.0.1", "127.0.0.1:8002", "localhost.evil.example:8001", ""]
)
def test_another_name_for_this_machine_is_refused(studio: Flask, host: str) -> None:
    response = studio.test_client().get("/", query_string={"key": KEY}, headers={"Host": host})
    assert response.status_code == 400
    assert "Set-Cookie" not in response.headers


def test_the_key_does_not_stay_in_the_address_and_no_script_reads_it(stranger: Browser) -> None:
    response = stranger.open("/user/", query_string={"key": KEY, "search": "x"})
    assert response.location == "/user/"
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    policy = stranger.get("/").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self' data:;")


# -- the command ----------------------------------------------------------------------------------


def test_the_command_listens_on_this_machine_only_and_stops_at_once(app: Flask) -> None:
    port = free_port()
    words = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "studio", "--port", str(port)]
    env = os.environ | {"APP_ENV": "demo", "DATABASE_URL": app.config["DATABASE_URL"]}
    with subprocess.Popen(words, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        address = running.stdout.readline().removeprefix("Open ").strip()
        assert address.startswith(f"http://127.0.0.1:{port}/?key=")
        ours = psutil.Process(running.pid).net_connections("tcp")
        listening = {c.laddr for c in ours if c.status == psutil.CONN_LISTEN}
        assert listening == {("127.0.0.1", port)}
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert "quiz_attempt" in opener.open(address, timeout=20).read().decode()
        taken = app.test_cli_runner().invoke(args=["db", "studio", "--port", str(port)])
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=20) == 0
        assert running.stdout.read() == "Stop with Ctrl-C.\nStopped.\n"
    assert taken.exit_code == 1
    assert f"Choose another one: flask db studio --port {port + 1}" in taken.output
