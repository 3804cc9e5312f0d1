"""Two servers on one database, behind whatever spreads requests over them: they are one site."""

from __future__ import annotations

import itertools
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection

import pytest
import sqlalchemy as sa

from respondeo.db import parse_url
from respondeo.services import authoring
from tests.browser.world import World
from tests.cli.test_serve import Served
from tests.conftest import TEMPLATE, run_on_server, url_of
from tests.factories import document
from tests.ports import free_port
from tests.remote import Remote, plain
from tests.web.pictures import picture
from tests.web.playing import Player, option
from tests.web.uploads import send

URL = "http://127.0.0.1:8000"
PASSWORD = "correct horse battery"
SETTINGS = {
    "APP_URL": URL,
    "AUTH_LOCAL": "true",
    "RATE_LIMIT_GUEST_PLAYS": "3",
    "RATE_LIMIT_WINDOW_MS": "600000",
    "RBAC_PUBLIC_VIEW_QUIZ": "true",
    "RBAC_PUBLIC_PLAY_QUIZ": "true",
    "RBAC_ROLE_CREATOR_GROUPS": "teachers",
}


@dataclass
class Site:
    """The servers that run, by their ports, and what they share."""

    world: World
    servers: dict[int, Served] = field(default_factory=dict)

    def visitor(self, source: str = "127.0.0.1") -> Remote:
        """A browser whose every request goes to another server than the one before."""
        turns = itertools.count()

        def connect() -> HTTPConnection:
            ports = sorted(self.servers)
            return plain(ports[next(turns) % len(ports)], source)()

        return Remote(URL, connect)

    def only(self, place: int) -> Remote:
        """A browser that meets one of the servers only."""
        return Remote(URL, plain(sorted(self.servers)[place]))

    def kill(self, place: int) -> None:
        """End a server at once, with all that it does."""
        server = self.servers.pop(sorted(self.servers)[place])
        server.end(signal.SIGKILL, everybody=True)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    name = f"two_{os.getpid()}"
    run_on_server(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    engine = sa.create_engine(parse_url(url_of(name))[0])
    site = Site(World(engine, URL))
    for port in (free_port(), free_port()):
        site.servers[port] = Served(url_of(name), port, **SETTINGS)
    yield site
    for server in site.servers.values():
        server.end(signal.SIGQUIT, everybody=False)
    engine.dispose()
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_session_begun_at_one_holds_at_the_other_and_so_does_its_end(site: Site) -> None:
    site.world.with_password("Ada Player", "ada@school.example", PASSWORD)
    visitor = site.visitor()
    page = visitor.page("/sign-in")
    visitor.submit(page, "#local-form", email="ada@school.example", password=PASSWORD)
    for place in (0, 1):
        other = site.only(place)
        other.cookies = dict(visitor.cookies)
        assert "Ada Player" in other.page("/leaderboard").words(".site-head")
    held = dict(visitor.cookies)
    visitor.post("/sign-out")
    for place in (0, 1):
        other = site.only(place)
        other.cookies = dict(held)
        assert "Ada Player" not in other.open("/leaderboard", follow_redirects=True).text


def test_a_limit_counts_what_was_asked_of_both(site: Site) -> None:
    quiz = site.world.quiz(1)
    answers = []
    for _ in range(4):
        visitor = site.visitor("127.0.0.21")
        form = visitor.page(f"/quiz/{quiz}").fields(".start form")
        answers.append(visitor.post(f"/quiz/{quiz}/play", form).status_code)
    assert answers == [303, 303, 303, 429]


def test_a_board_read_at_one_is_known_at_the_other_until_somebody_plays(site: Site) -> None:
    quiz, someone = site.world.quiz(1), site.world.person("Bob")
    reader = site.visitor()
    reader.cookies["respondeo_session"] = site.world.person("A Reader").token
    tag = reader.get(f"/quiz/{quiz}/results").headers["HX-PTag"]
    again = {"HX-Request": "true", "HX-PTag": tag}
    for _ in range(2):
        assert reader.open(f"/quiz/{quiz}/results", headers=again).status_code == 304
    site.world.attempt(someone, quiz, right=1)
    for _ in range(2):
        fresh = reader.open(f"/quiz/{quiz}/results", headers=again)
        assert fresh.status_code == 200
        assert "Bob" in fresh.text


def test_a_picture_uploaded_to_one_is_served_by_the_other(site: Site) -> None:
    visitor = site.visitor()
    visitor.cookies["respondeo_session"] = site.world.person("Eve").token
    assert send(visitor, "/settings/picture", picture()).status_code == 303
    address = re.search(r"/media/[0-9a-f]{64}\.webp", visitor.page("/settings").text)
    assert address
    for place in (0, 1):
        assert site.only(place).get(address[0]).status_code == 200


def test_a_preview_that_one_signed_goes_on_at_the_other(site: Site) -> None:
    author = site.world.person("An Author", groups=["teachers"])
    visitor = site.visitor()
    visitor.cookies["respondeo_session"] = author.token
    with site.world.session() as session:
        quiz = authoring.create_quiz(session, author.id, document(2)).id
    page = visitor.submit(visitor.page(f"/quiz/{quiz}/preview"), ".start form")
    for letter in "AB":
        page = visitor.submit(page, "form.answer-form", answer=option(page, letter))
        if page.all("form[data-sends=next]"):
            page = visitor.submit(page, "form[data-sends=next]")
    assert "1/2" in page.words()


def test_a_player_goes_on_at_the_other_when_one_is_killed_in_the_middle(site: Site) -> None:
    quiz = site.world.quiz(4, time_limit_seconds=600)
    visitor = site.visitor()
    visitor.cookies["respondeo_session"] = site.world.person("Ada Player").token
    player = Player(visitor, quiz)
    page = player.next(player.answer(player.start(), "A"))
    page = player.answer(page, "A")
    site.kill(0)
    page = player.next(page)
    page = player.next(player.answer(page, "B"))
    player.answer(page, "A")
    (attempt,) = site.world.attempts(quiz)
    assert (attempt.correct_count, attempt.total_questions) == (3, 4)
    assert attempt.completed_at is not None
    assert len(site.world.answers(quiz)) == 4
