"""Whose address, which host, which scheme: APP_URL and TRUSTED_PROXIES say, a request never."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.models import LoginSession
from respondeo.security import Edge
from respondeo.web.auth.views import local_path
from tests.client import Client
from tests.conftest import settings_for
from tests.factories import add_user
from tests.web.apps import AppWith
from tests.web.places import person_with, places, played_quiz

PROXIES = "10.0.0.5, 172.16.0.0/12, fd00::/8"


def seen_by_the_application(
    remote: str, forwarded: str | None, *, proxies: str = PROXIES, **more: str
) -> dict[str, Any]:
    """What is left of a request's claims behind the edge."""
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], _start: object) -> list[bytes]:
        seen.update(environ)
        return []

    told = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    settings = settings_for(
        "postgresql:///none",
        app_env="production",
        app_url="https://quiz.example",
        trusted_proxies=proxies,
    )
    request = {"REMOTE_ADDR": remote, "HTTP_HOST": "quiz.example", "wsgi.url_scheme": "http"}
    Edge(application, settings)(request | told | more, lambda *_: lambda _: None)
    return seen


@pytest.mark.parametrize(
    ("remote", "forwarded", "client"),
    [
        # Nobody forwards, or nobody we know.
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.6", "198.51.100.7", "10.0.0.6"),
        ("10.0.0.5", None, "10.0.0.5"),
        ("10.0.0.5", "", "10.0.0.5"),
        # One proxy: it appends whom it saw; what stands to the left the client made up.
        ("10.0.0.5", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.5", "127.0.0.1, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.5", "10.0.0.5, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.5", "192.0.2.1,192.0.2.2,198.51.100.7", "198.51.100.7"),
        ("10.0.0.5", "<script>, 198.51.100.7", "198.51.100.7"),
        # Several proxies, each trusted: the first that is not one of them.
        ("10.0.0.5", "198.51.100.7, 172.20.1.1", "198.51.100.7"),
        ("10.0.0.5", "127.0.0.1, 198.51.100.7, 172.20.1.1, 172.16.0.9", "198.51.100.7"),
        ("10.0.0.5", "198.51.100.7, 192.0.2.9, 172.20.1.1", "192.0.2.9"),
        ("10.0.0.5", "172.20.1.2, 172.20.1.1", "172.20.1.2"),
        # IPv6, and IPv4 on a socket that speaks both.
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("fd00::1", "2001:DB8:0::7", "2001:db8::7"),
        ("::ffff:10.0.0.5", "198.51.100.7", "198.51.100.7"),
        ("::ffff:192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.5", "::ffff:198.51.100.7", "198.51.100.7"),
        ("fe80::1%eth0", "198.51.100.7", "fe80::1"),
        # Garbage from a trusted proxy: as far as it can be read.
        ("10.0.0.5", "garbage", "10.0.0.5"),
        ("10.0.0.5", "198.51.100.7, garbage", "10.0.0.5"),
        ("10.0.0.5", "198.51.100.7, , 172.20.1.1", "172.20.1.1"),
        ("10.0.0.5", "unknown", "10.0.0.5"),
        ("10.0.0.5", "198.51.100.7:4711", "10.0.0.5"),
        ("10.0.0.5", ",,,,", "10.0.0.5"),
        ("10.0.0.5", "198.51.100.07", "10.0.0.5"),
        ("10.0.0.5", "\x00", "10.0.0.5"),
        ("10.0.0.5", "1" * 100_000, "10.0.0.5"),
        ("10.0.0.5", "2001:db8::7%<script>", "2001:db8::7"),
        # A socket that has no address.
        ("", None, ""),
        ("", "198.51.100.7", ""),
        ("unix:", "198.51.100.7", ""),
    ],
)
def test_the_client_is_whom_the_nearest_trusted_proxy_saw(
    remote: str, forwarded: str | None, client: str
) -> None:
    assert seen_by_the_application(remote, forwarded)["REMOTE_ADDR"] == client


@pytest.mark.parametrize("remote", ["127.0.0.1", "10.0.0.5", "::1", "192.168.1.1"])
def test_without_trusted_proxies_nobody_is_believed(remote: str) -> None:
    seen = seen_by_the_application(remote, "198.51.100.7", proxies="")
    assert seen["REMOTE_ADDR"] == remote


@pytest.mark.parametrize(
    "told",
    [
        {"HTTP_FORWARDED": "for=198.51.100.7;host=ev1l.example;proto=http"},
        {"HTTP_X_REAL_IP": "198.51.100.7"},
        {"HTTP_CLIENT_IP": "198.51.100.7"},
        {"HTTP_X_FORWARDED_HOST": "ev1l.example", "HTTP_X_FORWARDED_PROTO": "http"},
        {"HTTP_X_FORWARDED_PORT": "81", "HTTP_X_FORWARDED_PREFIX": "/ev1l"},
    ],
)
def test_no_other_header_changes_address_host_or_scheme(told: dict[str, str]) -> None:
    seen = seen_by_the_application("10.0.0.5", None, **told)
    assert seen["REMOTE_ADDR"] == "10.0.0.5"
    assert (seen["wsgi.url_scheme"], seen["HTTP_HOST"]) == ("https", "quiz.example")
    assert not seen.get("SCRIPT_NAME")


def test_a_session_remembers_the_address_that_was_believed(
    app_with: AppWith, committed: Session
) -> None:
    person = add_user(committed, "Demo Player")
    person.email = "player@demo.example"
    committed.commit()
    client = Client(app_with(trusted_proxies="10.0.0.5"))
    signed_in = client.post(
        "/sign-in", person="player", headers={"X-Forwarded-For": "127.0.0.1, 198.51.100.7"}
    )
    assert signed_in.status_code == 404, "not the demo's own machine"
    client.post("/sign-in", person="player")
    assert committed.scalars(sa.select(LoginSession.ip_address)).all() == ["127.0.0.1"]


FORGED = {
    "X-Forwarded-Host": "ev1l.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Port": "6666",
    "X-Forwarded-Prefix": "/ev1l",
    "X-Forwarded-Server": "ev1l.example",
    "X-Host": "ev1l.example",
    "X-Original-Host": "ev1l.example",
    "X-Original-URL": "/ev1l",
    "X-Rewrite-URL": "/ev1l",
    "X-HTTP-Host-Override": "ev1l.example",
    "Forwarded": "for=127.0.0.1;host=ev1l.example;proto=http",
    "Via": "1.1 ev1l.example",
    "Referer": "https://ev1l.example/ev1l",
}


@pytest.mark.parametrize("host", ["quiz.example", "quiz.example:6666", "ev1l.example"])
@pytest.mark.parametrize("signed_in", [False, True])
def test_no_response_repeats_a_host_or_scheme_that_a_request_made_up(
    app_with: AppWith, committed: Session, host: str, signed_in: bool
) -> None:
    author, player = add_user(committed, "An Author"), add_user(committed, "A Player")
    quiz_id, attempt_id = played_quiz(committed, author, player)
    committed.commit()
    app = app_with(
        app_env="production",
        app_url="https://quiz.example",
        trusted_proxies="127.0.0.1",
        rbac_public_view_quiz=True,
    )
    admin = person_with(committed, "An Admin", "admin")
    for place in places(app, quiz_id=quiz_id, attempt_id=attempt_id, seed=quiz_id):
        for path in {
            place.path,
            place.path.rstrip("/") or "/",
            f"{place.path}/".replace("//", "/"),
        }:
            client = Client(app)
            if signed_in:
                token = client.sign_in(admin)
                client.http.set_cookie(client.session_cookie, token, domain="quiz.example")
            response = client.open(
                path,
                method=place.method,
                base_url="https://quiz.example",
                headers=FORGED | {"Host": host, "Sec-Fetch-Site": "same-origin"},
            )
            assert response.status_code < 500, place
            said = f"{response.headers}{response.get_data(as_text=True)}"
            assert "ev1l" not in said, place
            assert ":6666" not in said, place
            assert "http://" not in said.replace("http://www.w3.org/", ""), place
            location = response.headers.get("Location", "/")
            assert location.startswith("/"), f"{place} leads to {location}"
            for cookie in response.headers.getlist("Set-Cookie"):
                assert "Secure" in cookie
                assert "Domain" not in cookie


def test_the_link_that_is_shared_begins_with_the_public_address(
    app_with: AppWith, committed: Session
) -> None:
    author, player = add_user(committed, "An Author"), add_user(committed, "A Player")
    quiz_id, attempt_id = played_quiz(committed, author, player)
    committed.commit()
    app = app_with(app_env="production", app_url="https://quiz.example", rbac_public_view_quiz=True)
    path = f"/quiz/{quiz_id}/results/{attempt_id}"
    response = Client(app).open(path, headers={"Host": "quiz.example:81"} | FORGED)
    assert f'value="https://quiz.example{path}"' in response.get_data(as_text=True)


# -- where one is sent ------------------------------------------------------------------------

NASTY = [
    "//ev1l.example", "///ev1l.example", "/\\ev1l.example", "\\/ev1l.example", "/\\/ev1l.example",
    "https:ev1l.example", "https:/ev1l.example", "https://ev1l.example", "HTTPS://ev1l.example",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "mailto:x@y",
    "%2f%2fev1l.example", "%5cev1l.example", "%09//ev1l.example",
    "/\t/ev1l.example", "/\n/ev1l.example", "/\r/ev1l.example", "\t//ev1l.example",
    " //ev1l.example", "\u00a0//ev1l.example", "\u3000//ev1l.example",
    "\u200b//ev1l.example", "\ufeff//ev1l.example",
    "/\x00/ev1l.example", "\x1f//ev1l.example", "/\x0b/ev1l.example",
    "@ev1l.example", "//quiz.example@ev1l.example", "https://quiz.example@ev1l.example",
    "//ev1l。example", "/／ev1l.example", "／／ev1l.example", "//ev1l.example%00.quiz.example",
    "//[::1]/", "//[", "http://[", "//ev1l.example:80", ":ev1l", "ev1l.example", "..//ev1l.example",
    "?//ev1l.example", "#//ev1l.example", "/" + "a" * 5_000, "/" + "é" * 2_000,
    "/" + "\U0001f4a9" * 900,
]  # fmt: skip


@pytest.mark.parametrize("target", NASTY, ids=lambda target: ascii(target)[:40])
def test_no_next_leads_off_this_site_or_to_an_address_that_no_server_takes(
    app_with: AppWith, target: str
) -> None:
    app = app_with(app_env="production", app_url="https://quiz.example")
    with app.test_request_context():
        assert local_path(target) in {"/", target}
    for path, form in (("/theme", {"theme": "dark"}), ("/sign-out", {})):
        response = Client(app).open(
            path,
            method="POST",
            data=form | {"next": target},
            base_url="https://quiz.example",
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        location = response.headers["Location"]
        assert location.startswith("/")
        assert not location.startswith(("//", "/\\"))
        assert location.isascii()
        assert location.isprintable()
        assert len(location) < 3_500


@pytest.mark.parametrize(
    "target",
    ["/", "/leaderboard", "/?q=a%26b&page=2", "/settings/people?q=%40", "/a//b", "/a@b", "/a:b",
     "/quiz/x#board", "/é", "/?q=//ev1l.example", "/?next=https://ev1l.example"],
)  # fmt: skip
def test_a_path_of_ours_is_kept_as_it_is(app_with: AppWith, target: str) -> None:
    with app_with().test_request_context():
        assert local_path(target) == target


def test_a_long_address_is_not_carried_through_the_sign_in_page(
    app_with: AppWith, committed: Session
) -> None:
    client = Client(app_with(rbac_public_browse_quizzes=False))
    assert client.get("/?q=" + "%F0%9F%92%A9" * 100).location.startswith("/sign-in?next=/?q%3D")
    assert client.get("/?q=" + "%F0%9F%92%A9" * 900).location == "/sign-in?next=/"
