"""`flask auth check`, and the page that says the same."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.oidc import check as checks
from respondeo.oidc import http
from tests.factories import add_user
from tests.oidc.browser import Traveller
from tests.oidc.conftest import Setup
from tests.oidc.provider import DISCOVERY, KEYS, SECRET, Front

GOOD = {
    "scopes_supported": ["openid", "profile", "email", "groups"],
    "claims_supported": ["sub", "groups"],
    "code_challenge_methods_supported": ["S256"],
}


def run(app: Flask, *arguments: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["auth", "check", *arguments])
    return done.exit_code, done.output


def findings(front: Front, **changes: Any) -> dict[str, checks.Finding]:
    report = checks.check(front.settings(**changes), "https://quiz.example")
    return {finding.about: finding for finding in report.findings}


def test_a_good_provider_passes_in_every_line(school: Front, set_up: Setup) -> None:
    school.says(DISCOVERY, **GOOD)
    status, said = run(set_up(school.settings()))
    assert status == 0
    assert "School (school)" in said
    assert "http://localhost/auth/callback/school" in said
    assert "ERROR" not in said
    assert "hint" not in said
    for about in ("discovery", "issuer", "clock", "scopes", "groups claim", "PKCE", "signatures",
                  "client secret", "keys", "sign-out"):  # fmt: skip
        assert f"ok     {about}:" in said
    assert SECRET not in said


FAULTS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "issuer": ({"issuer": "https://evil.example"}, "issuer", "error", "exactly"),
    "no endpoint": ({"token_endpoint": None}, "endpoints", "error", "OpenID"),
    "plain": ({"token_endpoint": "ftp://x"}, "endpoints", "error", "address"),
    "scopes": ({"scopes_supported": ["openid", "email", "profile"]}, "scopes", "hint", "leave"),
    "no scopes": ({"scopes_supported": None}, "scopes", "hint", "invalid_scope"),
    "groups": ({"claims_supported": ["sub"]}, "groups claim", "hint", "authentication.md"),
    "pkce": ({"code_challenge_methods_supported": ["plain"]}, "PKCE", "error", "S256"),
    "no pkce": ({"code_challenge_methods_supported": None}, "PKCE", "hint", "nothing"),
    "algorithms": (
        {"id_token_signing_alg_values_supported": ["HS256"]}, "signatures", "error", "RS256",
    ),
    "secret": (
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "client secret", "error",
        "client_secret_basic",
    ),
    "keys": ({"jwks_uri": "http://127.0.0.1:9/"}, "keys", "error", "checked"),
    "sign-out": ({"end_session_endpoint": None}, "sign-out", "hint", "othing"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_named_with_what_to_do(school: Front, fault: str) -> None:
    changes, about, level, todo = FAULTS[fault]
    school.says(DISCOVERY, **{**GOOD, **changes})
    found = findings(school)[about]
    assert found.level == level
    assert todo in found.todo


@pytest.mark.parametrize(
    "keys", [{"keys": []}, {"keys": [{"kty": "oct", "k": "AA"}]}, {"keys": [7]}, {}]
)
def test_keys_of_no_use_are_wrong(school: Front, keys: dict[str, Any]) -> None:
    school.rewrite[KEYS] = lambda _: keys
    assert findings(school)["keys"].level == "error"


@pytest.mark.parametrize(("ahead", "level"), [(3600, "error"), (-3600, "error"), (5, "ok")])
def test_a_clock_that_differs_is_told(school: Front, ahead: int, level: str) -> None:
    school.ahead = ahead
    found = findings(school)["clock"]
    assert found.level == level
    if level == "error":
        assert ("behind" if ahead > 0 else "ahead") in found.said


@pytest.mark.parametrize("body", [b"<html>", b"[]", b""])
def test_what_is_no_provider_is_told(school: Front, set_up: Setup, body: bytes) -> None:
    school.rewrite[DISCOVERY] = lambda _: body
    status, said = run(set_up(school.settings()))
    assert status == 1
    assert "ERROR  discovery" in said


def test_json_holds_the_same_and_no_secret(school: Front, club: Front, set_up: Setup) -> None:
    school.says(DISCOVERY, **GOOD)
    club.says(DISCOVERY, issuer="https://evil.example")
    app = set_up(school.settings(), club.settings(id="club"))
    status, said = run(app, "--json")
    assert status == 1
    first, second = json.loads(said)
    assert (first["provider"], first["ok"]) == ("school", True)
    assert (second["provider"], second["ok"]) == ("club", False)
    assert {"level", "about", "said", "todo"} == set(first["findings"][0])
    assert SECRET not in said


def test_without_a_provider_there_is_nothing_wrong(set_up: Setup) -> None:
    status, said = run(set_up())
    assert status == 0
    assert "docs/authentication.md" in said


def test_the_page_for_admins_says_the_same(
    school: Front, club: Front, set_up: Setup, committed: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_S", 0.3)
    school.says(DISCOVERY, **GOOD)
    club.hang[DISCOVERY] = threading.Event()
    app = set_up(school.settings(), club.settings(id="club", label="Club"))
    admin, player = add_user(committed, "Admin", groups=["admin"]), add_user(committed, "Player")
    committed.commit()
    visitor = Traveller(app)
    visitor.sign_in(admin.id)
    page = visitor.page("/settings/providers")
    school_said, club_said = (
        " ".join(node.to_text().split()) for node in page.all(".provider-check")
    )
    assert "people can sign in" in school_said
    assert "http://localhost/auth/callback/school" in school_said
    assert "people cannot sign in" in club_said
    assert "no answer in time" in club_said
    assert SECRET not in page.text
    visitor.sign_in(player.id)
    assert visitor.get("/settings/providers").status_code == 403


def test_the_page_without_providers_says_how_to_have_one(set_up: Setup, committed: Session) -> None:
    admin = add_user(committed, "Admin", groups=["admin"])
    committed.commit()
    visitor = Traveller(set_up())
    visitor.sign_in(admin.id)
    assert "No identity provider is set up" in visitor.page("/settings/providers").words()
