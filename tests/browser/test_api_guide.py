"""The clients in docs/api.md, run as they are written there, against a live server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import playwright
import pytest
from flask import Flask

from respondeo.api.endpoints import OPERATIONS
from respondeo.api.schemas.attempts import SentAttempt
from respondeo.api.schemas.sent_quizzes import SentQuiz
from respondeo.domain.scopes import SCOPES
from respondeo.services import api_keys
from tests.browser.world import World

GUIDE = Path(__file__).parents[2] / "docs/api.md"
NODE = Path(playwright.__file__).parent / "driver/node"  # the one that drives the browsers


def client_in(language: str) -> str:
    """The one client of the guide in this language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text(), re.M | re.S)
    return str(found)


@pytest.fixture
def environment(world: World) -> dict[str, str]:
    """A server with a quiz to play once, and the key of somebody."""
    world.quiz(2, max_attempts=1)
    somebody = world.person("A Programmer")
    with world.session() as session:
        key = api_keys.create_key(session, somebody.id, "A client", scopes=SCOPES, expires_days=7)
        session.commit()
    assert key is not None
    return {**os.environ, "RESPONDEO_URL": world.url, "RESPONDEO_KEY": key}


def test_the_client_in_python_plays_to_the_end(environment: dict[str, str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", client_in("python")],
        env=environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert re.fullmatch(r"[012] of 2\n", ran.stdout)
    assert ran.stderr == ""


def test_the_client_in_javascript_plays_to_the_end_and_is_told_that_no_attempt_is_left(
    environment: dict[str, str],
) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [NODE, "--input-type=module", "--eval", client_in("javascript")],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    first, second = run(), run()
    assert re.fullmatch(r"[012] of 2\n", first.stdout)
    assert first.stderr == ""
    assert "You have used your one attempt at this quiz." in second.stderr


def test_the_bodies_in_the_guide_are_taken() -> None:
    quiz, attempt = re.findall(r"^```json\n(.*?)^```", GUIDE.read_text(), re.M | re.S)
    assert SentQuiz.model_validate_json(quiz, strict=True).questions
    assert SentAttempt.model_validate_json(attempt, strict=True).answers


def test_the_guide_lists_every_operation_with_its_scope(app: Flask) -> None:
    rows = re.findall(r"^\| `(\w+) (/api\S+)` \| (?:`(.+?)`|none) \|", GUIDE.read_text(), re.M)
    there = {
        (one.method, "/api" + re.sub(r"{\w+}", "{id}", one.path), one.scope or "")
        for one in OPERATIONS
    }
    assert set(rows) == there


def test_the_client_in_curl_looks_around(environment: dict[str, str]) -> None:
    if shutil.which("curl") is None:
        pytest.fail("The guide's examples need curl: install it (apt install curl).", pytrace=False)
    ran = subprocess.run(
        ["sh", "-euc", client_in("sh")],
        env=environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert ran.stderr == ""
    told = [json.loads(part) for part in re.split(r"(?<=})\n?(?={)", ran.stdout)]
    assert told[0]["user"]["name"] == "A Programmer"
    assert [one["totalCount"] for one in told[1:]] == [1, 0]
