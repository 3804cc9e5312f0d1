"""`flask auth check`, and the page that says the same."""

from __future__ import annotations

import json
import re
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from respondeo.oidc import check as checks
from respondeo.oidc import http
from tests.factories import add_user
from tests.oidc.browser import Traveller
from tests.oidc.conftest import Setup
from tests.oidc.lines import certificate, serving, trickle
from tests.oidc.provider import DISCOVERY, KEYS, SECRET, Front

BACK = "https://quiz.example/auth/callback/school"
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
    "odd endpoints": (
        {"authorization_endpoint": 7, "jwks_uri": ["x"]}, "endpoints", "error", "address",
    ),
    "odd algorithms": (
        {"id_token_signing_alg_values_supported": 7}, "signatures", "hint", "nothing",
    ),
    "odd sign-out": ({"end_session_endpoint": ["x"]}, "endpoints", "error", "address"),
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


@pytest.mark.parametrize("odd", [None, 7, "client_secret_basic", {}, True])
def test_metadata_of_odd_types_neither_break_the_check_nor_a_sign_in(
    school: Front, set_up: Setup, odd: object
) -> None:
    names = (
        "token_endpoint_auth_methods_supported", "scopes_supported", "claims_supported",
        "code_challenge_methods_supported", "id_token_signing_alg_values_supported",
    )  # fmt: skip
    school.rewrite[DISCOVERY] = lambda said: said | dict.fromkeys(names, odd)
    found = findings(school)
    assert found["client secret"] == checks.ok("client secret", "client_secret_basic")
    assert "sign-out" in found
    assert Traveller(set_up(school.settings())).travel(school).status_code == 303


def test_a_place_that_is_null_is_none(school: Front, set_up: Setup) -> None:
    school.rewrite[DISCOVERY] = lambda said: said | {"end_session_endpoint": None}
    assert findings(school)["sign-out"].level == "hint"
    traveller = Traveller(set_up(school.settings()))
    traveller.travel(school)
    assert traveller.post("/sign-out").location == "/"


def test_an_answer_that_cannot_be_read_at_all_is_a_finding(school: Front, set_up: Setup) -> None:
    school.answers(DISCOVERY, b'{"a":' + b"[" * 400_000)
    status, said = run(set_up(school.settings()))
    assert status == 1
    assert "ERROR" in said
    assert "cannot be read" in said
    assert "RecursionError" not in said
    visitor = Traveller(set_up(school.settings()))
    assert visitor.get("/auth/sign-in/school").status_code == 502


VISITS: dict[str, tuple[Response, str, str]] = {
    "a page": (Response("sign in", 200), "ok", "did not object"),
    "a redirect": (Response("", 302, {"Location": "/login"}), "ok", "did not object"),
    "refused": (Response("invalid redirect_uri", 400), "error", "register"),
    "unknown client": (Response("", 401), "error", "client id"),
    "too often": (Response("", 429), "hint", "only at a sign-in"),
    "broken": (Response("", 500), "hint", "only at a sign-in"),
    "scopes": (
        Response("", 303, {"Location": f"{BACK}?error=invalid_scope&state=x"}), "error", "scopes",
    ),
    "not signed in": (
        Response("", 303, {"Location": f"{BACK}?error=login_required"}), "ok", "did not object",
    ),
}  # fmt: skip


@pytest.mark.parametrize("visit", VISITS)
def test_the_provider_is_asked_whether_it_knows_the_redirect_uri(school: Front, visit: str) -> None:
    answer, level, todo = VISITS[visit]
    school.answers("/oauth2/authorize", answer)
    found = findings(school)["redirect URI"]
    assert found.level == level
    assert BACK in found.said
    assert todo in found.todo


def test_where_the_provider_cannot_be_asked_the_redirect_uri_is_a_hint(school: Front) -> None:
    school.answers(DISCOVERY, b"[]")
    found = findings(school)["redirect URI"]
    assert (found.level, found.said) == ("hint", BACK)
    school.says(DISCOVERY, authorization_endpoint="http://127.0.0.1:9/")
    assert findings(school)["redirect URI"].level == "hint"


@pytest.mark.parametrize("path", [DISCOVERY, KEYS])
def test_a_cache_that_does_not_say_so_puts_no_clock_wrong(school: Front, path: str) -> None:
    school.cached[path] = 4000
    assert findings(school)["clock"].level == "ok"


def test_of_documents_from_a_cache_that_says_so_no_clock_is_read(school: Front) -> None:
    for path in (DISCOVERY, KEYS):
        school.cached[path] = 4000
        school.rewrite[path] = lambda said: Response(json.dumps(said), 200, {"Age": "4000"})
    assert findings(school)["clock"].level == "ok"
    school.answers("/oauth2/authorize", b"a" * 1_100_000)
    assert findings(school)["clock"].level == "hint"


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


ANSWERS: dict[str, tuple[Response, str, str]] = {
    "a page": (Response("<html>"), "is not JSON", "a page before it"),
    "nothing there": (Response("", 404), "answers 404 (not found)", "compare the address"),
    "not allowed": (Response("", 403), "answers 403 (forbidden)", "lets this server ask"),
    "broken": (Response("", 503), "answers 503 (service unavailable)", "well"),
    "of no kind": (Response("", 599), "answers 599 (unknown)", "well"),
    "elsewhere": (Response("", 301, {"Location": "/x"}), "leads on", "that it leads to"),
    "too much": (Response(b"a" * 1_100_000), "far too large", "OpenID"),
    "a list": (Response("[]"), "no JSON object", "OpenID"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_of_no_use_is_told_in_plain_words(school: Front, answer: str) -> None:
    content, said, todo = ANSWERS[answer]
    school.answers(DISCOVERY, content)
    found = findings(school)["discovery"]
    assert found.level == "error"
    assert said in found.said
    assert todo in found.todo
    assert_plain(found)


def assert_plain(found: checks.Finding) -> None:
    """No word of a programming language."""
    words = f"{found.said} {found.todo}"
    assert not re.search(r"Error|Exception|object at|\[Errno|HTTPS?Connection", words), words


def test_a_provider_that_is_not_running_refuses_connections(school: Front) -> None:
    found = findings(school, issuer="http://127.0.0.1:9")["discovery"]
    assert "it refuses connections" in found.said
    assert "is running" in found.todo
    assert "Connection refused" in found.cause
    assert_plain(found)


@pytest.mark.parametrize(
    ("number", "said"),
    [(socket.EAI_NONAME, "nobody knows its name"), (socket.EAI_AGAIN, "could not be looked up")],
)
def test_a_name_that_is_not_found_is_told(
    school: Front, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    def lookup(*_: object) -> None:
        raise socket.gaierror(number, "the resolver's words")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    found = findings(school, issuer="https://school.example")["discovery"]
    assert said in found.said
    assert "name server" in found.todo
    assert "the resolver's words" in found.cause
    assert_plain(found)


CERTIFICATES: dict[str, tuple[dict[str, Any], bool, str]] = {
    "of its own": ({}, False, "no authority known here"),
    "expired": ({"days": -1}, True, "has expired"),
    "of another": ({"address": "127.0.0.2"}, True, "for another name"),
}


@pytest.mark.parametrize("fault", CERTIFICATES)
def test_a_certificate_that_cannot_be_trusted_is_told(
    school: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    changes, known, said = CERTIFICATES[fault]
    pem = certificate(tmp_path, **changes)
    if known:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
    with trickle(b"", serving(pem)) as url:
        found = findings(school, issuer=url)["discovery"]
    assert said in found.said
    assert_plain(found)


def test_https_where_there_is_none_is_told(school: Front) -> None:
    found = findings(school, issuer=school.url.replace("http:", "https:"))["discovery"]
    assert "does not speak TLS" in found.said
    assert_plain(found)


def test_a_provider_that_hangs_up_is_told(school: Front) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            with listening.accept()[0] as line:
                line.recv(65_536)
                line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")

        thread = threading.Thread(target=hang_up)
        thread.start()
        issuer = f"http://127.0.0.1:{listening.getsockname()[1]}"
        found = findings(school, issuer=issuer)["discovery"]
        thread.join()
    assert "hung up" in found.said
    assert_plain(found)


def test_a_proxy_that_is_away_is_told(school: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    found = findings(school, issuer="https://school.example")["discovery"]
    assert "the proxy did not let us through" in found.said
    assert_plain(found)


def test_the_page_is_plain_and_the_log_has_the_cause(
    school: Front, set_up: Setup, committed: Session
) -> None:
    admin = add_user(committed, "Admin", groups=["admin"])
    committed.commit()
    visitor = Traveller(set_up(school.settings(issuer="http://127.0.0.1:9")))
    visitor.sign_in(admin.id)
    with structlog.testing.capture_logs() as log:
        words = visitor.page("/settings/providers").words()
    assert "it refuses connections" in words
    assert "Errno" not in words
    (entry,) = [one for one in log if one["event"] == "provider check"]
    assert (entry["provider"], entry["about"]) == ("school", "discovery")
    assert "Connection refused" in entry["cause"]


def test_json_holds_the_same_and_no_secret(school: Front, club: Front, set_up: Setup) -> None:
    school.says(DISCOVERY, **GOOD)
    club.says(DISCOVERY, issuer="https://evil.example")
    app = set_up(school.settings(), club.settings(id="club"))
    status, said = run(app, "--json")
    assert status == 1
    first, second = json.loads(said)
    assert (first["provider"], first["ok"]) == ("school", True)
    assert (second["provider"], second["ok"]) == ("club", False)
    assert {"level", "about", "said", "todo", "cause"} == set(first["findings"][0])
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
