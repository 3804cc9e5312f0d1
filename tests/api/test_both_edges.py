"""Pages and the API answer by the same rules: one table of cases, two edges, the same verdicts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.models import Quiz, User
from respondeo.services import api_keys, authoring
from tests.api.conftest import Program, quiz_body
from tests.client import SAME_ORIGIN, Client
from tests.factories import add_user, document, editor
from tests.web.apps import AppWith

ROLES = {"user": [], "creator": ["teachers"], "moderator": ["heads"], "admin": ["admin"]}
VISIBILITY = ("published", "scheduled", "draft", "unpublished")
SCOPES = ("quizzes:read", "quizzes:write", "attempts:read", "attempts:write")

# One thing to do to a quiz: at its page, and by the API.
DEEDS = {
    "look": (("GET", ""), ("GET", "")),
    "edit": (("GET", "/edit"), ("PUT", "")),
    "start": (("POST", "/play"), ("POST", "/attempts/start")),
    "board": (("GET", "/results"), ("GET", "/leaderboard")),
    "delete": (("POST", "/delete"), ("DELETE", "")),
}

FORMS = {"delete": {"sure": "yes"}}


def quiz_of(session: Session, author: User, visibility: str) -> Quiz:
    quiz = authoring.create_quiz(session, author.id, document())
    if visibility != "draft":
        authoring.publish(session, editor(author), quiz.id)
    if visibility == "scheduled":
        quiz.published_at = datetime.now(UTC) + timedelta(days=1)
    if visibility == "unpublished":
        authoring.unpublish(session, editor(author), quiz.id)
    session.commit()
    session.refresh(quiz)
    session.expunge(quiz)
    return quiz


def verdict(status: int) -> str:
    if status < 400 or status == 422:
        return "allowed"
    return {403: "forbidden", 404: "hidden"}.get(status, str(status))


@pytest.fixture
def app(app_with: AppWith) -> Flask:
    return app_with(rbac_role_moderator_groups="heads", rbac_role_creator_groups="teachers")


@pytest.mark.parametrize("visibility", VISIBILITY)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("own", [True, False], ids=["own", "somebody else's"])
def test_a_page_and_the_api_give_the_same_verdict(
    app: Flask, committed: Session, role: str, own: bool, visibility: str
) -> None:
    asking = add_user(committed, "Somebody", groups=ROLES[role])
    author = asking if own else add_user(committed, "An Author")
    key = api_keys.create_key(
        committed, asking.id, "A key", scopes=SCOPES, expires_days=None, requests_per_minute=10_000
    )
    committed.commit()
    page, program = Client(app), Program(app, key, asking)
    page.sign_in(asking.id)
    for deed, ((method, end), (api_method, api_end)) in DEEDS.items():
        quiz = quiz_of(committed, author, visibility)
        shown = page.open(
            f"/quiz/{quiz.id}{end}", method=method, headers=SAME_ORIGIN, data=FORMS.get(deed)
        )
        same = quiz_of(committed, author, visibility)
        body = sent_quiz() if api_method == "PUT" else None
        told = program.request(api_method, f"/api/quizzes/{same.id}{api_end}", body)
        if deed == "delete":  # the page of a quiz that is out of sight goes on to the list
            assert is_there(committed, quiz) == is_there(committed, same), told.text
        else:
            assert verdict(shown.status_code) == verdict(told.status_code), (deed, told.text)


def is_there(session: Session, quiz: Quiz) -> bool:
    session.rollback()
    return session.scalar(sa.select(Quiz.id).where(Quiz.id == quiz.id)) is not None


def sent_quiz() -> dict[str, Any]:
    """A quiz for PUT at its first revision."""
    return {**quiz_body(), "revision": 1}
