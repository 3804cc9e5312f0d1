"""Programs that call the API."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.domain.scopes import SCOPES
from respondeo.models import User
from respondeo.services import api_keys
from tests.factories import add_user
from tests.web.conftest import _apps, app_with, browser, recorder

__all__ = ["_apps", "app_with", "browser", "program", "recorder", "stranger"]


class Program:
    """A program with a key, or without one."""

    def __init__(self, app: Flask, key: str | None, user: User | None) -> None:
        self.client = app.test_client(use_cookies=False)
        self.headers = {"x-api-key": key} if key is not None else {}
        self.user = user

    def ask(self, method: str, path: str, status: int, body: Any = None, **headers: str) -> Any:
        """The JSON of an answer that must have this status; None where it has no body."""
        response = self.request(method, path, body, **headers)
        assert response.status_code == status, response.text
        return response.get_json() if response.data else None

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """The answer to a request with this key."""
        sent = {"json": body} if body is not None else {}
        together = {**self.headers, **headers}
        # Outside of any application context of the test's own, as on a server.
        return Context().run(self.client.open, path, method=method, headers=together, **sent)


Programs = Callable[..., Program]


@pytest.fixture
def program(app: Flask, committed: Session) -> Programs:
    """A program with the key of a new person of these groups, or of `user`."""

    def make(
        *groups: str,
        scopes: tuple[str, ...] = SCOPES,
        user: User | None = None,
        limit: int = 1_000_000,
        name: str = "A Caller",
    ) -> Program:
        owner = user or add_user(committed, name, groups=list(groups))
        key = api_keys.create_key(
            committed,
            owner.id,
            "A key",
            scopes=scopes,
            expires_days=None,
            requests_per_minute=limit,
        )
        committed.commit()
        return Program(app, key, owner)

    return make


@pytest.fixture
def stranger(app: Flask) -> Program:
    """A program without a key."""
    return Program(app, None, None)


def quiz_body(questions: int = 3, **changes: Any) -> dict[str, Any]:
    """A quiz to send: the right answer of each question is its first."""
    return {
        "title": "A quiz",
        "description": "About something.",
        "randomizeQuestions": False,
        "randomizeAnswers": False,
        "questions": [
            {
                "text": f"Question {number}?",
                "explanation": f"Because of {number}.",
                "answers": [
                    {"text": f"Answer {letter} of {number}", "isCorrect": letter == "A"}
                    for letter in "ABC"
                ],
            }
            for number in range(1, questions + 1)
        ],
        **changes,
    }
