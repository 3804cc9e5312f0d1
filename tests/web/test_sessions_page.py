"""Settings, sign-in and sessions: what is listed, ended and changed, and whose."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.models import LoginSession, User
from respondeo.services import identity, passwords
from tests.client import Client
from tests.conftest import Clock
from tests.factories import add_user
from tests.web.apps import AppWith, Browser

GOOD, NEW = "correct horse battery", "a better password"
PAGE = "/settings/security"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def local(app_with: AppWith) -> Flask:
    """The application with local accounts."""
    return app_with(auth_local=True)


@pytest.fixture
def ada(committed: Session) -> User:
    """Somebody with a password."""
    person = add_user(committed, "Ada Lovelace")
    passwords.set_password(committed, person.id, GOOD)
    committed.commit()
    return person


def signed_in(app: Flask, user_id: UUID) -> Client:
    client = Client(app)
    client.sign_in(user_id)
    return client


def is_in(client: Client) -> bool:
    return client.get(PAGE).status_code == 200


def test_the_list_says_where_one_is_signed_in_and_how(
    app: Flask, ada: User, committed: Session, committed_clock: Clock
) -> None:
    committed_clock.stop()
    identity.sign_in(
        committed, ada.id, ip_address="192.0.2.7", user_agent=IPHONE, provider_id="school"
    )
    committed_clock.advance(days=2.5)
    identity.sign_in(committed, ada.id, ip_address=None, user_agent="<b>", provider_id="local")
    committed.commit()
    page = signed_in(app, ada.id).page(PAGE)
    assert page.title().startswith("Sign-in and sessions")
    this, unknown, phone = (" ".join(row.to_text().split()) for row in page.all(".sessions > li"))
    assert "This browser In use now" in this
    assert "Sign out" not in this
    assert unknown.startswith("Unknown device Used in the last day Signed in ")
    assert "with your password" in unknown
    assert phone.startswith(
        "Safari on iPhone Last used about 2 days ago Address 192.0.2.7 Signed in "
    )
    assert "with school" in phone
    assert "This browser" not in unknown + phone


def test_one_browser_is_signed_out_and_the_others_stay(app: Flask, ada: User) -> None:
    here = signed_in(app, ada.id)
    there, elsewhere = signed_in(app, ada.id), signed_in(app, ada.id)
    page = here.page(PAGE)
    # The last in the list signed in first.
    form = page.all(".sessions form")[-1]
    ended = form.query("input[name=session]")[0].attrs["value"]
    for _ in range(2):  # a double click
        response = here.post(form.attrs["action"], session=ended)
        assert (response.status_code, response.location) == (303, f"{PAGE}?done=session")
    assert [is_in(client) for client in (here, there, elsewhere)].count(False) == 1
    assert is_in(here)
    page = here.page(f"{PAGE}?done=session")
    assert page.words("[role=status].notice") == "That browser is signed out."
    assert len(page.all(".sessions > li")) == 2


def test_everywhere_else_is_everywhere_but_here(app: Flask, ada: User, browser: Browser) -> None:
    here, there, third = (signed_in(app, ada.id) for _ in range(3))
    stranger = browser("A Stranger")
    page = here.submit(here.page(PAGE), "#end-others")
    assert page.words("[role=status].notice") == "Every other browser is signed out."
    assert not page.all("#end-others")
    assert [is_in(client) for client in (here, there, third, stranger)] == [
        True, False, False, True,
    ]  # fmt: skip


def test_somebody_elses_session_is_not_there_and_stays(
    app: Flask, ada: User, browser: Browser, committed: Session
) -> None:
    here, stranger = signed_in(app, ada.id), browser("A Stranger")
    theirs = committed.scalar(sa.select(LoginSession.id).where(LoginSession.user_id != ada.id))
    assert here.post(f"{PAGE}/end-session", session=theirs).status_code == 404
    for wrong in ("", "\0", "x", "1", f"{theirs}'--"):
        assert here.post(f"{PAGE}/end-session", session=wrong).status_code == 404
    own = committed.scalar(sa.select(LoginSession.id).where(LoginSession.user_id == ada.id))
    both = here.post(f"{PAGE}/end-session", session=[str(uuid4()), str(own)])
    assert both.status_code == 303
    assert is_in(here)
    assert is_in(stranger)


@pytest.mark.parametrize("path", ["", "/end-session", "/end-other-sessions"])
def test_who_is_signed_out_is_asked_to_sign_in(local: Flask, browser: Browser, path: str) -> None:
    response = browser(on=local).post(f"{PAGE}{path}")
    assert response.status_code == 303
    assert response.location.startswith("/sign-in")


def test_only_sentences_of_ours_are_shown_as_done(browser: Browser) -> None:
    client = browser("A Player")
    for told in ("", "nothing", "<b>", "Your account was hacked", "password "):
        assert not client.page(f"{PAGE}?done={told}").all(".notice")


def test_the_password_form_is_for_those_who_have_one_where_passwords_are_on(
    app: Flask, local: Flask, ada: User, browser: Browser
) -> None:
    assert signed_in(local, ada.id).page(PAGE).all("#password-form")
    for client in (signed_in(app, ada.id), browser("Without", on=local)):
        assert not client.page(PAGE).all("#password-form")
        changed = client.post(PAGE, current=GOOD, new=NEW)
        assert changed.status_code == 404


def test_changing_the_password_signs_the_other_browsers_out(
    local: Flask, ada: User, committed: Session
) -> None:
    here, there = signed_in(local, ada.id), signed_in(local, ada.id)
    page = here.submit(here.page(PAGE), "#password-form", current=GOOD, new=NEW)
    assert "Your password is changed" in page.words("[role=status].notice")
    assert is_in(here)
    assert not is_in(there)
    assert passwords.verify(committed, ada.email, NEW) == ada.id
    assert passwords.verify(committed, ada.email, GOOD) is None


@pytest.mark.parametrize(
    ("current", "new", "field", "said"),
    [
        ("wrong", NEW, "current", "This is not your password."),
        ("", "", "current", "This is not your password."),
        (GOOD, "short", "new", "Use at least 10 characters."),
        (GOOD, "x" * 201, "new", "Use at most 200 characters."),
        (GOOD, "ADA lovelace", "new", "Use something else than your name or e-mail."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_changes(
    local: Flask, ada: User, committed: Session, current: str, new: str, field: str, said: str
) -> None:
    here, there = signed_in(local, ada.id), signed_in(local, ada.id)
    page = here.submit(here.page(PAGE), "#password-form", current=current, new=new)
    assert page.status == 422
    assert page.words(f"#problem-{field}") == said
    (focused,) = page.all("[autofocus]")
    assert focused.attrs["name"] == field
    assert focused.attrs["aria-describedby"] == f"problem-{field}"
    assert len(page.all("[aria-invalid]")) == 1
    assert page.all(".sessions > li"), "the rest of the page is there"
    assert is_in(there)
    assert passwords.verify(committed, ada.email, GOOD) == ada.id


def test_guessing_the_current_password_is_limited(local: Flask, ada: User) -> None:
    here = signed_in(local, ada.id)
    short = [here.post(PAGE, current=GOOD, new="short") for _ in range(11)]
    assert {response.status_code for response in short} == {422}, "only guesses count"
    guesses = [here.post(PAGE, current="wrong", new=NEW) for _ in range(11)]
    assert [response.status_code for response in guesses] == [422] * 10 + [429]
    assert Client(local).post("/sign-in/local", email=ada.email, password=GOOD).status_code == 303


def test_strangers_who_guess_keep_nobody_from_changing_their_password(
    local: Flask, ada: User
) -> None:
    here = signed_in(local, ada.id)
    stranger = Client(local)
    guesses = [
        stranger.post("/sign-in/local", email=ada.email, password="wrong guess") for _ in range(21)
    ]
    assert guesses[-1].status_code == 429
    assert here.post(PAGE, current=GOOD, new=NEW).status_code == 303


def test_the_second_of_two_tabs_that_change_the_password_is_told(local: Flask, ada: User) -> None:
    here = signed_in(local, ada.id)
    first, second = here.page(PAGE), here.page(PAGE)
    here.submit(first, "#password-form", current=GOOD, new=NEW)
    page = here.submit(second, "#password-form", current=GOOD, new="another password")
    assert page.words("#problem-current") == "This is not your password."


def test_nothing_that_is_sent_as_a_password_breaks_the_page(local: Flask, ada: User) -> None:
    here = signed_in(local, ada.id)
    for form in (
        {},
        {"current": GOOD},
        {"current": "\0", "new": "\0"},
        {"current": "🐎" * 5_000, "new": "🐎" * 5_000},
        {"current": ["wrong", GOOD], "new": NEW},
    ):
        assert here.post(PAGE, form).status_code == 422
    assert here.post(PAGE, current=GOOD, new="x" * 2_000_000).status_code == 413
    assert is_in(here)
