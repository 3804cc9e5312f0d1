"""Signing in and out: cookies, sessions that end, where one lands, and the demo people."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from urllib.parse import urljoin, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.models import LoginSession, User
from respondeo.services import identity
from tests.client import Client
from tests.conftest import Clock
from tests.factories import add_user, published_quiz
from tests.web.apps import AppWith, Browser
from tests.web.playing import Player


@pytest.fixture
def demo_people(committed: Session) -> None:
    """The three that `make demo` brings."""
    for key, groups in (("player", []), ("creator", ["creators"]), ("admin", ["admin"])):
        person = add_user(committed, f"Demo {key.title()}", groups=groups)
        person.email = f"{key}@demo.example"
    committed.commit()


def cookies(response: TestResponse) -> dict[str, set[str]]:
    """The attributes of each cookie that a response sets, by name."""
    found = {}
    for line in response.headers.getlist("Set-Cookie"):
        first, *attributes = (part.strip() for part in line.split(";"))
        found[first.partition("=")[0]] = {part for part in attributes if "Expires" not in part}
    return found


@pytest.mark.parametrize("key", ["player", "creator", "admin"])
def test_one_click_signs_in_and_another_out(
    browser: Browser, demo_people: None, committed: Session, key: str
) -> None:
    client = browser()
    page = client.page("/sign-in?next=/leaderboard")
    page = client.submit(page, "form.people", person=key)
    assert page.path == "/leaderboard"
    assert f"Demo {key.title()}" in page.words("#person-button")
    assert client.get("/sign-in").location == "/"
    page = client.submit(page, "#person-menu form")
    assert page.path == "/"
    assert "Sign in" in page.words(".site-head")
    assert client.cookie(client.session_cookie) is None
    assert committed.scalar(sa.select(sa.func.count()).select_from(LoginSession)) == 0


def test_cookies_over_http(browser: Browser, demo_people: None, committed: Session) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    signed_in = browser().post("/sign-in", person="player")
    assert cookies(signed_in) == {
        "respondeo_session": {"HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=604800"}
    }
    playing = browser().post(f"/quiz/{quiz.id}/play")
    assert cookies(playing) == {
        "respondeo_guest": {"HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=86400"}
    }
    themed = cookies(browser().post("/theme", theme="dark"))
    assert {"Path=/", "SameSite=Lax"} <= themed["theme"]


def test_cookies_over_https_are_secure_and_bound_to_the_host(
    app_with: AppWith, committed: Session
) -> None:
    quiz = published_quiz(committed)
    person = add_user(committed)
    token = identity.sign_in(committed, person.id, ip_address=None, user_agent=None)
    committed.execute(sa.text("UPDATE session SET last_seen_at = now() - interval '2 days'"))
    committed.commit()
    app = app_with(app_env="production", app_url="https://quiz.example", rbac_public_play_quiz=True)
    address = {"base_url": "https://quiz.example", "headers": {"Sec-Fetch-Site": "same-origin"}}
    client = Client(app)
    client.http.set_cookie("__Host-respondeo_session", token, domain="quiz.example", secure=True)
    renewed = client.open("/", **address)
    flags = {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}
    assert cookies(renewed) == {"__Host-respondeo_session": flags | {"Max-Age=604800"}}
    out = client.open("/sign-out", method="POST", **address)
    assert flags <= cookies(out)["__Host-respondeo_session"]
    playing = Client(app).open(f"/quiz/{quiz.id}/play", method="POST", **address)
    assert cookies(playing) == {"__Host-respondeo_guest": flags | {"Max-Age=86400"}}
    themed = client.open("/theme", method="POST", data={"theme": "dark"}, **address)
    assert "Secure" in cookies(themed)["theme"]


def test_reading_sets_no_cookie(browser: Browser) -> None:
    client = browser()
    for path in ("/", "/sign-in", "/leaderboard", "/nothing", "/static/css/app.css"):
        assert cookies(client.get(path)) == {}


ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "https://evil.example",
    "https:evil.example",
    "http:///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\\evil.example",
    "/\t\\evil.example",
    "\t//evil.example",
    " //evil.example",
    "\x01//evil.example",
    "javascript:alert(1)",
    "data:text/html,hello",
    "evil.example",
    "@evil.example",
    "?next=//evil.example",
    "//[",
    "http://[",
    "/\x00",
    "/ok\r\nSet-Cookie: a=b",
    "",
    "/" + "a" * 100_000,
]


@pytest.mark.parametrize("target", ELSEWHERE, ids=lambda target: ascii(target)[:30])
def test_signing_in_never_leads_to_another_site(
    browser: Browser, demo_people: None, target: str
) -> None:
    client = browser()
    shown = client.open("/sign-in", query_string={"next": target})
    assert shown.status_code == 200
    for path, form in (
        ("/theme", {"theme": "dark"}),
        ("/sign-in", {"person": "player"}),
    ):
        response = client.post(path, form, next=target[:50_000])
        assert response.status_code == 303
        assert_ours(response)
    signed_in = client.open("/sign-in", query_string={"next": target})
    assert signed_in.status_code == 303
    assert_ours(signed_in)


def assert_ours(response: TestResponse) -> None:
    """Where a browser would go, reading the address as browsers do."""
    location = response.headers["Location"]
    as_browsers_do = location.replace("\t", "").replace("\n", "").replace("\r", "")
    as_browsers_do = as_browsers_do.replace("\\", "/")
    assert urlsplit(urljoin("http://localhost/", as_browsers_do)).netloc == "localhost"
    assert set(cookies(response)) <= {"respondeo_session", "theme"}


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/", "/"),
        ("/leaderboard?page=2", "/leaderboard?page=2"),
        ("/quiz/x/play?a=b&c=%2F", "/quiz/x/play?a=b&c=%2F"),
        ("/é?q=ü", "/%C3%A9?q=%C3%BC"),
    ],
)
def test_signing_in_leads_back_to_a_page_of_ours(
    browser: Browser, demo_people: None, target: str, location: str
) -> None:
    assert browser().post("/sign-in", person="player", next=target).location == location


def test_who_is_sent_to_sign_in_comes_back_to_the_page_they_wanted(
    browser: Browser, app_with: AppWith, demo_people: None, committed: Session
) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    closed = app_with(rbac_public_view_quiz=False, rbac_public_play_quiz=False)
    client = browser(on=closed)
    page = client.page(f"/quiz/{quiz.id}?from=a%26b")
    assert page.path == "/sign-in"
    page = client.submit(page, "form.people", person="player")
    assert page.path == f"/quiz/{quiz.id}"
    assert page.response.request.query_string == b"from=a%26b"
    # A form comes back to the page that held it, not to an address that only takes forms.
    other = browser(on=closed)
    refused = other.post(
        f"/quiz/{quiz.id}/play", headers={"Referer": f"http://localhost/quiz/{quiz.id}"}
    )
    assert refused.location == f"/sign-in?next=/quiz/{quiz.id}"


def test_each_sign_in_is_a_new_session_and_the_browser_cannot_choose_its_token(
    browser: Browser, demo_people: None, committed: Session
) -> None:
    client = browser()
    chosen = "a token that an attacker put into the browser"
    client.http.set_cookie(client.session_cookie, chosen)
    client.post("/sign-in", person="player")
    first = client.cookie(client.session_cookie)
    client.post("/sign-in", person="admin")
    second = client.cookie(client.session_cookie)
    assert len({chosen, first, second}) == 3
    assert all(token and len(token) >= 43 for token in (first, second))
    stored = committed.scalars(sa.select(LoginSession.token_hash)).all()
    assert stored == [hashlib.sha256(str(second).encode()).digest()], "the first session has ended"
    attacker = browser()
    attacker.http.set_cookie(attacker.session_cookie, chosen)
    assert "Sign in" in attacker.page("/").words(".site-head")


@pytest.mark.parametrize("token", ["", "x", "\x00", "é", "x" * 3000, "' OR 1=1 --"], ids=repr)
def test_a_token_that_nobody_was_given_is_nobodys(browser: Browser, token: str) -> None:
    client = browser()
    client.http.set_cookie(client.session_cookie, token)
    assert "Sign in" in client.page("/").words(".site-head")


def who(client: Client) -> str:
    return client.page("/").words(".site-head")


def test_a_deleted_session_is_over_at_the_next_request(
    browser: Browser, committed: Session
) -> None:
    client = browser("A Player")
    assert "A Player" in who(client)
    committed.execute(sa.delete(LoginSession))
    committed.commit()
    assert "Sign in" in who(client)


def test_a_disabled_person_is_signed_out_at_the_next_request(
    browser: Browser, committed: Session
) -> None:
    client = browser("A Player")
    committed.execute(sa.update(User).values(disabled_at=sa.func.now()))
    committed.commit()
    assert "Sign in" in who(client)


def test_groups_that_change_hold_at_the_next_request(browser: Browser, committed: Session) -> None:
    client = browser("A Player")
    quiz = published_quiz(committed, questions=1)
    committed.commit()
    assert not client.page(f"/quiz/{quiz.id}/results").all("#all-title")
    Player(client, quiz.id).play_through("A")
    committed.execute(sa.update(User).values(groups=["admin"]))
    committed.commit()
    assert client.page(f"/quiz/{quiz.id}/results").all("#all-title")


def test_a_session_slides_for_seven_days_and_is_renewed_once_a_day(
    browser: Browser, committed: Session, committed_clock: Clock
) -> None:
    committed_clock.stop()
    committed.commit()
    client = browser("A Player")
    began = ends(committed)
    committed_clock.advance(days=0.9)
    committed.commit()
    assert cookies(client.get("/")) == {}
    assert ends(committed) == began
    committed_clock.advance(days=0.2)
    committed.commit()
    renewed = client.get("/")
    assert "Max-Age=604800" in cookies(renewed)["respondeo_session"]
    assert ends(committed) == began + timedelta(days=1.1)
    committed_clock.advance(days=6.9)
    committed.commit()
    assert "A Player" in who(client)
    committed_clock.advance(days=7.1)
    committed.commit()
    assert "Sign in" in who(client)


def ends(session: Session) -> datetime:
    """When the only session there is ends."""
    session.rollback()
    return session.execute(sa.select(LoginSession.expires_at)).scalar_one()


def test_signing_out_ends_this_session_and_no_other(browser: Browser, committed: Session) -> None:
    person = add_user(committed, "A Player")
    committed.commit()
    here, there = browser(), browser()
    token = here.sign_in(person.id)
    there.sign_in(person.id)
    here.post("/sign-out")
    here.http.set_cookie(here.session_cookie, token)
    assert "Sign in" in who(here)
    assert "A Player" in who(there)
    assert here.post("/sign-out").status_code == 303


@pytest.mark.parametrize("env", ["production", "development"])
def test_outside_the_demo_there_are_no_demo_people(
    app_with: AppWith, demo_people: None, committed: Session, env: str
) -> None:
    client = Client(app_with(app_env=env))
    page = client.page("/sign-in")
    assert not page.all("form.people")
    assert "demo" not in page.words().lower()
    assert client.post("/sign-in", person="admin").status_code == 404
    assert committed.scalar(sa.select(sa.func.count()).select_from(LoginSession)) == 0


@pytest.mark.parametrize(
    ("address", "forwarded", "shown"),
    [
        ("127.0.0.1", None, True),
        ("::1", None, True),
        ("192.0.2.1", None, False),
        ("192.0.2.1", "127.0.0.1", False),
        ("10.0.0.1", "192.0.2.1", False),
        ("10.0.0.1", None, False),
        ("", None, False),
        ("", "127.0.0.1", False),
        # A proxy on this machine that nobody configured: whoever is behind it is not here.
        ("127.0.0.1", "192.0.2.1", False),
    ],
)
def test_demo_people_are_for_this_machine_only(
    app_with: AppWith,
    demo_people: None,
    committed: Session,
    address: str,
    forwarded: str | None,
    shown: bool,
) -> None:
    app = app_with(trusted_proxies="10.0.0.1")
    client = Client(app)
    headers = {"Sec-Fetch-Site": "same-origin"}
    if forwarded:
        headers["X-Forwarded-For"] = forwarded
    asked = {"headers": headers, "environ_overrides": {"REMOTE_ADDR": address}}
    assert ("person-admin" in client.open("/sign-in", **asked).text) is shown
    posted = client.open("/sign-in", method="POST", data={"person": "admin"}, **asked)
    assert posted.status_code == (303 if shown else 404)
    signed_in = committed.scalar(sa.select(sa.func.count()).select_from(LoginSession))
    assert bool(signed_in) is shown


def test_a_person_who_is_not_on_the_list_cannot_be_chosen(
    browser: Browser, demo_people: None, committed: Session
) -> None:
    for chosen in ("", "root", "admin@demo.example", "Demo Admin", "\x00"):
        assert browser().post("/sign-in", person=chosen).status_code == 422
    assert browser().post("/sign-in").status_code == 422


def test_missing_demo_people_are_explained(browser: Browser) -> None:
    response = browser().post("/sign-in", person="player")
    assert response.status_code == 404
    assert "make demo" in response.text


def test_signing_in_is_limited(app: Flask, browser: Browser, demo_people: None) -> None:
    client = browser()
    answers = [client.post("/sign-in", person="player").status_code for _ in range(31)]
    assert answers == [303] * 30 + [429]


def test_a_cookie_of_another_application_on_this_host_signs_nobody_out(
    browser: Browser,
) -> None:
    client = browser("Ada")
    client.http.set_cookie("remember_token", "1|abc")
    assert "Ada" in client.page("/").words(".site-head")


def test_signing_in_anew_over_a_session_that_is_due_for_renewal_stays(
    browser: Browser, demo_people: None, committed: Session, committed_clock: Clock
) -> None:
    client = browser()
    client.post("/sign-in", person="player")
    committed_clock.advance(days=2)
    committed.commit()
    response = client.post("/sign-in", person="admin")
    assert len(response.headers.getlist("Set-Cookie")) == 1
    assert "Demo Admin" in client.page("/").words(".site-head")
    committed_clock.advance(days=2)
    committed.commit()
    client.post("/sign-out")
    assert client.cookie(client.session_cookie) is None
