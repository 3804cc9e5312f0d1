"""How large and how odd a request may be, on the server as it is served."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from sqlalchemy.orm import Session

from respondeo.security import HEADERS
from tests.browser.server import serving
from tests.client import SAME_ORIGIN, Client
from tests.conftest import TEMPLATE, run_on_server, url_of
from tests.factories import published_quiz
from tests.test_routes import DEMANDS
from tests.web.apps import Browser
from tests.web.places import places

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def served(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `flask serve` on a database of its own."""
    name = f"respondeo_limits_{worker_id}"
    run_on_server(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    with serving(url_of(name), tmp_path_factory.mktemp("server") / "log") as url:
        yield url
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


def say(url: str, *lines: bytes, body: bytes = b"") -> tuple[int, bytes]:
    """Send these lines as they are; the status and everything that came back."""
    address = urlsplit(url)
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port or 80), timeout=20) as line:
        with suppress(OSError):  # it may have heard enough
            line.sendall(b"\r\n".join([*lines, b"", b""]) + body)
        heard = b""
        with suppress(OSError):
            while part := line.recv(65_536):
                heard += part
    status = heard.split(b" ", 2)[1] if heard.startswith(b"HTTP/1.") else b"0"
    return int(status), heard


def head(url: str, first: bytes = b"GET /sign-in HTTP/1.1", *more: bytes) -> list[bytes]:
    host = urlsplit(url).netloc.encode()
    return [first, b"Host: " + host, b"Connection: close", *more]


def form(url: str, *more: bytes, path: bytes = b"/theme") -> list[bytes]:
    kind = b"Content-Type: application/x-www-form-urlencoded"
    return head(url, b"POST " + path + b" HTTP/1.1", b"Sec-Fetch-Site: same-origin", kind, *more)


def chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


CHUNKED = b"Transfer-Encoding: chunked"


def test_a_form_in_chunks_is_read(served: str) -> None:
    status, heard = say(served, *form(served, CHUNKED), body=chunks(b"the", b"me=da", b"rk"))
    assert status == 303
    assert b"Set-Cookie: theme=dark" in heard


@pytest.mark.parametrize("path", [b"/theme", b"/sign-in"])
def test_a_body_in_chunks_is_cut_off_at_the_limit_too(served: str, path: bytes) -> None:
    body = chunks(b"theme=dark&x=", *[b"x" * 50_000] * 40)
    status, heard = say(served, *form(served, CHUNKED, path=path), body=body)
    assert status == 413
    assert b"larger than we accept" in heard
    for name in HEADERS:
        assert name.encode() in heard


@pytest.mark.parametrize(
    "lines",
    [
        [b"Content-Length: 10", CHUNKED],
        [b"Content-Length: 10", b"Content-Length: 11"],
        [b"Content-Length: -1"],
        [b"Content-Length: 1e3"],
        [b"Transfer-Encoding: chunked, identity"],
        [b"Transfer-Encoding: xchunked"],
        [b"Sec-Fetch-Site : same-origin"],
        [b"X: " + b"x" * 20_000],
        [b"X-%d: x" % number for number in range(200)],
        [b"X\x00: x"],
    ],
    ids=[
        "both",
        "twice",
        "negative",
        "float",
        "not-last",
        "unknown",
        "space",
        "long",
        "many",
        "nul",
    ],
)
def test_a_request_that_two_servers_could_read_differently_is_refused(
    served: str, lines: list[bytes]
) -> None:
    if lines[0].startswith((b"X", b"Sec")):
        status, _ = say(served, *head(served, b"GET /sign-in HTTP/1.1", *lines))
    else:
        status, _ = say(served, *form(served, *lines), body=b"theme=dark&next=/")
    assert 400 <= status < 500 or status == 501


@pytest.mark.parametrize(
    "first",
    [
        b"GET /" + b"a" * 10_000 + b" HTTP/1.1",
        b"GET /sign-in HTTP/9.9",
        b"G@T /sign-in HTTP/1.1",
        b"GET  HTTP/1.1",
    ],
    ids=["long", "version", "method", "nothing"],
)
def test_a_first_line_that_is_none_is_refused(served: str, first: bytes) -> None:
    status, _ = say(served, *head(served, first))
    assert 400 <= status < 600
    assert status != 500
    assert say(served, *head(served))[0] == 200, "and the server lives"


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([b"GET /sign-in HTTP/1.1", b"Host: evil.example"], 400),
        ([b"GET /sign-in HTTP/1.1"], 400),
        ([b"GET /sign-in HTTP/1.0"], 400),
        ([b"GET http://evil.example/sign-in HTTP/1.1", b"Host: evil.example"], 400),
        ([b"GET /sign-in HTTP/1.1", b"Host: 127.0.0.1", b"Host: evil.example"], 400),
    ],
    ids=["other", "none", "old", "absolute", "two"],
)
def test_a_request_for_another_host_is_refused(
    served: str, lines: list[bytes], status: int
) -> None:
    found, heard = say(served, *lines, b"Connection: close")
    assert found == status
    assert b"evil" not in heard


def test_an_absolute_address_of_another_host_changes_nothing(served: str) -> None:
    status, heard = say(served, *head(served, b"GET http://evil.example/settings/ HTTP/1.1"))
    assert status in {303, 400, 404}
    assert b"Location: http" not in heard


# -- inside the application -----------------------------------------------------------------


def posts(browser: Browser, committed: Session) -> list[tuple[Client, str]]:
    """Every route that takes a form, about a quiz that is there, each for somebody signed in."""
    quiz = published_quiz(committed).id
    app = browser().app
    return [
        (browser("A Player", "admin"), place.path)
        for place in places(app, quiz_id=quiz)
        if place.method == "POST"
    ]


def test_no_route_reads_a_body_beyond_its_limit(browser: Browser, committed: Session) -> None:
    found = posts(browser, committed)
    assert len(found) >= 6
    for client, path in found:
        sent = client.open(
            path,
            method="POST",
            headers=SAME_ORIGIN | {"Content-Type": "application/x-www-form-urlencoded"},
            data=b"a=" + b"x" * (20 * MEGABYTE),
        )
        # What has no form, or is about nothing that is there, does not read, and so does not mind;
        # what takes a file says it beside the field.
        said = sent.status_code == 422 and re.search(r"[Aa]t most \d MB", sent.text)
        assert said or sent.status_code in {413, 303, 404}, path
        assert sent.status_code != 303 or path == "/sign-out" or "a=" not in sent.text, path


@pytest.mark.parametrize(
    "body",
    [
        b"&".join(b"f%d=1" % number for number in range(10_000)),
        b"&".join([b"theme=dark"] * 5_000),
        b"theme" + b"[a]" * 10_000 + b"=dark",
        b"theme[]=dark&theme[0]=dark&theme.x=dark",
        b"&&&&====&=&;;" * 1_000,
        b"theme=" + b"%" * 10_000,
        b"theme=%00&next=%00",
    ],
    ids=["many", "repeated", "deep", "brackets", "empty", "percent", "nul"],
)
def test_no_number_and_no_depth_of_fields_breaks_a_route(
    browser: Browser, committed: Session, body: bytes
) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for client, path in posts(browser, committed):
        response = client.open(path, method="POST", headers=SAME_ORIGIN | kind, data=body)
        assert response.status_code < 500, path


def test_of_a_field_sent_twice_the_first_counts(browser: Browser) -> None:
    client = browser()
    client.post("/theme", theme=["dark", "light"])
    assert client.cookie("theme") == "dark"


def test_a_multipart_form_of_too_many_parts_is_refused(browser: Browser) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="theme"\r\n\r\ndark\r\n'
    response = browser().open(
        "/theme",
        method="POST",
        headers=SAME_ORIGIN | {"Content-Type": "multipart/form-data; boundary=x"},
        data=part * 2_000 + b"--x--\r\n",
    )
    assert response.status_code == 413


def test_a_read_with_a_body_is_answered_without_a_look_at_it(browser: Browser) -> None:
    client = browser("A Player", "admin")
    for place in places(client.app):
        if place.method == "GET" and DEMANDS[place.endpoint] != "everybody":
            response = client.open(place.path, data=b"x" * (2 * MEGABYTE))
            assert response.status_code < 500, place
