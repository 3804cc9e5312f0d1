"""What a real browser sends across sites, over plain http in a local network and on loopback."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, Response, expect

from respondeo.db import parse_url
from tests.browser.conftest import LAUNCH
from tests.browser.server import serving
from tests.browser.visitor import Visit, answer, at, cookie
from tests.browser.world import World
from tests.conftest import TEMPLATE, run_on_server, url_of, wipe

OURS, THEIRS = "quiz.lan", "evil.lan"


@contextmanager
def another_site(target: str) -> Iterator[int]:
    """A site of somebody else's, with a form and a link to ours."""
    page = f"""<!DOCTYPE html><meta charset="utf-8"><title>Elsewhere</title>
        <form method="post" action="{target}"><input name="theme" value="dark">
        <input name="number" value="1"><button>Win a prize</button></form>
        <a href="{target.rpartition("/")[0]}/">A link</a>""".encode()

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            """Nobody needs to know."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def _network(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    name = f"respondeo_network_{worker_id}"
    run_on_server(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    engine = sa.create_engine(parse_url(url_of(name))[0], poolclass=sa.NullPool)
    with serving(url_of(name), tmp_path_factory.mktemp("network") / "log", OURS) as url:
        yield World(engine, url)
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def network(_network: World) -> Iterator[World]:
    """Our server under a name that no browser trusts, as in a school's own network."""
    yield _network
    wipe(_network.engine)


@pytest.fixture(scope="module")
def page_in_network(chromium: Browser, chromium_path: str) -> Iterator[Browser]:
    """A browser that finds the names of this network."""
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    names = f"--host-resolver-rules=MAP {OURS} 127.0.0.1, MAP {THEIRS} 127.0.0.1"
    browser = chromium.browser_type.launch(
        executable_path=chromium_path, args=[*LAUNCH, *as_root, names]
    )
    yield browser
    browser.close()


@dataclass
class Sent:
    """What browsers say with each form: Sec-Fetch-Site, Origin, and the answer."""

    told: list[tuple[str | None, str | None, int]]

    def listen(self, page: Page) -> None:
        page.on("response", self._heard)

    def _heard(self, response: Response) -> None:
        if response.request.method == "POST":
            headers = response.request.all_headers()
            self.told.append(
                (headers.get("sec-fetch-site"), headers.get("origin"), response.status)
            )


@pytest.fixture
def sent() -> Sent:
    return Sent([])


def test_in_a_local_network_over_http_a_whole_play_works_and_origin_decides(
    network: World, page_in_network: Browser, sent: Sent
) -> None:
    quiz, who = network.quiz(1), network.person()
    context = page_in_network.new_context(base_url=network.url)
    context.add_cookies([cookie(who, network.url)])
    page = context.new_page()
    sent.listen(page)
    page.goto(f"/quiz/{quiz}")
    page.locator("#start-button").click()
    at(page, "question")
    answer(page, "Answer A of 1")
    assert network.answers(quiz)[0].is_correct
    page.goto("/")
    page.locator("#theme-form button").click()
    page.locator("html.light").wait_for()
    assert {(site, origin) for site, origin, _ in sent.told} == {(None, network.url)}
    assert {status for *_, status in sent.told} <= {200, 303}
    context.close()


def test_in_a_local_network_another_sites_form_changes_nothing(
    network: World, page_in_network: Browser, sent: Sent
) -> None:
    quiz, who = network.quiz(1), network.person()
    context = page_in_network.new_context(base_url=network.url)
    # Browsers keep a Lax cookie back here; some send it for its first two minutes all the same.
    context.add_cookies([cookie(who, network.url)])
    page = context.new_page()
    sent.listen(page)
    with another_site(f"{network.url}/quiz/{quiz}/play") as port:
        page.goto(f"http://{THEIRS}:{port}/")
        page.get_by_role("button").click()
        expect(page.locator("main")).to_contain_text("came from another site")
        assert sent.told == [(None, f"http://{THEIRS}:{port}", 403)]
        # Another port of our own name is another site too, though cookies go there and back.
        page.goto(f"http://{OURS}:{port}/")
        page.get_by_role("button").click()
        expect(page.locator("main")).to_contain_text("came from another site")
        assert sent.told[1:] == [(None, f"http://{OURS}:{port}", 403)]
        # A link from there works.
        page.goto(f"http://{THEIRS}:{port}/")
        page.get_by_role("link").click()
        expect(page.locator("#quiz-results, h1").first).to_be_visible()
    assert network.attempts(quiz) == []
    context.close()


@pytest.mark.parametrize(
    ("name", "site"), [("localhost", "cross-site"), ("127.0.0.1", "same-site")]
)
def test_on_loopback_the_browser_says_where_a_form_comes_from(
    visit: Visit, world: World, sent: Sent, name: str, site: str
) -> None:
    quiz, who = world.quiz(1), world.person()
    visitor = visit(who)
    visitor.expects("asked another host", "403", "'observe' on 'MutationObserver'")
    sent.listen(visitor.page)
    with another_site(f"{world.url}/quiz/{quiz}/play") as port:
        visitor.page.goto(f"http://{name}:{port}/")
        visitor.page.get_by_role("button").click()
        expect(visitor.page.locator("main")).to_contain_text("came from another site")
        assert sent.told == [(site, f"http://{name}:{port}", 403)]
        # From the page that refused, the way on is a link of ours.
        visitor.page.locator("#error-action").click()
        expect(visitor.page.locator("#quiz-results")).to_be_visible()
    assert world.attempts(quiz) == []


def test_our_own_form_may_be_sent_again_by_a_reload_and_left_by_the_back_button(
    visit: Visit, world: World, sent: Sent
) -> None:
    quiz, who = world.quiz(2), world.person()
    visitor = visit(who)
    visitor.expects("422")
    nothing_chosen = "Choose one of the answers"
    page = visitor.go(f"/quiz/{quiz}")
    sent.listen(page)
    page.locator("#start-button").click()
    at(page, "question")
    # As a browser without scripts would send it, and without its own look at what is missing.
    page.evaluate("document.querySelector('form.answer-form').submit()")
    expect(page.locator("main")).to_contain_text(nothing_chosen)
    page.reload()
    expect(page.locator("main")).to_contain_text(nothing_chosen)
    page.go_back()
    page.reload()
    at(page, "question")
    expect(page.locator("main")).not_to_contain_text(nothing_chosen)
    assert [status for *_, status in sent.told] == [303, 422, 422]
    assert {(site, origin) for site, origin, _ in sent.told} == {("same-origin", world.url)}
    assert len(world.attempts(quiz)) == 1
