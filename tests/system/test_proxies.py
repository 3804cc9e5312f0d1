"""Respondeo behind nginx and behind Caddy, with the configurations that deploy/ gives away."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import psutil
import pytest
import sqlalchemy as sa

from respondeo.db import parse_url
from tests.browser.server import serving
from tests.browser.world import World
from tests.cli.test_serve import wait_for
from tests.client import SAME_ORIGIN
from tests.conftest import TEMPLATE, run_on_server, url_of
from tests.ports import free_port
from tests.remote import Remote, encrypted, plain
from tests.system.proxies import NAME, URL, Proxy, caddy, nginx
from tests.web.playing import Player, asked

PASSWORD = "correct horse battery"
OPEN = {f"RBAC_PUBLIC_{what}": "true" for what in ("BROWSE_QUIZZES", "VIEW_QUIZ", "PLAY_QUIZ")}


@dataclass(frozen=True, slots=True)
class Site:
    """A proxy with a Respondeo behind it."""

    name: str
    proxy: Proxy
    world: World
    log: Path
    port: int
    settings: dict[str, str]

    def visitor(self, source: str = "127.0.0.1") -> Remote:
        """A browser at this address of this machine."""
        return Remote(URL, encrypted(NAME, self.proxy.https, str(self.proxy.authority), source))

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


PROXIES = {"nginx": nginx, "caddy": caddy}


@pytest.fixture(scope="module", params=PROXIES)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    name = f"proxied_{request.param}_{os.getpid()}"
    run_on_server(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    engine = sa.create_engine(parse_url(url_of(name))[0])
    port = free_port()
    settings = {
        **OPEN,
        "APP_URL": URL,
        "PORT": str(port),
        "RATE_LIMIT_GUEST_PLAYS": "1",
        "RATE_LIMIT_WINDOW_MS": "600000",
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    with TemporaryDirectory(prefix="respondeo-proxy-", dir="/tmp") as folder:
        # What nginx starts is not root, and passes through here.
        Path(folder).chmod(0o755)
        log = Path(folder) / "respondeo.log"
        with (
            serving(url_of(name), log, NAME, **settings),
            PROXIES[request.param](Path(folder), port) as proxy,
        ):
            yield Site(request.param, proxy, World(engine, URL), log, port, settings)
    engine.dispose()
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


def quiz_of(site: Site) -> UUID:
    return site.world.quiz(2, time_limit_seconds=600)


def test_somebody_signs_in_with_a_password_and_plays_to_the_end(site: Site) -> None:
    quiz = quiz_of(site)
    email = f"ada-{quiz}@school.example"
    site.world.with_password("Ada Player", email, PASSWORD)
    visitor = site.visitor("127.0.0.2")
    signed_in = visitor.submit(
        visitor.page("/sign-in"), "#local-form", email=email, password=PASSWORD
    )
    assert "Ada Player" in signed_in.words(".site-head")
    assert {name[:7] for name in visitor.cookies} == {"__Host-"}
    result = Player(visitor, quiz).play_through("AB")
    assert "1/2" in result.words(".score-ring")
    with site.world.session() as session:
        found = session.scalars(
            sa.text("SELECT host(ip_address::inet) FROM session WHERE user_agent <> 'tests'")
        )
        assert set(found) <= {"127.0.0.2"}


def test_cookies_and_headers_are_those_of_https(site: Site) -> None:
    visitor = site.visitor()
    answer = visitor.post("/theme", theme="dark")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert answer.headers["Location"] == "/"
    plainly = Remote(f"http://{NAME}", plain(site.proxy.http)).get("/leaderboard?page=2")
    assert plainly.status_code in {301, 308}
    assert plainly.headers["Location"].startswith(f"{URL}")
    assert plainly.headers["Location"].endswith("/leaderboard?page=2")


def test_limits_count_the_clients_address_whatever_a_client_says_of_it(site: Site) -> None:
    quiz = quiz_of(site)

    def starts(source: str, **headers: str) -> int:
        visitor = site.visitor(source)
        form = visitor.page(f"/quiz/{quiz}").fields(".start form")
        return visitor.post(f"/quiz/{quiz}/play", form, headers=headers).status_code

    assert starts("127.0.0.11") == 303
    assert starts("127.0.0.11") == 429
    for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-IP"):
        assert starts("127.0.0.11", **{name: "203.0.113.9"}) == 429, name
    assert starts("127.0.0.12", **{"X-Forwarded-For": "127.0.0.11"}) == 303


def test_what_is_too_large_is_refused_and_pictures_pass(site: Site) -> None:
    visitor = site.visitor()
    # Little enough to be on its way whole: who refuses need not read it before the line is closed.
    refused = visitor.open("/theme", method="POST", headers=SAME_ORIGIN, data=b"x" * 1_100_000)
    assert refused.status_code == 413
    assert "Content-Security-Policy" in refused.headers
    # A proxy need not read all of what it refuses before it hangs up.
    with suppress(OSError):
        stopped = visitor.open("/theme", method="POST", headers=SAME_ORIGIN, data=b"x" * 18_000_000)
        assert stopped.status_code == 413


def test_static_files_come_compressed_and_may_be_kept_for_good(site: Site) -> None:
    visitor = site.visitor()
    style = visitor.page("/sign-in").all("link[rel=stylesheet]")[-1].attrs["href"]
    answer = visitor.open(style, headers={"Accept-Encoding": "br"})
    assert answer.status_code == 200
    assert answer.headers["Content-Encoding"] == "br"
    assert "immutable" in answer.headers["Cache-Control"]


def test_the_proxy_names_each_request_and_the_log_has_that_name(site: Site) -> None:
    visitor = site.visitor()
    forged = "forged-forged-forged"
    reference = visitor.open("/leaderboard", headers={"X-Request-ID": forged}).headers[
        "X-Request-ID"
    ]
    assert reference != forged
    assert len(reference) in {32, 36}
    assert [line["route"] for line in site.lines() if line.get("reference") == reference] == [
        "/leaderboard"
    ]


def test_metrics_are_not_for_those_who_come_through_the_proxy(site: Site) -> None:
    assert site.visitor().get("/metrics").status_code == 404
    assert site.visitor().get("/healthz").status_code == 200


def test_browsers_are_served_over_http_2(site: Site) -> None:
    said = subprocess.run(
        ["curl", "--silent", "--show-error", "--http2", "--output", "/dev/null",
         "--cacert", site.proxy.authority, "--resolve", f"{NAME}:{site.proxy.https}:127.0.0.1",
         "--write-out", "%{http_version} %{http_code}", f"https://{NAME}:{site.proxy.https}/"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout  # fmt: skip
    assert said == "2 200"


def test_where_one_of_two_instances_is_killed_a_quiz_is_played_on(site: Site) -> None:
    port = free_port()
    database = site.world.engine.url.render_as_string(hide_password=False)
    with TemporaryDirectory(prefix="respondeo-proxy-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        log = folder / "respondeo.log"
        with (
            serving(database, log, NAME, **site.settings | {"PORT": str(port)}),
            PROXIES[site.name](folder, site.port, port) as proxy,
        ):
            visitor = replace(site, proxy=proxy).visitor("127.0.0.21")

            def themed() -> int:
                return visitor.post("/theme", theme="dark").status_code

            player = Player(visitor, site.world.quiz(4, time_limit_seconds=600))
            page = player.answer(player.start(), "A")
            assert "/play" in log.read_text()
            kill(port)
            sent = {themed() for _ in range(2)}
            assert sent <= ({303} if site.name == "nginx" else {303, 502})
            assert {asked(player.look()) for _ in range(4)} == {2}
            wait_for(lambda: all(themed() == 303 for _ in range(2)), 3)
            for letter in "ABA":
                page = player.answer(page, letter)
            assert "3/4" in page.words(".score-ring")


def kill(port: int) -> None:
    """What listens there is gone at once, master and workers, as with its machine."""
    for process in psutil.Process().children(recursive=True):
        if any(
            end.laddr.port == port and end.status == "LISTEN" for end in process.net_connections()
        ):
            process.kill()
