"""Killed workers and a restarted database: the attempt is where it was, nothing is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from http.client import HTTPException
from uuid import UUID

import psutil
import pytest

from respondeo.embedded import EmbeddedPostgres
from tests.client import Page
from tests.races.conftest import Playing, World
from tests.races.serving import until
from tests.web.playing import asked

pytestmark = pytest.mark.xdist_group("races")

ANSWERED = (
    "SELECT count(answered_at) AS answered FROM attempt_answer JOIN quiz_attempt"
    " ON quiz_attempt.id = attempt_id WHERE quiz_id = :quiz"
)


def remaining(page: Page) -> int:
    """What the page's clock says is left, in ms."""
    return int(page.one("#quiz-clock").attrs["remaining-ms"])


def test_when_all_workers_are_killed_the_play_goes_on_with_the_time_that_passed(
    world: World,
) -> None:
    player = world.player(world.quiz(time_limit_seconds=600))
    page = Page(player.next(Page(player.answer(player.start(), "A"))))
    left, began = remaining(page), time.monotonic()
    killed = world.server.workers()
    for worker in killed:
        worker.kill()
    again = player.look()
    passed = (time.monotonic() - began) * 1000
    assert asked(again) == 2
    assert left - remaining(again) == pytest.approx(passed, abs=250)
    until(lambda: len(world.server.workers()) == 2 or None, "two workers again")
    assert not {worker.pid for worker in killed} & {w.pid for w in world.server.workers()}
    assert "Right" in Page(player.answer(again, "A")).words("#verdict")


def test_no_acknowledged_answer_is_lost_however_often_workers_are_killed(world: World) -> None:
    questions = 10
    player = world.player(world.quiz(questions=questions, feedback="end"))
    page = player.start()
    for number in range(1, questions + 1):
        assert asked(page) == number
        if number % 2:
            until(lambda: len(world.server.workers()) == 2 or None, "two workers")
            world.server.kill_worker()
        acknowledged = _send(player, page)
        stored = world.row(ANSWERED, quiz=player.id)["answered"]
        assert stored == number if acknowledged else stored in {number - 1, number}
        if stored == number - 1:
            until(partial(_send_or_none, player, page), "an answer to be taken")
        if number < questions:
            page = player.look()
    result = player.look()
    assert f"{questions}/{questions}" in result.words(".score-ring")


def _send(player: Playing, page: Page) -> bool:
    """Whether the answer was acknowledged; a worker may die while it has the request."""
    try:
        return player.answer(page, "A").status_code in {200, 204}
    except (OSError, HTTPException):
        return False


def _send_or_none(player: Playing, page: Page) -> bool | None:
    return _send(player, page) or None


def stop(postgres: EmbeddedPostgres) -> None:
    """Stop the database as an operator does."""
    postgres.stop()


def kill(postgres: EmbeddedPostgres) -> None:
    """Kill all of the database, as a power cut would."""
    pid = int((postgres.directory / "data" / "postmaster.pid").read_text().split()[0])
    server = psutil.Process(pid)
    victims = [server, *server.children(recursive=True)]
    for victim in victims:
        os.kill(victim.pid, signal.SIGKILL)
    until(lambda: None if any(map(_alive, victims)) else True, "the database to be dead")


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("end", [stop, kill], ids=["stopped", "killed"])
def test_when_the_database_comes_back_the_play_goes_on_with_nothing_lost(
    own_world: World, postgres: EmbeddedPostgres, end: Callable[[EmbeddedPostgres], None]
) -> None:
    player = own_world.player(own_world.quiz(time_limit_seconds=600))
    page = Page(player.next(Page(player.answer(player.start(), "A"))))
    assert asked(page) == 2
    left, began = remaining(page), time.monotonic()
    end(postgres)
    refused = player.answer(page, "A")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "5"
    postgres.start()
    again = player.look()
    passed = (time.monotonic() - began) * 1000
    assert asked(again) == 2
    assert left - remaining(again) == pytest.approx(passed, abs=250)
    assert own_world.row(ANSWERED, quiz=player.id)["answered"] == 1
    page = Page(player.next(Page(player.answer(page, "A"))))
    result = Page(player.answer(page, "A")).one("#play-go").attrs["href"]
    assert "3/3" in player.caller.page(result).words(".score-ring")


def test_counters_that_a_crash_forgets_do_not_stop_anybody(
    own_world: World, postgres: EmbeddedPostgres
) -> None:
    """The table of rate limits is unlogged; after a crash it is empty, not broken."""
    guest = own_world.player(own_world.quiz())
    guest.caller.cookie = f"respondeo_guest={'c' * 43}"
    assert guest.caller.post(guest.play, {"number": "1"}).status_code == 303
    kill(postgres)
    postgres.start()
    guest.caller.cookie = f"respondeo_guest={UUID(int=1)}"
    until(lambda: guest.caller.post(guest.play, {}).status_code == 303 or None, "a guest's start")
