"""The clients in docs/api.md, run as they are written there, against a live server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from respondeo.domain.scopes import SCOPES
from respondeo.services import api_keys
from tests.browser.visitor import Visit
from tests.browser.world import World

GUIDE = Path(__file__).parents[2] / "docs/api.md"


def client_in(language: str) -> str:
    """The one client of the guide in this language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text(), re.M | re.S)
    return str(found)


@pytest.fixture
def environment(world: World) -> dict[str, str]:
    """A server with a quiz, and the key of somebody."""
    world.quiz(2)
    somebody = world.person("A Programmer")
    with world.session() as session:
        key = api_keys.create_key(session, somebody.id, "A client", scopes=SCOPES, expires_days=7)
        session.commit()
    assert key is not None
    return {**os.environ, "RESPONDEO_URL": world.url, "RESPONDEO_KEY": key}


def test_the_client_in_python_answers_a_question(environment: dict[str, str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", client_in("python")],
        env=environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert (ran.stdout, ran.stderr) == ("feedback\n", "")


def test_the_client_in_javascript_answers_a_question(
    environment: dict[str, str], visit: Visit
) -> None:
    page = visit().go("/sign-in")
    names = ("RESPONDEO_URL", "RESPONDEO_KEY")
    given = "".join(f"const {name} = {json.dumps(environment[name])};" for name in names)
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.evaluate(f"(async () => {{ {given} {client_in('javascript')} }})()")
    assert told == ["feedback"]


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
