"""The edge: headers, the cross-site guard, hosts, hostile input."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy.orm import Session

from respondeo.security import CONTENT_SECURITY_POLICY, HEADERS, own_names, own_origins
from tests.client import SAME_ORIGIN, Client, Page
from tests.factories import add_user, published_quiz
from tests.web.apps import AppWith, Browser
from tests.web.places import person_with, places, played_quiz
from tests.web.playing import Player

ROOT = Path(__file__).parents[2]


def test_the_policy_allows_our_own_and_pictures_and_nothing_inline() -> None:
    rules = dict(rule.split(" ", 1) for rule in CONTENT_SECURITY_POLICY.split("; "))
    assert rules == {
        "default-src": "'self'",
        "img-src": "'self' https: data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert "unsafe" not in CONTENT_SECURITY_POLICY


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("OPTIONS", "/", 200),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/covers/00000000-0000-0000-0000-000000000000.svg", 200),
        ("GET", "/static/css/app.css", 200),
        ("GET", "/static/nothing.css", 404),
        ("GET", "/nothing", 404),
        ("DELETE", "/", 405),
        ("POST", "/sign-in", 422),
        ("POST", "/sign-out", 303),
    ],
)
@pytest.mark.parametrize("htmx", [False, True])
def test_every_response_carries_the_headers(
    browser: Browser, method: str, path: str, status: int, htmx: bool
) -> None:
    extra = {"HX-Request": "true"} if htmx else {}
    response = browser().open(path, method=method, headers=SAME_ORIGIN | extra)
    assert response.status_code == status
    headers = response.headers
    assert headers.getlist("Content-Security-Policy") == [CONTENT_SECURITY_POLICY]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Permissions-Policy" in headers
    assert "Cache-Control" in headers
    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize("role", ["guest", "user", "creator", "moderator", "admin"])
def test_every_answer_of_every_route_carries_the_headers_and_nothing_inline(
    app_with: AppWith, committed: Session, role: str
) -> None:
    app = app_with(rbac_role_creator_groups="creator", rbac_role_moderator_groups="moderator")
    author, player = add_user(committed, "An Author"), add_user(committed, "A Player")
    quiz_id, attempt_id = played_quiz(committed, author, player)
    me = person_with(committed, "Somebody", role)
    for place in places(app, quiz_id=quiz_id, attempt_id=attempt_id, seed=quiz_id):
        for htmx in (False, True):
            client = Client(app)
            if role != "guest":
                client.sign_in(me)
            response = place.ask(client, htmx=htmx)
            for name, value in HEADERS.items():
                # What is no page may be told to do even less.
                told = response.headers.getlist(name)
                assert len(told) == 1, (place, name)
                assert told == [value] or response.mimetype != "text/html", (place, name)
            assert "Cache-Control" in response.headers, place
            if response.mimetype == "text/html" and response.status_code != 303:
                Page(response)  # refuses inline scripts, styles and handlers
                assert "Cookie" in response.headers["Vary"].split(", "), place


def test_an_answer_that_nothing_changed_carries_the_headers_too(browser: Browser) -> None:
    client = browser()
    tag = client.get("/leaderboard").headers["HX-PTag"]
    board = client.open("/leaderboard", headers={"HX-Request": "true", "HX-PTag": tag})
    changed = client.get("/static/css/app.css").headers["Last-Modified"]
    style = client.open("/static/css/app.css", headers={"If-Modified-Since": changed})
    for response in (board, style):
        assert response.status_code == 304
        assert not response.data
        assert HEADERS.items() <= dict(response.headers).items()


def test_refused_and_malformed_requests_carry_the_headers_too(browser: Browser) -> None:
    client = browser()
    for response in (
        client.open("/sign-out", method="POST"),
        client.open("/", headers={"Host": "evil.example"}),
        client.open("/theme", method="POST", headers=SAME_ORIGIN, data=b"x" * 2_000_000),
    ):
        assert response.status_code in {400, 403, 413}
        assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


def test_with_https_browsers_are_told_to_stay_with_it(app_with: AppWith) -> None:
    client = Client(app_with(app_env="production", app_url="https://quiz.example"))
    for path in ("/", "/nothing", "/static/css/app.css"):
        response = client.open(path, base_url="https://quiz.example")
        assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_pages_hold_no_inline_script_or_style_and_ask_no_other_host(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=1)
    committed.commit()
    client = browser("A Player")
    player = Player(client, quiz.id)
    feedback = player.answer(player.start(), "A")
    result = client.page(feedback.one("#play-go").attrs["href"])
    pages = [feedback, result, browser().page("/sign-in"), client.page("/nothing", 404)]
    pages += [client.page(path) for path in ("/", player.quiz, f"{player.quiz}/results")]
    pages.append(client.page("/leaderboard"))
    for page in pages:
        loaded = [n.attrs["src"] for n in page.all("[src]")]
        loaded += [n.attrs["href"] for n in page.all("link[href]")]
        assert loaded
        assert all(address.startswith(("/static/", "/covers/")) for address in loaded)
        for address in loaded:
            assert client.get(address).status_code == 200, address
        for form in page.all("form"):
            assert form.attrs["action"].startswith("/")


SITES = [
    # Sec-Fetch-Site, Origin, whether an unsafe request is carried out
    ("same-origin", "http://localhost", True),
    ("same-origin", None, True),
    ("same-origin", "null", True),
    ("none", None, True),
    ("same-site", "http://localhost", False),
    ("cross-site", "http://localhost", False),
    ("cross-site", None, False),
    ("", "http://localhost", False),
    ("nonsense", "http://localhost", False),
    (None, "http://localhost", True),
    (None, "http://127.0.0.1", True),
    (None, "http://localhost:8000", False),
    (None, "http://evil.example", False),
    (None, "http://localhost.evil.example", False),
    (None, "http://evil.example/http://localhost", False),
    (None, "http://user@localhost", False),
    (None, "null", False),
    (None, "", False),
    (None, "localhost", False),
    (None, "http://[", False),
    (None, "http://localhost http://evil.example", False),
    (None, None, False),
]


@pytest.mark.parametrize(("site", "origin", "carried_out"), SITES)
def test_an_unsafe_request_is_carried_out_only_if_it_comes_from_our_own_pages(
    browser: Browser, site: str | None, origin: str | None, carried_out: bool
) -> None:
    told = {"Sec-Fetch-Site": site, "Origin": origin}
    headers = {name: value for name, value in told.items() if value is not None}
    client = browser()
    response = client.open("/theme", method="POST", data={"theme": "dark"}, headers=headers)
    assert response.status_code == (303 if carried_out else 403)
    assert (client.cookie("theme") == "dark") is carried_out
    if not carried_out:
        assert "came from another site" in Page(response).words()
    # Reading is nobody's secret: a link from elsewhere works.
    assert client.open("/", headers=headers).status_code == 200


def test_another_site_can_neither_start_answer_nor_sign_out(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    client = browser("A Player")
    player = Player(client, quiz.id)
    page = player.start()
    form = page.fields("form.answer-form")
    form["answer"] = page.all("input[type=radio]")[0].attrs["value"]
    for path in (player.play, f"{player.play}/answer", f"{player.play}/next", "/sign-out"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            response = client.open(
                path, method=method, data=form, headers={"Sec-Fetch-Site": "cross-site"}
            )
            assert response.status_code in {403, 405}
    assert player.look().one("#play").attrs["data-status"] == "question"


@pytest.mark.parametrize(
    ("address", "names", "origins"),
    [
        ("https://quiz.example", {"quiz.example"}, {"https://quiz.example"}),
        ("http://quiz.lan:8080", {"quiz.lan"}, {"http://quiz.lan:8080"}),
        ("http://192.168.1.7:8000", {"192.168.1.7"}, {"http://192.168.1.7:8000"}),
        ("http://[fd00::7]:8000", {"[fd00::7]"}, {"http://[fd00::7]:8000"}),
        (
            "http://127.0.0.1:8000",
            {"127.0.0.1", "localhost"},
            {"http://127.0.0.1:8000", "http://localhost:8000"},
        ),
    ],
)
def test_names_and_origins_are_those_of_the_address(
    address: str, names: set[str], origins: set[str]
) -> None:
    assert own_names(address) == names
    assert own_origins(address) == origins


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1", 200),
        ("LOCALHOST", 200),
        ("evil.example", 400),
        ("localhost.evil.example", 400),
        ("localhost@evil.example", 400),
        ("[::1", 400),
        ("evil.example:80:80", 400),
        ("", 400),
    ],
)
@pytest.mark.parametrize("path", ["/", "/nothing", "/sign-in"])
def test_a_request_for_another_host_is_refused_with_a_page(
    browser: Browser, host: str, status: int, path: str
) -> None:
    response = browser().open(path, headers={"Host": host})
    assert response.status_code == (404 if path == "/nothing" and status == 200 else status)
    if status == 400:
        page = Page(response)
        assert "Error 400" in page.words()
        assert "evil" not in page.text


def test_the_address_of_pages_never_comes_from_the_request(
    app_with: AppWith, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=1)
    committed.commit()
    client = Client(
        app_with(
            app_env="production",
            app_url="https://quiz.example",
            trusted_proxies="127.0.0.1",
            rbac_public_browse_quizzes=True,
            rbac_public_view_quiz=True,
        )
    )
    headers = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "host=evil.example;proto=http",
        "X-Original-URL": "/evil",
        "X-Rewrite-URL": "/evil",
    }
    for path in ("/", f"/quiz/{quiz.id}", "/sign-in"):
        response = client.open(path, base_url="https://quiz.example", headers=headers)
        assert response.status_code == 200
        assert "evil" not in response.get_data(as_text=True)
        assert "http://" not in response.get_data(as_text=True)


HOSTILE = [
    "/%00",
    "/quiz/%00",
    "/quiz/not-an-id",
    "/quiz/00000000-0000-0000-0000-000000000000",
    "/quiz/FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF/play",
    "/quiz/00000000-0000-0000-0000-000000000000/results/%00",
    "/quiz/../../etc/passwd",
    "/static/../respondeo/config.py",
    "/static/%2e%2e/%2e%2e/etc/passwd",
    "/static/..%2f..%2fpyproject.toml",
    "/static/",
    "/static/%00",
    "/static/css",
    "/covers/%00.svg",
    "/covers/x.svg",
    "//evil.example",
    "/%2f%2fevil.example",
    "/\\evil.example",
    "/" + "a" * 20_000,
    "/?" + "&".join(f"a{n}={n}" for n in range(3_000)),
    "/?q=" + "%f0%9f%92%a9" * 5_000,
    "/?q=%ff%fe%00&language=%ff&page=%ff&sort[]=",
    "/?page=1e309&page=-0",
    "/leaderboard?page=" + "9" * 5_000,
    "/sign-in?next=%00",
    "/sign-in?next=//[",
    "/quiz/00000000-0000-0000-0000-000000000000/play?attempt=%00&answered=%00",
    "/é/ü/" + quote("名前"),
    "/;a=b/..;/",
    "/%",
    "/%zz",
    "/\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
]


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: ascii(path)[:40])
@pytest.mark.parametrize("signed_in", [False, True])
def test_no_address_breaks_anything(browser: Browser, path: str, signed_in: bool) -> None:
    client = browser("A Player" if signed_in else None)
    for htmx in (False, True):
        response = client.get(path, htmx=htmx)
        assert response.status_code < 500
        assert "root:" not in response.get_data(as_text=True)
        assert "evil.example" not in response.headers.get("Location", "")


@pytest.mark.parametrize(
    "headers",
    [
        {"HX-PTag": "\xff" * 3000},
        {"HX-Request": "TRUE", "HX-Request-Type": "partial\x7f"},
        {"Cookie": "respondeo_session=\xff\xfe; respondeo_guest=%00; theme=%00; ;;=;"},
        {"Cookie": "respondeo_session=" + "x" * 8000},
        {"Accept-Encoding": "br;q=x, *;q=0, identity;q=0"},
        {"Accept": "\x00"},
        {"Referer": "http://["},
        {"X-Forwarded-For": "not an address, ::::"},
        {"User-Agent": "\x00\xff" * 500},
        {"Range": "bytes=0-1"},
        {"If-None-Match": "*", "If-Modified-Since": "yesterday"},
        {"Content-Length": "-1"},
        {"Content-Type": "multipart/form-data"},
    ],
    ids=",".join,
)
def test_no_header_breaks_anything(
    browser: Browser, committed: Session, headers: dict[str, str]
) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    client = browser()
    for path in ("/", f"/quiz/{quiz.id}", f"/quiz/{quiz.id}/results", "/leaderboard", "/nothing"):
        assert client.open(path, headers=headers).status_code < 500
    for path in ("/theme", "/sign-out", "/sign-in", f"/quiz/{quiz.id}/play"):
        response = client.open(path, method="POST", headers=SAME_ORIGIN | headers)
        assert response.status_code < 500
    person = {"person": "player", "next": "/"}
    sent = client.open("/sign-in", method="POST", headers=SAME_ORIGIN | headers, data=person)
    assert sent.status_code < 500


@pytest.mark.parametrize(
    "body",
    [
        b"a" * 200_000,
        b"&".join(b"f%d=1" % n for n in range(20_000)),
        b"attempt=%00&question=%ff",
        b"\xff\xfe\x00",
        b"--x\r\nContent-Disposition: form-data; name=theme\r\n\r\n",
    ],
    ids=["long", "many", "nul", "binary", "broken"],
)
@pytest.mark.parametrize(
    "kind",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json",
        "text/plain; charset=nonsense",
    ],
)
def test_no_body_breaks_anything(
    browser: Browser, committed: Session, body: bytes, kind: str
) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    client = browser("A Player")
    for path in ("/theme", f"/quiz/{quiz.id}/play", f"/quiz/{quiz.id}/play/answer", "/sign-in"):
        response = client.open(
            path, method="POST", data=body, headers=SAME_ORIGIN | {"Content-Type": kind}
        )
        assert response.status_code < 500
