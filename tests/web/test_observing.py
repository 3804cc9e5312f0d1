"""What an operator sees of a request: its reference, one line, and nothing about people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from flask import Flask

from respondeo import create_app
from respondeo.db import db, session
from respondeo.models import User
from tests.client import SAME_ORIGIN, Client, Page
from tests.conftest import settings_for

OURS = re.compile(r"[2-9a-z]{12}")
PROXY = {"REMOTE_ADDR": "10.0.0.5"}


@pytest.fixture
def logged(
    database: str, app: Flask, capsys: pytest.CaptureFixture[str]
) -> Iterator[tuple[Client, Any]]:
    """A browser on an application that logs as in production, and what it has logged since."""
    before = structlog.get_config()
    own = create_app(
        settings_for(
            database, app_env="production", trusted_proxies="10.0.0.0/8", log_level="DEBUG"
        )
    )

    @own.get("/break")
    @own.get("/api/break")
    def fault() -> str:
        raise ZeroDivisionError("no such luck")

    @own.get("/twice")
    def twice() -> str:
        person = {"name": "Ada", "email": "ada@school.example"}
        for _ in range(2):
            session().execute(sa.insert(User).values(**person, email_verified=True))
        return ""

    @own.get("/gone")
    def gone() -> str:
        session().execute(sa.text("SELECT * FROM no_such_table"))
        return ""

    def lines() -> list[dict[str, Any]]:
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    capsys.readouterr()
    try:
        yield Client(own), lines
    finally:
        structlog.configure(**before)
        with own.app_context():
            db.engine.dispose()


Logged = tuple[Client, Any]


def test_a_request_is_one_line_with_its_route_and_without_query_address_or_form(
    logged: Logged,
) -> None:
    client, lines = logged
    response = client.open(
        "/theme?email=ada@school.example",
        method="POST",
        headers=SAME_ORIGIN | {"User-Agent": "secret-agent", "Referer": "http://localhost/?secret"},
        data={"theme": "dark", "next": "/secret"},
        environ_overrides={"REMOTE_ADDR": "192.0.2.7"},
    )
    (line,) = lines()
    assert line.pop("timestamp")
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request",
        "level": "info",
        "method": "POST",
        "route": "/theme",
        "path": "/theme",
        "status": 303,
        "reference": response.headers["X-Request-ID"],
    }


def test_of_an_address_that_is_none_of_ours_not_even_the_path_is_logged(logged: Logged) -> None:
    client, lines = logged
    for path in (
        "/reset/ada@school.example",
        "/static/css/app.css",
        "/static/ada@school.example",
        "/media/ada@school.example.webp",
    ):
        client.get(path)
    told = lines()
    routes = ["unknown", "/static/", "/static/", "/media/<name>.webp"]
    assert [line["route"] for line in told] == routes
    assert "ada" not in json.dumps(told)


def test_a_reference_is_made_here_unless_a_proxy_of_ours_chose_one(logged: Logged) -> None:
    client, lines = logged
    told = "0123456789abcdef0123456789abcdef"

    def called(sent: str, **environ: str) -> str:
        how = {"headers": {"X-Request-ID": sent}, "environ_overrides": environ}
        name = client.open("/healthz", **how).headers["X-Request-ID"]
        assert lines()[-1]["reference"] == name
        return name

    assert called(told, **PROXY) == told
    assert OURS.fullmatch(called(told, REMOTE_ADDR="192.0.2.7"))
    assert OURS.fullmatch(called(told, REMOTE_ADDR="127.0.0.1"))
    for wrong in (
        "",
        "short",
        "x" * 65,
        "with space",
        "ümlaut-längst",
        "<script>alert",
        "a,b,c,d,e",
    ):
        assert OURS.fullmatch(called(wrong, **PROXY)), wrong
    assert called(told[:8], **PROXY) != called("", **PROXY) != called("", **PROXY)


@pytest.mark.parametrize(("path", "status"), [("/break", 500), ("/gone", 503)])
def test_an_error_of_ours_gives_the_reference_that_its_lines_in_the_log_have(
    logged: Logged, path: str, status: int
) -> None:
    client, lines = logged
    page = client.page(path, status=status)
    reference = page.words("#error-reference")
    assert reference == page.response.headers["X-Request-ID"]
    found = lines()
    assert len(found) == 2
    assert {line["reference"] for line in found} == {reference}
    fragment = client.fragment(path, status=status)
    assert fragment.response.headers["X-Request-ID"] in fragment.words("[role=alert]")


def test_an_error_of_the_reader_gives_no_reference(logged: Logged) -> None:
    client, _ = logged
    assert not client.page("/nothing", status=404).all("#error-reference")


def test_a_fault_is_one_line_with_its_traceback(logged: Logged) -> None:
    client, lines = logged
    client.get("/break")
    fault = next(line for line in lines() if line["event"] == "unhandled")
    assert fault["level"] == "error"
    assert fault["exception"].startswith("Traceback")
    assert fault["exception"].endswith("ZeroDivisionError: no such luck")


def test_what_the_database_says_of_a_row_is_not_logged(logged: Logged) -> None:
    client, lines = logged
    Page(client.get("/twice"))
    text = json.dumps(lines())
    assert "UniqueViolation" in text
    assert "ada" not in text.lower()


def test_a_program_is_given_the_reference_in_its_json(logged: Logged) -> None:
    client, _ = logged
    broken = client.get("/api/break")
    assert broken.status_code == 500
    assert broken.get_json()["reference"] == broken.headers["X-Request-ID"]
    assert "reference" not in client.get("/api/nothing").get_json()
