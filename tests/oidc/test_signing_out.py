"""Signing out here, and then at the provider."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.models import LoginSession
from respondeo.oidc import client
from respondeo.web.auth import leaving
from tests.client import Page
from tests.oidc.browser import Traveller
from tests.oidc.conftest import Setup
from tests.oidc.provider import DISCOVERY, Front, query


def test_signing_out_here_leads_on_to_the_provider(
    school: Front, traveller: Traveller, committed: Session
) -> None:
    traveller.travel(school)
    token = committed.scalars(sa.select(LoginSession.id_token)).one()
    committed.rollback()
    answer = traveller.post("/sign-out")
    page = Page(answer)
    assert page.status == 200
    assert "You are signed out here" in page.words()
    assert not page.all("#person-button")
    url = page.one("#provider-sign-out").attrs["href"]
    assert page.words("#provider-sign-out") == "Sign out at School too"
    assert page.one("meta[http-equiv=refresh]").attrs["content"] == f"0; url={url}"
    assert url.startswith(f"{school.url}/oauth2/end_session?")
    sent = query(url)
    assert len(sent.pop("state")) >= 20
    assert sent == {
        "id_token_hint": token,
        "client_id": "respondeo",
        "post_logout_redirect_uri": "http://localhost/",
    }
    assert committed.scalar(sa.select(sa.func.count()).select_from(LoginSession)) == 0
    assert traveller.cookie(traveller.session_cookie) is None
    assert traveller.post("/sign-out").status_code == 303


def test_an_id_token_too_long_for_an_address_is_not_kept(
    school: Front, traveller: Traveller, committed: Session
) -> None:
    school.is_person(
        "many", email="many@school.example", name="M", email_verified=True,
        groups=[f"group number {n}" for n in range(1000)],
    )  # fmt: skip
    assert traveller.travel(school, "many").status_code == 303
    url = Page(traveller.post("/sign-out")).one("#provider-sign-out").attrs["href"]
    assert "id_token_hint" not in query(url)
    assert len(url) < 500


def test_a_provider_without_a_place_for_it_changes_nothing(
    school: Front, traveller: Traveller
) -> None:
    school.says(DISCOVERY, end_session_endpoint=None)
    traveller.travel(school)
    answer = traveller.post("/sign-out")
    assert (answer.status_code, answer.location) == (303, "/")


@pytest.mark.parametrize("hangs", [False, True])
def test_a_provider_that_is_away_keeps_nobody_signed_in(
    school: Front,
    traveller: Traveller,
    set_up: Setup,
    committed: Session,
    monkeypatch: pytest.MonkeyPatch,
    hangs: bool,
) -> None:
    traveller.travel(school)
    monkeypatch.setattr(leaving, "PATIENCE_S", 0.3)
    if hangs:
        school.hang[DISCOVERY] = threading.Event()
    else:
        school.rewrite[DISCOVERY] = lambda _: b"away"
    # Another worker, which knows nothing of the provider yet.
    other = Traveller(set_up(school.settings()))
    other.http.set_cookie(other.session_cookie, traveller.cookie(traveller.session_cookie) or "")
    assert "Ada Lovelace" in other.name()
    answer = other.post("/sign-out")
    assert (answer.status_code, answer.location) == (303, "/")
    assert committed.scalar(sa.select(sa.func.count()).select_from(LoginSession)) == 0
    assert "Sign in" in traveller.name()


@pytest.mark.parametrize("failed_before", [False, True])
def test_a_provider_that_was_known_is_not_waited_for_and_still_led_to(
    school: Front, traveller: Traveller, monkeypatch: pytest.MonkeyPatch, failed_before: bool
) -> None:
    monkeypatch.setattr(client, "REMEMBERED_S", 0)
    traveller.travel(school)
    if failed_before:
        school.rewrite[DISCOVERY] = lambda _: b"away"
        assert Traveller(traveller.app).get("/auth/sign-in/school").status_code == 502
    school.hang[DISCOVERY] = threading.Event()
    school.asked.clear()
    url = Page(traveller.post("/sign-out")).one("#provider-sign-out").attrs["href"]
    assert url.startswith(f"{school.url}/oauth2/end_session?")
    assert school.asked == []


def test_who_is_in_a_hurry_to_leave_puts_no_provider_away_for_others(
    school: Front, traveller: Traveller, set_up: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    traveller.travel(school)
    monkeypatch.setattr(leaving, "PATIENCE_S", 0.3)
    school.hang[DISCOVERY] = threading.Event()
    other = Traveller(set_up(school.settings()))
    other.http.set_cookie(other.session_cookie, traveller.cookie(traveller.session_cookie) or "")
    assert other.post("/sign-out").location == "/"
    school.hang.pop(DISCOVERY).set()
    assert other.leave().startswith(school.url)


def test_a_provider_that_is_no_longer_set_up_changes_nothing(
    school: Front, traveller: Traveller, set_up: Setup
) -> None:
    traveller.travel(school)
    other = Traveller(set_up())
    other.http.set_cookie(other.session_cookie, traveller.cookie(traveller.session_cookie) or "")
    assert other.post("/sign-out").status_code == 303
    assert "Sign in" in traveller.name()


def test_coming_back_from_the_provider_ends_at_home(school: Front, traveller: Traveller) -> None:
    assert traveller.page("/?state=abc").status == 200
