"""Every route, as every role, against what it declares: a guard that is forgotten fails here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.domain.access import DEFAULT_ROLE_PERMISSIONS, PERMISSIONS
from tests.client import Client, Page
from tests.factories import add_user
from tests.test_routes import DEMANDS
from tests.web.apps import AppWith
from tests.web.places import Place, person_with, places, played_quiz

SWITCHES = {
    "rbac_public_browse_quizzes": "quiz:browse",
    "rbac_public_view_quiz": "quiz:view",
    "rbac_public_play_quiz": "quiz:play",
    "rbac_public_leaderboard": "leaderboard:view",
}

# What a route demands beside what it declares.
ALSO = {
    "leaderboards.quiz": "quiz:view",
    "taking.result": "quiz:view",  # somebody else's result
    # A guest who may do everything is still nobody in particular.
    "settings.keys": "signed in",
    "settings.make_key": "signed in",
    "settings.revoke_key": "signed in",
    "settings.people": "signed in",
    "settings.disable_person": "signed in",
    "authoring.new": "signed in",
    "authoring.create": "signed in",
    "authoring.duplicate": "quiz:create, signed in",
    "authoring.mine": "signed in",
    "authoring.import_file": "signed in",
    "authoring.import_quiz": "signed in",
}

# What it takes to do this to the quiz here, which is somebody else's and published.
TO_OTHERS = {"may edit": "quiz:edit-any", "may delete": "quiz:delete-any"}

# Whoever holds one of these has quizzes, or could have.
WRITES = {"quiz:create", "quiz:edit-own", "quiz:edit-any"}

# Refused to everybody here for another reason than their role: each says which.
OTHER_REASONS = {"settings.change_name": "Your name comes from where you sign in."}

GROUPS = {"moderator": "heads", "creator": "teachers", "admin": "admin"}


@dataclass(frozen=True)
class Walk:
    """Somebody who walks every route."""

    role: str
    open: frozenset[str]
    permissions: frozenset[str] | None = None

    @property
    def settings(self) -> dict[str, object]:
        changes: dict[str, object] = {
            "rbac_role_moderator_groups": "heads",
            "rbac_role_creator_groups": "teachers",
        } | {name: name in self.open for name in SWITCHES}
        if self.permissions is not None:
            changes[f"rbac_role_{self.role}_permissions"] = ",".join(sorted(self.permissions))
        return changes

    @property
    def may(self) -> frozenset[str]:
        held = self.permissions or DEFAULT_ROLE_PERMISSIONS[self.role]
        if self.role != "guest":
            return held
        return held - {SWITCHES[name] for name in SWITCHES if name not in self.open}

    def __str__(self) -> str:
        return f"{self.role}, {len(self.open)} open, {len(self.may)} permissions"


ALL_OPEN, CLOSED = frozenset(SWITCHES), frozenset[str]()
DEMANDED = sorted(
    {TO_OTHERS.get(demand, demand) for demand in (*DEMANDS.values(), *ALSO.values())} & PERMISSIONS
)


def walks() -> Iterator[Walk]:
    for open_ in (ALL_OPEN, CLOSED, *(ALL_OPEN - {name} for name in SWITCHES)):
        yield Walk("guest", open_)
    yield Walk("guest", ALL_OPEN, PERMISSIONS)
    for role in ("user", "creator", "moderator", "admin"):
        yield Walk(role, ALL_OPEN)
        yield Walk(role, CLOSED)
    for permission in DEMANDED:
        yield Walk("user", ALL_OPEN, PERMISSIONS - {permission})
        yield Walk("user", CLOSED, frozenset({permission}))


@pytest.fixture
def ids(committed: Session) -> dict[str, UUID]:
    """A quiz that somebody has played."""
    author, player = add_user(committed, "An Author"), add_user(committed, "A Player")
    quiz_id, attempt_id = played_quiz(committed, author, player)
    committed.commit()
    return {"quiz_id": quiz_id, "attempt_id": attempt_id}


def walking(app: Flask, committed: Session, walk: Walk) -> Iterator[Client]:
    """A new browser for each step, so that none ends the session of the next."""
    group = GROUPS.get(walk.role)
    me = None
    if walk.role != "guest":
        me = person_with(committed, "Somebody", *([group] if group else []))
    while True:
        client = Client(app)
        if me is not None:
            client.sign_in(me)
        yield client


def leads_to(response: TestResponse) -> str:
    return response.headers.get("Location") or response.headers.get("HX-Redirect", "")


def verdict(place: Place, response: TestResponse) -> str:
    """What the route said to whoever asked."""
    assert response.status_code < 500, response.get_data(as_text=True)
    if leads_to(response).startswith("/sign-in?next="):
        return "sign in"
    if response.status_code != 403:
        return "in"
    words = response.get_data(as_text=True)
    return "in" if OTHER_REASONS.get(place.endpoint, "\0") in words else "refused"


def expected(place: Place, walk: Walk) -> str:
    also = ALSO.get(place.endpoint, "everybody").split(", ")
    for demand in {DEMANDS[place.endpoint], *also} - {"everybody"}:
        if demand == "signed in":
            if walk.role == "guest":
                return "sign in"
        elif demand == "may write" and WRITES & walk.may:
            continue
        elif TO_OTHERS.get(demand, demand) not in walk.may:
            return "sign in" if walk.role == "guest" else "refused"
    return "in"


@pytest.mark.parametrize("walk", list(walks()), ids=str)
def test_every_route_lets_in_whom_it_declares_and_nobody_else(
    app_with: AppWith, committed: Session, ids: dict[str, UUID], walk: Walk
) -> None:
    app = app_with(**walk.settings)
    wrong = []
    for place, client in zip(places(app, **ids), walking(app, committed, walk), strict=False):
        found, wanted = verdict(place, place.ask(client)), expected(place, walk)
        if found != wanted:
            wrong.append(f"{place}: {found}, not {wanted}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("walk", [Walk("guest", CLOSED), Walk("user", CLOSED)], ids=str)
def test_the_same_holds_for_what_htmx_asks(
    app_with: AppWith, committed: Session, ids: dict[str, UUID], walk: Walk
) -> None:
    app = app_with(**walk.settings)
    for place, client in zip(places(app, **ids), walking(app, committed, walk), strict=False):
        response = place.ask(client, htmx=True)
        assert verdict(place, response) == expected(place, walk), place
        assert not (verdict(place, response) == "sign in" and response.status_code != 204), place


@pytest.mark.parametrize("permission", DEMANDED)
def test_whoever_lacks_a_permission_reads_what_they_may_not_do_and_where_to_go(
    app_with: AppWith, committed: Session, ids: dict[str, UUID], permission: str
) -> None:
    walk = Walk("user", CLOSED, PERMISSIONS - {permission})
    app = app_with(**walk.settings)
    refused = [place for place in places(app, **ids) if expected(place, walk) == "refused"]
    assert refused
    words = {
        "quiz:browse": "see the list of quizzes",
        "quiz:create": "make quizzes",
        "quiz:view": "look at quizzes",
        "quiz:play": "play quizzes",
        "leaderboard:view": "see the leaderboards",
        "quiz:edit-any": "edit other people’s quizzes",
        "quiz:delete-any": "delete other people’s quizzes",
        "api-key:manage": "make keys for programs",
        "admin:*": "see and manage people, and see who may do what",
    }
    for place, client in zip(refused, walking(app, committed, walk), strict=False):
        page = Page(place.ask(client))
        assert f"Your role does not let you {words[permission]}." in page.words(), place
        way_on = client.get(page.one("#error-action").attrs["href"])
        assert way_on.status_code == 200, "an error that leads to the next error"


def test_who_is_signed_out_is_sent_to_sign_in_and_comes_back_to_the_page_wanted(
    app_with: AppWith, committed: Session, ids: dict[str, UUID]
) -> None:
    walk = Walk("guest", CLOSED)
    app = app_with(**walk.settings)
    admin = person_with(committed, "An Admin", "admin")
    guarded = [place for place in places(app, **ids) if expected(place, walk) == "sign in"]
    assert {place.endpoint for place in guarded} >= {"pages.home", "settings.profile"}
    for place in guarded:
        if place.method != "GET":
            continue
        client = Client(app)
        wanted = f"{place.path}?page=1&q=a%26b"
        asked = urlsplit(leads_to(client.get(wanted)))
        assert (asked.path, parse_qs(asked.query)) == ("/sign-in", {"next": [wanted]})
        client.sign_in(admin)
        assert client.get(asked.geturl()).location == wanted


def test_a_form_comes_back_to_the_page_that_held_it(
    app_with: AppWith, committed: Session, ids: dict[str, UUID]
) -> None:
    walk = Walk("guest", CLOSED)
    app = app_with(**walk.settings)
    posts = [p for p in places(app, **ids) if p.method == "POST" and expected(p, walk) == "sign in"]
    assert posts
    for place in posts:
        for referrer, back in (
            ("http://localhost/leaderboard?page=3", "/leaderboard"),
            ("http://localhost//evil.example/", "/"),
            ("https://evil.example/leaderboard", "/"),
            ("http://localhost:9000/leaderboard", "/"),
            ("http://[", "/"),
        ):
            sent = place.ask(Client(app), Referer=referrer)
            assert sent.location == f"/sign-in?next={back}", place
