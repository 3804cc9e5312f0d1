"""Errors as pages and as fragments: what happened, what is safe, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
import sqlalchemy as sa
import structlog
from flask import Flask, abort
from sqlalchemy.orm import Session

from respondeo import create_app
from respondeo.db import db, session
from respondeo.domain.errors import (
    AttemptOver,
    DomainError,
    Invalid,
    NoAttemptsLeft,
    NotAllowed,
    NotFound,
    NotThisQuestion,
    Problem,
    SignInRequired,
    TooMany,
)
from respondeo.errors import SAFE_ANSWERS, STATUS, WORDS
from tests.client import SAME_ORIGIN, Client, Page
from tests.conftest import settings_for
from tests.factories import add_user, published_quiz
from tests.web.apps import Browser

HOST = {"Host": "elsewhere.example"}


@pytest.mark.parametrize(
    ("method", "path", "how", "status"),
    [
        ("GET", "/", {"headers": HOST}, 400),
        ("POST", "/theme", {"headers": {"Sec-Fetch-Site": "cross-site"}}, 403),
        ("GET", "/nothing", {}, 404),
        ("GET", "/quiz/00000000-0000-0000-0000-000000000000", {}, 404),
        ("PUT", "/theme", {"headers": SAME_ORIGIN}, 405),
        ("GET", "/theme", {}, 405),
        ("POST", "/theme", {"headers": SAME_ORIGIN, "data": {"theme": "x" * 10_000_000}}, 413),
        ("POST", "/sign-in", {"headers": SAME_ORIGIN, "data": {"person": "me"}}, 422),
    ],
)
@pytest.mark.parametrize("signed_in", [False, True])
def test_an_error_is_a_page_and_for_htmx_a_fragment(
    browser: Browser,
    method: str,
    path: str,
    how: dict[str, dict[str, str]],
    status: int,
    signed_in: bool,
) -> None:
    client = browser("Ada Player" if signed_in else None)
    response = client.open(path, method=method, **how)
    assert response.status_code == status
    page = Page(response)
    assert page.is_whole
    assert f"Error {status}" in page.words("main")
    title, _ = WORDS[status]
    assert page.words("h1") == title
    assert page.title() == f"{title} · Respondeo"
    assert page.one("meta[name=robots]").attrs["content"] == "noindex"
    assert page.one(".trouble a.btn").attrs["href"] == "/"
    # Browsers send their cookies to their own host only.
    assert ("Ada Player" in page.words(".site-head")) is (signed_in and status != 400)

    swapped = client.open(
        path, method=method, **how | {"headers": how.get("headers", {}) | {"HX-Request": "true"}}
    )
    assert swapped.status_code == status
    fragment = Page(swapped)
    assert not fragment.is_whole
    assert title in fragment.words("[role=alert]")
    assert "HX-Request" in swapped.headers["Vary"]
    assert "HX-Request" in response.headers["Vary"]


def test_405_says_what_would_work(browser: Browser) -> None:
    assert "POST" in browser().open("/theme").headers["Allow"]


@pytest.mark.parametrize("path", ["/theme", "/sign-in", "/quiz/{id}/play/answer"])
def test_a_body_of_10_megabytes_is_too_large_wherever_it_is_read(
    browser: Browser, committed: Session, path: str
) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    response = browser().post(path.format(id=quiz.id), attempt="x" * 10_000_000)
    assert response.status_code == 413
    assert "larger than we accept" in Page(response).words()


@pytest.fixture
def breaking(database: str, app: Flask) -> Iterator[Flask]:
    """An application with addresses that break in every way there is."""
    broken = create_app(settings_for(database))

    @broken.get("/break/<kind>")
    def break_(kind: str) -> str:
        if kind == "bug":
            raise ZeroDivisionError("the answer is B")
        if kind == "query":
            session().execute(sa.text("SELECT 1 / 0"))
        if kind == "typo":
            session().execute(sa.text("SELEC 1"))
        if kind == "lock":
            session().execute(sa.text("SET LOCAL statement_timeout = 1; SELECT pg_sleep(5)"))
        abort(int(kind))

    @broken.get("/raise/<kind>")
    def raise_(kind: str) -> str:
        raise RAISED[kind]

    yield broken
    with broken.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("kind", ["bug", "query", "typo", "500"])
def test_a_bug_is_a_500_that_tells_nothing_of_itself(breaking: Flask, kind: str) -> None:
    client = Client(breaking)
    page = client.page(f"/break/{kind}", status=500)
    assert "The fault is ours" in page.words()
    for told in ("Zero", "SELEC", "answer is B", "Traceback", "psycopg", "sqlalchemy"):
        assert told not in page.text
    fragment = client.fragment(f"/break/{kind}", status=500)
    assert "The fault is ours" in fragment.words("[role=alert]")
    assert (SAFE_ANSWERS in fragment.words("[role=alert]")) is (kind != "500")


def test_after_a_bug_the_next_request_works(breaking: Flask, committed: Session) -> None:
    person = add_user(committed, "Ada Player")
    committed.commit()
    client = Client(breaking)
    client.sign_in(person.id)
    for kind in ("query", "typo", "lock", "bug"):
        assert client.get(f"/break/{kind}").status_code >= 500
        assert "Ada Player" in client.page("/").words(".site-head")


def test_a_statement_that_takes_too_long_is_a_503_that_tries_again(breaking: Flask) -> None:
    response = Client(breaking).get("/break/lock")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "2"
    assert "did not answer in time" in Page(response).words()


@pytest.mark.parametrize("status", [401, 406, 408, 410, 411, 414, 415, 418, 428, 431, 451])
def test_rarer_faults_of_a_request_have_a_page_too(breaking: Flask, status: int) -> None:
    page = Client(breaking).page(f"/break/{status}", status=status)
    assert f"Error {status}" in page.words()
    assert page.words("h1") == "That did not work"


@pytest.mark.parametrize("status", [501, 502, 504])
def test_rarer_faults_of_ours_have_a_page_too(breaking: Flask, status: int) -> None:
    page = Client(breaking).page(f"/break/{status}", status=status)
    assert "The fault is ours" in page.words()


RAISED: dict[str, DomainError] = {
    "not-found": NotFound("There is no such quiz."),
    "not-allowed": NotAllowed("Your role does not allow this."),
    "no-attempts": NoAttemptsLeft(3),
    "over": AttemptOver(UUID(int=0)),
    "not-this": NotThisQuestion(),
    "invalid": Invalid(Problem("title", "Give it a title."), Problem("text", "Say something.")),
    "too-many": TooMany("Please wait.", 17),
}


@pytest.mark.parametrize("kind", RAISED)
def test_what_a_rule_refuses_is_said_in_the_rules_words(breaking: Flask, kind: str) -> None:
    error = RAISED[kind]
    status = STATUS[type(error)]
    client = Client(breaking)
    assert str(error) in client.page(f"/raise/{kind}", status=status).words()
    fragment = client.fragment(f"/raise/{kind}", status=status)
    assert str(error) in fragment.words("[role=alert]")
    retry = fragment.response.headers.get("Retry-After")
    assert retry == ("17" if kind == "too-many" else None)


def test_every_rule_that_can_refuse_has_a_status() -> None:
    missing = {
        kind
        for kind in DomainError.__subclasses__()
        if kind not in STATUS and not issubclass(kind, SignInRequired)
    }
    assert not missing


@pytest.mark.parametrize("env", ["production", "demo"])
def test_the_log_holds_no_query_no_form_and_no_secret(
    database: str, app: Flask, capsys: pytest.CaptureFixture[str], env: str
) -> None:
    before = structlog.get_config()
    logging = create_app(settings_for(database, app_env=env, log_level="DEBUG"))
    try:
        client = Client(logging)
        client.http.set_cookie(client.session_cookie, "secret-cookie")
        client.get("/nothing?q=secret-query")
        client.post("/sign-in", person="secret-form", next="/secret-next")
        logged = capsys.readouterr()
        assert "secret" not in logged.out + logged.err
        assert ("unknown" in logged.out) is (env == "production")
        assert "only-for-tests" not in logged.out + logged.err
    finally:
        structlog.configure(**before)
        with logging.app_context():
            db.engine.dispose()
