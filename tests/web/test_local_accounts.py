"""Signing in with an e-mail and a password: the form, what it tells, how often one may guess."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.models import LoginSession, RateLimit
from respondeo.services import passwords
from tests.client import SAME_ORIGIN, Client, Page
from tests.conftest import Clock
from tests.factories import add_user
from tests.web.apps import AppWith, Browser

GOOD, WRONG = "correct horse battery", "a wrong guess"
ADA = "ada@school.example"


@pytest.fixture
def local(app_with: AppWith) -> Flask:
    """The application with local accounts."""
    return app_with(auth_local=True)


@pytest.fixture
def ada(committed: Session) -> None:
    """Somebody with a password."""
    person = add_user(committed, "Ada Lovelace")
    person.email = ADA
    passwords.set_password(committed, person.id, GOOD)
    committed.commit()


def guess(
    app: Flask, email: str = ADA, password: str = WRONG, address: str = "192.0.2.1"
) -> TestResponse:
    """Somebody at this address sends the form."""
    return Client(app).open(
        "/sign-in/local",
        method="POST",
        data={"email": email, "password": password},
        headers=SAME_ORIGIN,
        environ_overrides={"REMOTE_ADDR": address},
    )


def statuses(*responses: TestResponse) -> list[int]:
    return [response.status_code for response in responses]


def sessions_in(session: Session) -> list[LoginSession]:
    session.rollback()
    return list(session.scalars(sa.select(LoginSession)))


def test_the_right_password_signs_in_and_leads_to_the_page_that_was_wanted(
    browser: Browser, local: Flask, ada: None, committed: Session
) -> None:
    client = browser(on=local)
    page = client.page("/sign-in?next=/leaderboard")
    assert page.one("#email").attrs["autocomplete"] == "username"
    assert page.one("#password").attrs["autocomplete"] == "current-password"
    assert not page.all("[aria-invalid]")
    page = client.submit(page, "#local-form", email="Ada@School.Example", password=GOOD)
    assert page.path == "/leaderboard"
    assert "Ada Lovelace" in page.words("#person-button")
    assert [one.provider_id for one in sessions_in(committed)] == ["local"]


@pytest.mark.parametrize("who", ["known", "unknown", "without a password", "disabled"])
def test_what_is_wrong_is_told_in_one_sentence_that_is_the_same_for_everybody(
    browser: Browser, local: Flask, ada: None, committed: Session, who: str
) -> None:
    person = add_user(committed)
    if who == "disabled":
        passwords.set_password(committed, person.id, GOOD)
        person.disabled_at = sa.func.now()
    committed.commit()
    email = {"known": ADA, "unknown": "nobody@school.example"}.get(who, person.email)
    client = browser(on=local)
    page = client.page("/sign-in?next=/leaderboard")
    sent = "a wrong guess" if who == "known" else GOOD
    page = client.submit(page, "#local-form", email=email, password=sent)
    assert page.status == 422
    assert page.words("#sign-in-wrong") == "E-mail or password is wrong."
    assert page.one("#email").attrs["value"] == email
    assert "autofocus" in page.one("#password").attrs
    assert page.one("#password").attrs["aria-describedby"] == "sign-in-wrong"
    assert sent not in page.text
    assert client.cookie(client.session_cookie) is None
    assert sessions_in(committed) == []
    page = client.submit(page, "#local-form", email=ADA, password=GOOD)
    assert page.path == "/leaderboard"


def test_without_the_switch_there_is_no_form_and_nobody_signs_in(
    browser: Browser, ada: None, committed: Session
) -> None:
    client = browser()
    assert not client.page("/sign-in").all("#local-form")
    assert client.post("/sign-in/local", email=ADA, password=GOOD).status_code == 404
    assert sessions_in(committed) == []


def test_passwords_and_demo_people_stand_side_by_side_and_each_alone(
    app_with: AppWith,
) -> None:
    for env, local, demo in (
        ("demo", True, True),
        ("production", True, False),
        ("demo", False, True),
        ("production", False, False),
    ):
        page = Client(app_with(app_env=env, auth_local=local)).page("/sign-in")
        assert bool(page.all("#local-form")) is local
        assert bool(page.all("form.people")) is demo
        assert ("No way of signing in" in page.words()) is not (local or demo)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"email": ADA},
        {"password": GOOD},
        {"email": "", "password": ""},
        {"email": f"{ADA}\0", "password": GOOD},
        {"email": ADA, "password": f"{GOOD}\0"},
        {"email": ADA, "password": f" {GOOD}"},
        {"email": ADA, "password": "🐎" * 5_000},
        {"email": "é" * 10_000, "password": GOOD},
        {"email": "<script>@x", "password": '">'},
        {"email": ["nobody@x.example", ADA], "password": ["wrong guess", GOOD]},
    ],
    ids=lambda form: ascii(form)[:50],
)
def test_nothing_that_is_sent_breaks_the_form_or_opens_the_door(
    browser: Browser, local: Flask, ada: None, committed: Session, form: dict[str, object]
) -> None:
    response = browser(on=local).post("/sign-in/local", form)
    assert response.status_code == 422
    assert len(Page(response).one("#email").attrs.get("value", "")) <= 254
    assert sessions_in(committed) == []


def test_from_a_form_that_was_wrong_every_way_leads_on(
    browser: Browser, local: Flask, ada: None
) -> None:
    """Its address is that of the form: a link back to it must not end in an error."""
    client = browser(on=local)
    page = client.submit(client.page("/sign-in"), "#local-form", email=ADA, password="wrong")
    assert (page.status, page.path) == (422, "/sign-in/local")
    themed = client.submit(page, "#theme-form", theme="dark")
    assert (themed.status, themed.path) == (200, "/sign-in")
    page = client.page(page.one(".site-bar > a.btn").attrs["href"])
    page = client.submit(page, "#local-form", email=ADA, password=GOOD)
    assert (page.status, page.path) == (200, "/")


def test_ten_megabytes_of_password_are_refused_unread(local: Flask, ada: None) -> None:
    assert guess(local, password="x" * 10_000_000).status_code == 413
    assert guess(local, password="x" * 900_000).status_code == 422


def test_over_https_the_cookie_is_secure_and_bound_to_the_host(
    app_with: AppWith, ada: None
) -> None:
    app = app_with(app_env="production", app_url="https://quiz.example", auth_local=True)
    response = Client(app).open(
        "/sign-in/local",
        method="POST",
        base_url="https://quiz.example",
        headers={"Sec-Fetch-Site": "same-origin"},
        data={"email": ADA, "password": GOOD, "next": "//evil.example"},
    )
    assert (response.status_code, response.location) == (303, "/")
    name, *attributes = response.headers["Set-Cookie"].split("; ")
    assert name.startswith("__Host-respondeo_session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(attributes)
    assert not any(attribute.startswith("Domain") for attribute in attributes)


def test_signing_in_again_as_somebody_else_ends_the_session_before(
    browser: Browser, local: Flask, ada: None, committed: Session
) -> None:
    client = browser("Somebody Else", on=local)
    before = client.cookie(client.session_cookie)
    assert client.post("/sign-in/local", email=ADA, password=GOOD).status_code == 303
    assert client.cookie(client.session_cookie) != before
    assert len(sessions_in(committed)) == 1


# -- how often one may guess ----------------------------------------------------------------------


def test_an_address_guesses_sixty_times_a_minute_whoever_it_guesses_at(
    local: Flask, ada: None, committed: Session, committed_clock: Clock
) -> None:
    committed_clock.stop()
    committed.commit()
    answers = [guess(local, email=f"{n}@school.example") for n in range(61)]
    assert statuses(*answers) == [422] * 60 + [429]
    refused = guess(local, password=GOOD)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "then try again" in Page(refused).words()
    assert guess(local, password=GOOD, address="192.0.2.2").status_code == 303
    committed_clock.advance(seconds=60)
    committed.commit()
    assert guess(local, password=GOOD).status_code == 303


@pytest.mark.parametrize("email", [ADA, "nobody@school.example"])
def test_an_account_is_guessed_at_twenty_times_whether_it_exists_or_not(
    local: Flask, ada: None, committed: Session, committed_clock: Clock, email: str
) -> None:
    committed_clock.stop()
    committed.commit()
    written = [email, email.upper(), f" {email} "]
    answers = [guess(local, email=written[n % 3], address=f"192.0.2.{n}") for n in range(21)]
    assert statuses(*answers) == [422] * 20 + [429]
    assert 600 < int(answers[-1].headers["Retry-After"]) <= 900
    words = Page(answers[-1]).words()
    assert "minutes, then try again." in words
    assert "account" not in words
    assert email not in answers[-1].text
    assert guess(local, email="another@school.example", address="192.0.2.99").status_code == 422
    if email == ADA:
        assert guess(local, password=GOOD, address="192.0.2.99").status_code == 429
        committed_clock.advance(seconds=900)
        committed.commit()
        assert guess(local, password=GOOD, address="192.0.2.99").status_code == 303


def test_a_class_behind_one_address_signs_in_all_at_once(
    local: Flask, committed: Session, ada: None
) -> None:
    """Right passwords are no guesses: they are counted only while they are checked."""
    pupils = []
    for _ in range(30):
        pupil = add_user(committed, "A Pupil")
        passwords.set_password(committed, pupil.id, GOOD)
        pupils.append(pupil.email)
    committed.commit()
    barrier = Barrier(16)  # as many as two workers with eight threads have in hand

    def at_once(email: str) -> int:
        barrier.wait(timeout=30)
        return guess(local, email=email, password=GOOD).status_code

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(at_once, pupils[:16])) == [303] * 16
    assert statuses(*(guess(local, email=one, password=GOOD) for one in pupils)) == [303] * 30
    assert statuses(*(guess(local) for _ in range(21))) == [422] * 20 + [429]


@pytest.mark.parametrize(
    ("before", "one_address"), [(15, False), (55, True)], ids=["account", "address"]
)
def test_guesses_at_the_same_time_do_not_outrun_the_limit(
    local: Flask, ada: None, before: int, one_address: bool
) -> None:
    """Five are left; ten come at once."""

    def send(number: int) -> int:
        address = "192.0.2.1" if one_address else f"192.0.2.{number}"
        email = f"{number}@school.example" if one_address else ADA
        return guess(local, email=email, address=address).status_code

    barrier = Barrier(10)

    def at_once(number: int) -> int:
        barrier.wait(timeout=30)
        return send(number)

    assert {send(number) for number in range(before)} == {422}
    with ThreadPoolExecutor(10) as threads:
        answers = sorted(threads.map(at_once, range(100, 110)))
    assert answers == [422] * 5 + [429] * 5


def test_counters_and_logs_know_neither_address_nor_password(
    local: Flask, ada: None, committed: Session, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(21):
        guess(local, password="my secret guess")
    keys = json.dumps(list(committed.scalars(sa.select(RateLimit.key))))
    out = capfd.readouterr()
    for told in (keys, out.out, out.err):
        assert "ada" not in told.lower()
        assert "secret guess" not in told
    assert "passwords from an address" in keys


def test_the_address_of_a_session_is_the_clients_and_no_forged_one(
    app_with: AppWith, ada: None, committed: Session
) -> None:
    app = app_with(auth_local=True, trusted_proxies="10.0.0.0/8")
    for address, forwarded, kept in (
        ("10.1.2.3", "203.0.113.7", "203.0.113.7"),
        ("10.1.2.3", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("192.0.2.1", "203.0.113.7", "192.0.2.1"),
        ("10.1.2.3", "forged", "10.1.2.3"),
    ):
        committed.execute(sa.delete(LoginSession))
        committed.commit()
        Client(app).open(
            "/sign-in/local",
            method="POST",
            data={"email": ADA, "password": GOOD},
            headers=SAME_ORIGIN | {"X-Forwarded-For": forwarded},
            environ_overrides={"REMOTE_ADDR": address},
        )
        assert [one.ip_address for one in sessions_in(committed)] == [kept]
