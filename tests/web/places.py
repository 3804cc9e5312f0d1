"""An address for every route there is, so that tests walk those of tomorrow too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from respondeo.domain.access import DEFAULT_ROLE_PERMISSIONS, USER, Viewer
from respondeo.models import User
from respondeo.services import authoring, running, starting, taking
from tests.client import Client
from tests.factories import add_user, document, editor

NOBODY = UUID("00000000-0000-4000-8000-000000000000")
SAMPLES = {"UUIDConverter": NOBODY, "IntegerConverter": 1, "UnicodeConverter": "sample"}


@dataclass(frozen=True, slots=True)
class Place:
    """One route, with an address of it."""

    endpoint: str
    method: str
    path: str

    def ask(self, client: Client, *, htmx: bool = False, **headers: str) -> TestResponse:
        """Go there; a form is sent empty, from the page of the address before it."""
        if self.method == "GET":
            return client.get(self.path, htmx=htmx, **headers)
        return client.post(self.path, htmx=htmx, headers=headers)


def places(app: Flask, **ids: UUID) -> Iterator[Place]:
    """Every route but the API's, which has tests of its own.

    ids: what to fill in where a route asks for `quiz_id` and the like. What is not named gets an id
    that nothing has.
    """
    addresses = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("api."):
            continue
        method = "GET" if "GET" in (rule.methods or set()) else "POST"
        path = addresses.build(rule.endpoint, _filled(rule, ids), method)
        yield Place(rule.endpoint, method, path)


def _filled(rule: Rule, ids: dict[str, UUID]) -> dict[str, object]:
    return {
        name: ids.get(name) or SAMPLES.get(type(rule._converters[name]).__name__, "sample")
        for name in rule.arguments
    }


def played_quiz(
    session: Session, author: User, player: User, *, questions: int = 1, **changes: object
) -> tuple[UUID, UUID]:
    """A published quiz and an attempt of the player's, over where it has one question."""
    quiz = authoring.create_quiz(session, author.id, document(questions, **changes))
    authoring.publish(session, editor(author), quiz.id)
    return quiz.id, played(session, player, quiz.id)


def played(session: Session, player: User, quiz_id: UUID) -> UUID:
    """An attempt of the player's with one right answer."""
    who = Viewer(USER, DEFAULT_ROLE_PERMISSIONS[USER], player.id)
    attempt = starting.start_attempt(session, who, quiz_id)
    row = running.answers_of(session, attempt.id)[0]
    right = session.connection().exec_driver_sql(
        "SELECT id FROM answer WHERE question_id = %s AND is_correct", (row.question_id,)
    )
    taking.commit_answer(session, who, quiz_id, attempt.id, row.question_id, right.scalar_one())
    session.flush()
    return attempt.id


def person_with(session: Session, name: str = "A Person", *groups: str) -> UUID:
    """A new person of these groups, committed."""
    person = add_user(session, name, groups=list(groups))
    session.commit()
    return person.id
