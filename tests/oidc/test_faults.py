"""Whatever the provider does wrong: nobody gets in, a page says what to do, the log says why."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from structlog.typing import EventDict
from werkzeug.wrappers import Response

from respondeo.models import Account, LoginSession, User
from respondeo.oidc import client, http
from respondeo.web.auth import pending
from tests.oidc.browser import Traveller
from tests.oidc.conftest import Setup
from tests.oidc.provider import (
    DISCOVERY,
    KEYS,
    SECRET,
    TOKEN,
    USERINFO,
    Front,
    new_key,
    payload,
    query,
    secret_key,
)

WRONG = "gave an answer that cannot be trusted"
AWAY = "does not answer at the moment"
STALE = "This sign-in was used already or is too old. Sign in again."


def failures(log: list[EventDict]) -> list[EventDict]:
    return [entry for entry in log if entry["event"] == "sign-in failed"]


def nobody_is_in(session: Session) -> bool:
    return not session.scalar(
        sa.select(sa.func.count()).select_from(LoginSession)
    ) and not session.scalar(sa.select(sa.func.count()).select_from(User))


def unsigned(front: Front, said: dict[str, Any]) -> dict[str, Any]:
    """An ID token of the algorithm “none”."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = payload(said["id_token"])
    return said | {"id_token": f"{part({'alg': 'none', 'kid': 'front'})}.{part(claims)}."}


# Each plays one fault; the log must name its cause.
TOKEN_FAULTS: dict[str, tuple[Callable[[Front], object], str]] = {
    "wrong issuer": (lambda f: f.vouches(iss="https://evil.example"), "iss"),
    "no issuer": (lambda f: f.vouches(iss=None), "iss"),
    "wrong audience": (lambda f: f.vouches(aud="another"), "aud"),
    "wrong audience, for us": (lambda f: f.vouches(aud=["another"], azp="respondeo"), "aud"),
    "another beside us": (lambda f: f.vouches(aud=["respondeo", "another"]), "azp"),
    "given to another": (
        lambda f: f.vouches(aud=["respondeo", "another"], azp="another"), "azp",
    ),
    "no audience": (lambda f: f.vouches(aud=None), "aud"),
    "expired": (lambda f: f.vouches(exp=int(time.time()) - 90), "expired"),
    "no expiry": (lambda f: f.vouches(exp=None), "exp"),
    "odd expiry": (lambda f: f.vouches(exp="tomorrow"), "exp"),
    "from the future": (lambda f: f.vouches(iat=int(time.time()) + 600), "future"),
    "no nonce": (lambda f: f.vouches(nonce=None), "nonce"),
    "wrong nonce": (lambda f: f.vouches(nonce="another-nonce"), "nonce"),
    "no subject": (lambda f: f.vouches(sub=None), "sub"),
    "wrong access token": (lambda f: f.vouches(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), "at_hash"),
    "bad signature": (lambda f: f.vouches(key=new_key("front")), "BadSignature"),
    "unknown key": (lambda f: f.vouches(key=new_key("another")), "kid"),
    "signed with our secret": (
        lambda f: f.vouches(algorithm="HS256", key=secret_key()), "HS256",
    ),
    "not signed": (
        lambda f: f.rewrite.update({TOKEN: lambda said: unsigned(f, said)}), "none",
    ),
    "no ID token": (lambda f: f.says(TOKEN, id_token=None), "no ID token"),
    "an odd ID token": (lambda f: f.says(TOKEN, id_token=["x"]), "no ID token"),
    "a broken ID token": (lambda f: f.says(TOKEN, id_token="a.b"), "ID token"),
    "no object": (lambda f: f.answers(TOKEN, b"[]"), "token"),
    "no JSON": (lambda f: f.answers(TOKEN, b"<html>"), "token"),
    "an error": (
        lambda f: f.rewrite.update(
            {TOKEN: lambda _: Response('{"error": "invalid_client"}', 401)}
        ), "invalid_client",
    ),
    "broken down": (
        lambda f: f.answers(TOKEN, Response("oh", 500)), "500",
    ),
    "a redirect": (
        lambda f: f.rewrite.update(
            {TOKEN: lambda _: Response("", 307, {"Location": "https://evil.example/token"})}
        ), "307",
    ),
    "too much": (
        lambda f: f.answers(TOKEN, b'"' + b"a" * 1_100_000 + b'"'), "large",
    ),
    "no keys": (lambda f: f.vouches().publishes(), "keys"),
    "keys of no use": (
        lambda f: f.vouches().answers(KEYS, {"keys": [{"kty": "oct"}]}),
        "keys",
    ),
    "keys away": (lambda f: f.answers(KEYS, Response("", 503)), "503"),
    "somebody else's userinfo": (
        lambda f: f.vouches(name=None).says(USERINFO, sub="another"), "somebody else",
    ),
    "userinfo of nobody": (
        lambda f: f.vouches(name=None).says(USERINFO, sub=None), "somebody else",
    ),
    "userinfo refused": (
        lambda f: f.vouches(name=None).answers(USERINFO, Response("", 401)),
        "401",
    ),
    "an odd subject": (lambda f: f.vouches(sub=7), "sub"),
    "a long subject": (lambda f: f.vouches(sub="a" * 256), "sub"),
    "a subject with a NUL": (lambda f: f.vouches(sub="ada\0"), "sub"),
}  # fmt: skip


@pytest.mark.parametrize("fault", TOKEN_FAULTS)
def test_a_fault_in_the_answer_lets_nobody_in(
    school: Front,
    traveller: Traveller,
    committed: Session,
    log: list[EventDict],
    fault: str,
) -> None:
    play, cause = TOKEN_FAULTS[fault]
    play(school)
    answer = traveller.travel(school, target="/leaderboard")
    unreadable = fault in {"a long subject", "a subject with a NUL"}
    sentence = "did not say who you are" if unreadable else WRONG
    page = traveller.fails(answer, 502, sentence)
    assert page.one("#error-action").attrs["href"] == "/sign-in?next=/leaderboard"
    assert nobody_is_in(committed)
    (entry,) = failures(log)
    assert entry["provider"] == "school"
    assert cause in entry["cause"]


# What a provider may rightly say of somebody, and who that is here already.
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any] | None, str, str]] = {
    "no e-mail": ({"email": None}, None, "did not tell your e-mail address", "no e-mail"),
    "an e-mail that is no such thing": (
        {"email": "ada"}, None, "did not tell your e-mail address", "no e-mail",
    ),
    "somebody's e-mail, not verified": (
        {"email": "ada@school.example", "email_verified": False},
        {"email": "ada@school.example", "email_verified": True},
        "has not verified that the address is yours", "not verified",
    ),
    "an e-mail that nobody here has proved": (
        {"email": "ada@school.example", "email_verified": True},
        {"email": "ada@school.example", "email_verified": False, "account": "club"},
        "without having proved that it is theirs", "did not verify it",
    ),
    "switched off": (
        {},
        {"email": "ada@school.example", "account": "school", "disabled_at": sa.func.now()},
        "has been switched off", "disabled",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_who_cannot_be_let_in_reads_what_to_do_and_the_log_says_why(
    school: Front,
    traveller: Traveller,
    committed: Session,
    log: list[EventDict],
    case: str,
) -> None:
    claims, known, sentence, cause = REFUSED[case]
    if known is not None:
        account = known.get("account")
        user = User(name="Ada", **{key: known[key] for key in known if key != "account"})
        committed.add(user)
        committed.flush()
        if account:
            committed.add(Account(user_id=user.id, provider_id=account, account_id="ada"))
        committed.commit()
    nothing = {"email": None, "email_verified": None}
    school.says(USERINFO, **(nothing | claims) if claims else {})
    school.vouches(**(nothing | claims) if claims else {})
    answer = traveller.travel(school, target="/leaderboard")
    page = traveller.fails(answer, 403, sentence)
    assert page.one("#error-action").attrs["href"] == "/sign-in?next=/leaderboard"
    assert not committed.scalar(sa.select(sa.func.count()).select_from(LoginSession))
    assert committed.scalar(sa.select(sa.func.count()).select_from(User)) == bool(known)
    (entry,) = failures(log)
    assert entry["provider"] == "school"
    assert cause in entry["cause"]
    assert "ada@" not in str(entry)


METADATA_FAULTS: dict[str, tuple[Callable[[Front], object], int, str]] = {
    "wrong issuer": (lambda f: f.says(DISCOVERY, issuer="https://evil.example"), 502, "issuer"),
    "a slash more": (lambda f: f.says(DISCOVERY, issuer=f"{f.url}/"), 502, "issuer"),
    "no issuer": (lambda f: f.says(DISCOVERY, issuer=None), 502, "issuer"),
    "no token endpoint": (lambda f: f.says(DISCOVERY, token_endpoint=None), 502, "token_endpoint"),
    "no address": (lambda f: f.says(DISCOVERY, jwks_uri="file:///etc/passwd"), 502, "jwks_uri"),
    "half an address": (
        lambda f: f.says(DISCOVERY, authorization_endpoint="http://["), 502, "authorization",
    ),
    "only our secret signs": (
        lambda f: f.says(DISCOVERY, id_token_signing_alg_values_supported=["HS256", "none"]),
        502, "HS256",
    ),
    "broken down": (
        lambda f: f.answers(DISCOVERY, Response("", 500)), 502, "500",
    ),
    "not there": (lambda f: f.answers(DISCOVERY, Response("", 404)), 502, "404"),
    "no JSON": (lambda f: f.answers(DISCOVERY, b"<html>"), 502, "discovery"),
    "no object": (lambda f: f.answers(DISCOVERY, b"[]"), 502, "discovery"),
    "elsewhere": (
        lambda f: f.rewrite.update(
            {DISCOVERY: lambda _: Response("", 302, {"Location": "https://evil.example"})}
        ), 502, "302",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", METADATA_FAULTS)
def test_a_fault_in_the_metadata_ends_before_the_provider_is_visited(
    school: Front, traveller: Traveller, log: list[EventDict], fault: str
) -> None:
    play, status, cause = METADATA_FAULTS[fault]
    play(school)
    answer = traveller.get("/auth/sign-in/school?next=/leaderboard")
    page = traveller.fails(answer, status, f"School {WRONG}")
    assert page.one("#error-action").attrs["href"] == "/sign-in?next=/leaderboard"
    (entry,) = failures(log)
    assert cause in entry["cause"]


def test_a_provider_that_is_down_is_away_and_comes_back(
    school: Front, set_up: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FAILURE_S", 0)
    nowhere = school.settings(issuer="http://127.0.0.1:9")
    traveller = Traveller(set_up(nowhere))
    traveller.fails(traveller.get("/auth/sign-in/school"), 504, f"School {AWAY}")
    school.rewrite[DISCOVERY] = lambda _: Response("", 503)
    traveller = Traveller(set_up(school.settings()))
    traveller.fails(traveller.get("/auth/sign-in/school"), 502, WRONG)
    del school.rewrite[DISCOVERY]
    assert traveller.travel(school).status_code == 303


def test_a_provider_that_just_failed_is_left_in_peace_for_a_moment(
    school: Front, traveller: Traveller
) -> None:
    school.rewrite[DISCOVERY] = lambda _: Response("", 503)
    for _ in range(5):
        traveller.fails(traveller.get("/auth/sign-in/school"), 502, WRONG)
    assert len(school.asked) == 1


@pytest.mark.parametrize("path", [DISCOVERY, TOKEN, KEYS, USERINFO])
def test_a_provider_that_hangs_is_waited_for_within_bounds(
    school: Front,
    traveller: Traveller,
    log: list[EventDict],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    monkeypatch.setattr(http, "READ_S", 0.3)
    school.vouches(name=None)
    school.hang[path] = threading.Event()
    if path == DISCOVERY:
        answer = traveller.get("/auth/sign-in/school")
    else:
        answer = traveller.travel(school)
    assert not school.hang[path].is_set()
    traveller.fails(answer, 504, f"School {AWAY}")
    assert "Timeout" in failures(log)[0]["cause"]


def test_a_provider_that_answers_in_drips_is_waited_for_within_bounds(
    school: Front, traveller: Traveller, log: list[EventDict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_S", 0.5)
    ended = threading.Event()

    def drip() -> Any:
        for _ in range(300):
            yield b" "
            if ended.wait(0.1):
                return

    school.rewrite[TOKEN] = lambda _: Response(drip(), content_type="application/json")
    try:
        traveller.fails(traveller.travel(school), 504, AWAY)
    finally:
        ended.set()
    assert "too slowly" in failures(log)[0]["cause"]


def test_the_steps_of_a_sign_in_share_one_bound(
    school: Front, traveller: Traveller, log: list[EventDict], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = school.consent(traveller.leave(), "ada")
    monkeypatch.setattr(client, "SIGN_IN_S", 0)
    traveller.fails(traveller.come_back(url), 504, AWAY)
    assert "the time for this sign-in is over" in failures(log)[0]["cause"]


def test_keys_that_were_replaced_are_fetched_again(school: Front, traveller: Traveller) -> None:
    assert traveller.travel(school).status_code == 303
    school.vouches(key=(rotated := new_key("after-the-rotation")))
    school.publishes(school.key, rotated)
    assert traveller.travel(school).status_code == 303
    assert [path for _, path, _ in school.asked].count(KEYS) == 2


def test_a_key_that_was_replaced_under_its_name_is_fetched_again(
    school: Front, traveller: Traveller
) -> None:
    school.vouches()
    assert traveller.travel(school).status_code == 303
    school.key = new_key("front")
    school.vouches()
    assert traveller.travel(school).status_code == 303


def test_tokens_with_unknown_keys_do_not_make_us_ask_for_keys_without_end(
    school: Front, traveller: Traveller
) -> None:
    school.vouches(key=new_key("nobody-knows-it"))
    for _ in range(5):
        traveller.fails(traveller.travel(school), 502, WRONG)
    assert [path for _, path, _ in school.asked].count(KEYS) == 2


def test_a_clock_that_is_a_little_off_does_not_matter(school: Front, traveller: Traveller) -> None:
    now = int(time.time())
    school.vouches(iat=now + 50, exp=now - 50)
    assert traveller.travel(school).status_code == 303


# -- the way back ------------------------------------------------------------------------------


def test_who_cancels_is_told_that_nothing_happened(
    school: Front, traveller: Traveller, committed: Session, log: list[EventDict]
) -> None:
    url = traveller.leave(target="/leaderboard")
    back = school.consent(url, None)
    answer = traveller.come_back(f"{back}&state={query(url)['state']}")
    page = traveller.fails(answer, 400, "The sign-in was stopped at School.")
    assert page.one("#error-action").attrs["href"] == "/sign-in?next=/leaderboard"
    assert nobody_is_in(committed)
    (entry,) = failures(log)
    assert "access_denied" in entry["cause"]


def test_a_cancellation_that_forgets_the_state_is_one_too(
    school: Front, traveller: Traveller
) -> None:
    back = school.consent(traveller.leave(), None)
    assert "state" not in query(back)
    traveller.fails(traveller.come_back(back), 400, "The sign-in was stopped at School.")


@pytest.mark.parametrize("error", ["server_error", "invalid_scope", "x" * 5000, "<script>"])
def test_an_error_of_the_provider_ends_on_a_page(
    school: Front, traveller: Traveller, log: list[EventDict], error: str
) -> None:
    state = query(traveller.leave())["state"]
    answer = traveller.open("/auth/callback/school", query_string={"state": state, "error": error})
    traveller.fails(answer, 502, WRONG)
    assert "<script>" not in answer.text.split("<main")[1]
    assert len(failures(log)[0]["cause"]) <= 300


def test_a_state_that_was_used_is_worth_nothing(
    school: Front, traveller: Traveller, log: list[EventDict]
) -> None:
    assert traveller.travel(school).status_code == 303
    traveller.post("/sign-out")
    traveller.fails(traveller.get(traveller.last), 400, STALE)


def test_a_state_and_a_cookie_that_were_kept_are_worth_nothing_without_a_new_code(
    school: Front, traveller: Traveller
) -> None:
    url = school.consent(traveller.leave(), "ada")
    kept = traveller.cookie("respondeo_sign_in")
    assert kept is not None
    assert traveller.come_back(url).status_code == 303
    traveller.post("/sign-out")
    traveller.http.set_cookie("respondeo_sign_in", kept)
    traveller.fails(traveller.come_back(url), 400, STALE)


def test_another_browser_cannot_use_an_answer(
    school: Front, traveller: Traveller, set_up: Setup
) -> None:
    url = school.consent(traveller.leave(), "ada")
    victim = Traveller(traveller.app)
    victim.fails(victim.come_back(url), 400, STALE)
    victim.leave()
    victim.fails(victim.come_back(url), 400, STALE)


def test_the_state_of_one_provider_is_worth_nothing_at_another(
    school: Front, club: Front, set_up: Setup
) -> None:
    traveller = Traveller(set_up(school.settings(), club.settings(id="club", label="Club")))
    url = school.consent(traveller.leave(), "ada")
    traveller.fails(traveller.come_back(url.replace("/school?", "/club?")), 400, STALE)
    assert not club.asked_for(TOKEN)


def test_an_answer_that_names_another_issuer_is_refused(
    school: Front, traveller: Traveller
) -> None:
    url = school.consent(traveller.leave(), "ada")
    traveller.fails(traveller.come_back(f"{url}&iss=https://evil.example"), 502, WRONG)
    assert not school.asked_for(TOKEN)
    url = school.consent(traveller.leave(), "ada")
    assert traveller.come_back(f"{url}&iss={school.url}").status_code == 303


@pytest.mark.parametrize(
    "asked",
    ["", "state=", "code=abc", "state=abc", "state=a&code=b", "state=%00&code=%00",
     "state=a&state=b&code=c", "state=%ff&code=%ff", "state[]=a"],
)  # fmt: skip
def test_an_answer_out_of_nowhere_is_too_old(traveller: Traveller, asked: str) -> None:
    traveller.fails(traveller.get(f"/auth/callback/school?{asked}"), 400, STALE)
    traveller.leave()
    traveller.fails(traveller.get(f"/auth/callback/school?{asked}"), 400, STALE)


def test_an_answer_without_a_code_is_refused(traveller: Traveller) -> None:
    state = query(traveller.leave())["state"]
    traveller.fails(traveller.get(f"/auth/callback/school?state={state}"), 502, WRONG)


def test_a_sign_in_that_took_too_long_is_too_old(
    school: Front, traveller: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = school.consent(traveller.leave(), "ada")
    monkeypatch.setattr(pending, "LASTS_S", -1)
    traveller.fails(traveller.come_back(url), 400, STALE)


def test_a_forged_cookie_is_worth_nothing(school: Front, traveller: Traveller) -> None:
    url = school.consent(traveller.leave(), "ada")
    kept = traveller.cookie("respondeo_sign_in")
    assert kept is not None
    for forged in (kept[:-3] + "abc", "e30.x.y", "\u00e9", ""):
        traveller.http.set_cookie("respondeo_sign_in", forged)
        traveller.fails(traveller.come_back(url), 400, STALE)


def test_the_log_holds_no_secret_whatever_happens(
    school: Front,
    traveller: Traveller,
    log: list[EventDict],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    seen: list[str] = [SECRET]

    def complain(_: object) -> Response:
        form = school.asked_for(TOKEN)[-1]
        said = f"bad code {form['code']} verifier {form['code_verifier']} secret {SECRET}"
        return Response(json.dumps({"error": "invalid_client", "error_description": said}), 400)

    for rewrite in (None, complain):
        if rewrite:
            school.rewrite[TOKEN] = complain
        url = traveller.leave()
        seen += [query(url)["state"], query(url)["nonce"]]
        back = school.consent(url, "ada")
        seen.append(query(back)["code"])
        traveller.come_back(back)
        seen.append(school.asked_for(TOKEN)[-1]["code_verifier"])
    traveller.get(f"/auth/callback/school?state={seen[1]}&code={seen[3]}")
    said = json.dumps(log, default=str) + "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("authlib")
    )
    assert "invalid_client" in said
    secrets = [*seen, *(token for token in school.issued if len(token) > 30)]
    assert len(secrets) >= 10
    assert [secret for secret in secrets if secret in said] == []
