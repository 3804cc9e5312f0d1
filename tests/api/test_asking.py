"""Who may call: keys, scopes, sessions, limits."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.domain.scopes import SCOPES
from respondeo.models import RateLimit
from respondeo.rate_limits import postgres
from respondeo.services import api_keys, users
from tests.api.conftest import Program, Programs, quiz_body
from tests.client import SAME_ORIGIN
from tests.web.apps import Browser


def test_each_scope_opens_its_own_doors_only(program: Programs) -> None:
    quiz = program("admin").ask("POST", "/api/quizzes", 201, quiz_body())
    path = f"/api/quizzes/{quiz['id']}"
    doors = {
        "quizzes:read": ("GET", path),
        "quizzes:write": ("POST", "/api/quizzes"),
        "attempts:read": ("GET", f"{path}/attempts"),
        "attempts:write": ("POST", f"{path}/attempts/start"),
    }
    for scope in SCOPES:
        narrow = program("admin", scopes=(scope,))
        for needed, (method, address) in doors.items():
            answered = narrow.request(method, address)
            if needed == scope:
                assert answered.status_code != 403
            else:
                assert answered.status_code == 403
                assert needed in answered.get_json()["error"]


def test_a_key_acts_with_what_its_owners_role_may_now(program: Programs) -> None:
    program().ask("POST", "/api/quizzes", 403, quiz_body())


def test_revoked_ended_and_made_up_keys_are_refused_at_once(
    program: Programs, committed: Session, app: Flask
) -> None:
    caller = program()
    assert caller.user is not None
    caller.ask("GET", "/api/quizzes", 200)
    (key,) = api_keys.keys_of(committed, caller.user.id)
    api_keys.revoke_key(committed, caller.user.id, key.id)
    committed.commit()
    assert "not valid" in caller.ask("GET", "/api/quizzes", 401)["error"]
    for made_up in ("", "rsp_", "x" * 5000, "\xe9"):
        Program(app, made_up, None).ask("GET", "/api/auth/get-session", 401)


def test_a_key_overrides_the_cookie(program: Programs, browser: Browser) -> None:
    caller, signed_in = program(name="Key Owner"), browser("Cookie Owner")
    told = json.loads(signed_in.open("/api/auth/get-session", headers=caller.headers).data)
    assert told["user"]["name"] == "Key Owner"
    assert told["session"] is None
    assert signed_in.open("/api/quizzes", headers={"x-api-key": "no key"}).status_code == 401


def test_a_signed_in_browser_needs_no_key_and_other_sites_get_nothing_done(
    browser: Browser, program: Programs
) -> None:
    quiz = program("admin").ask("POST", "/api/quizzes", 201, quiz_body())
    signed_in = browser("A Person")
    told = json.loads(signed_in.get("/api/auth/get-session").data)
    assert told["user"]["email"]
    assert str(UUID(told["session"]["id"])) == told["session"]["id"]
    assert "X-RateLimit-Limit" not in signed_in.get("/api/quizzes").headers
    path = f"/api/quizzes/{quiz['id']}/attempts/start"
    assert signed_in.open(path, method="POST", headers=SAME_ORIGIN).status_code == 201
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert signed_in.open(path, method="POST", headers=foreign).status_code == 403


def test_a_keys_limit_is_told_and_kept(program: Programs) -> None:
    caller = program(limit=3)
    left = []
    for _ in range(3):
        answered = caller.request("GET", "/api/quizzes")
        assert answered.status_code == 200
        assert answered.headers["X-RateLimit-Limit"] == "3"
        left.append(answered.headers["X-RateLimit-Remaining"])
    assert left == ["2", "1", "0"]
    refused = caller.request("GET", f"/api/quizzes/{uuid4()}")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert int(refused.headers["X-RateLimit-Reset"]) > 1_700_000_000
    assert refused.get_json()["error"]


def test_a_request_whose_counter_is_busy_waits_and_is_refused_rather_than_passing_uncounted(
    program: Programs, committed: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "PATIENCE_MS", 200)
    caller = program(limit=2)
    caller.ask("GET", "/api/auth/get-session", 200)
    committed.execute(sa.select(RateLimit).with_for_update())
    busy = caller.request("GET", "/api/auth/get-session")
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "2")
    committed.rollback()
    left = caller.request("GET", "/api/auth/get-session").headers["X-RateLimit-Remaining"]
    assert left == "0"


def test_of_many_requests_at_once_as_many_pass_as_the_limit_says(program: Programs) -> None:
    caller = program(limit=20)

    def ask(_: int) -> int:
        return (
            Context()
            .run(
                caller.client.application.test_client(use_cookies=False).get,
                "/api/quizzes",
                headers=caller.headers,
            )
            .status_code
        )

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(ask, range(50)))
    assert statuses.count(200) == 20
    assert statuses.count(429) == 30


def test_somebody_who_is_disabled_calls_no_more(program: Programs, committed: Session) -> None:
    caller = program()
    assert caller.user is not None
    users.disable(committed, caller.user)
    committed.commit()
    caller.ask("GET", "/api/quizzes", 401)
