"""A key of 100 requests a minute, and 300 requests with it at once."""

from __future__ import annotations

import time
from collections import Counter

from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.services import api_keys
from tests.factories import add_user
from tests.races.conftest import World, at_once
from tests.races.serving import Caller

SESSION = "/api/auth/get-session"


def program(world: World) -> Caller:
    """A program with a new key."""
    with Session(world.engine) as session:
        user = add_user(session)
        key = api_keys.create_key(
            session, user.id, "Counted", scopes=["quizzes:read"], expires_days=None
        )
        session.commit()
    return Caller(world.server.port, key=key)


def ask_300_times(caller: Caller) -> list[TestResponse]:
    """What the answers to 300 requests at once are."""
    return at_once([caller.prepared("GET", SESSION) for _ in range(300)])


def exactly_100_passed(answers: list[TestResponse], since: float) -> None:
    """Each answer tells the truth, and no two tell the same place in the line."""
    assert Counter(answer.status_code for answer in answers) == {200: 100, 429: 200}
    passed = [answer for answer in answers if answer.status_code == 200]
    left = sorted(int(answer.headers["X-RateLimit-Remaining"]) for answer in passed)
    assert left == list(range(100))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.headers["X-RateLimit-Remaining"] for answer in refused} == {"0"}
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"100"}
    (resets_at,) = {int(answer.headers["X-RateLimit-Reset"]) for answer in answers}
    assert since + 59 <= resets_at <= time.time() + 61
    assert all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in refused)
