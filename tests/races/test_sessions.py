"""A session that is ended is over at the next request, whichever worker answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psutil
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.models import RateLimit
from respondeo.services import identity, passwords
from tests.factories import add_user
from tests.races.conftest import World, at_once
from tests.races.serving import Caller

pytestmark = pytest.mark.xdist_group("races")

GOOD = "correct horse battery"
PAGE = "/settings/security"


@dataclass
class Two:
    """Two browsers of one person with a password."""

    user_id: UUID
    here: Caller
    there: Caller
    there_id: UUID


@pytest.fixture
def two(world: World) -> Two:
    with Session(world.engine) as session:
        user = add_user(session)
        passwords.set_password(session, user.id, GOOD)
        tokens = [
            identity.sign_in(session, user.id, ip_address=None, user_agent=None) for _ in range(2)
        ]
        there = identity.person_of(session, tokens[1])
        assert there is not None
        here, there_too = (
            Caller(world.server.port, f"respondeo_session={token}") for token in tokens
        )
        session.commit()
        return Two(user.id, here, there_too, there.session_id)


@contextmanager
def only(worker: psutil.Process, workers: list[psutil.Process]) -> Iterator[None]:
    """Only this worker answers; the others stand still."""
    others = [other for other in workers if other != worker]
    for other in others:
        other.suspend()
    yield
    for other in others:
        other.resume()


def answers(world: World, caller: Caller) -> list[int]:
    """What each worker answers this browser."""
    workers = world.server.workers()
    found = []
    for worker in workers:
        with only(worker, workers):
            found.append(caller.get(PAGE).status_code)
    assert len(found) == 2
    return found


def forget_counts(world: World) -> None:
    """Other tests here have guessed from this address too."""
    with world.engine.begin() as connection:
        connection.execute(sa.delete(RateLimit))


def one_is_ended(two: Two, _world: World) -> None:
    ended = two.here.post(f"{PAGE}/end-session", {"session": str(two.there_id)})
    assert ended.status_code == 303


def all_others_are_ended(two: Two, _world: World) -> None:
    assert two.here.post(f"{PAGE}/end-other-sessions", {}).status_code == 303


def the_password_is_changed(two: Two, _world: World) -> None:
    form = {"current": GOOD, "new": "a better password"}
    assert two.here.post(PAGE, form).status_code == 303


def the_operator_sets_a_password(two: Two, world: World) -> None:
    with Session(world.engine) as session:
        passwords.set_password(session, two.user_id, "a better password")
        session.commit()


def they_are_disabled(two: Two, world: World) -> None:
    world.change('UPDATE "user" SET disabled_at = now() WHERE id = :id', id=two.user_id)


@pytest.mark.parametrize(
    ("end", "here_stays"),
    [
        (one_is_ended, True),
        (all_others_are_ended, True),
        (the_password_is_changed, True),
        (the_operator_sets_a_password, False),
        (they_are_disabled, False),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_session_that_was_ended_is_over_in_every_worker(
    world: World, two: Two, end: Callable[[Two, World], None], here_stays: bool
) -> None:
    assert answers(world, two.there) == [200, 200]
    end(two, world)
    assert answers(world, two.there) == [303, 303]
    assert answers(world, two.here) == ([200, 200] if here_stays else [303, 303])


def test_guesses_are_counted_by_all_workers_together(world: World) -> None:
    stranger = Caller(world.server.port)
    forget_counts(world)
    body = "email=nobody%40school.example&password=a+guess"
    sent = at_once([stranger.prepared("POST", "/sign-in/local", body) for _ in range(26)])
    assert sorted(response.status_code for response in sent) == [422] * 20 + [429] * 6
