"""Many players at once who never give up, and note what they were told."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from http.client import HTTPException
from threading import Lock, Thread

from werkzeug.test import TestResponse

from tests.races.conftest import Playing

PATIENCE_S = 120


@dataclass
class Told:
    """What the server told all of them."""

    answers: dict[tuple[str, str], str] = field(default_factory=dict)
    """The answer by attempt and question, once it was acknowledged."""
    scores: dict[str, str] = field(default_factory=dict)
    """What the result page of an attempt said."""
    refusals: int = 0
    broken: int = 0
    wrong: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def note(self, change: str) -> None:
        """Count a refusal or a broken connection."""
        with self._lock:
            setattr(self, change, getattr(self, change) + 1)


class Keen(Thread):
    """A player who sends the same thing until it is acknowledged, question after question."""

    def __init__(self, player: Playing, choice: int, told: Told) -> None:
        super().__init__()
        self.player = player
        self.choice = choice
        self.told = told
        self.end = time.monotonic() + PATIENCE_S

    def run(self) -> None:
        try:
            self._send("POST", self.player.play, "number=1")
            page = self._send("GET", self.player.play)
            while page.status_code == 200:
                page = self._answered(page.text)
            result = self._send("GET", str(page.location or page.headers["HX-Location"]))
            self._note_score(result)
        except (AssertionError, LookupError) as error:
            self.told.wrong.append(repr(error))

    def _answered(self, text: str) -> TestResponse:
        attempt, question = value_of("attempt", text), value_of("question", text)
        assert (attempt, question) not in self.told.answers, "an acknowledged answer is missing"
        choices = re.findall(r'name="answer"[^>]*value="([^"]+)"', text)
        chosen = choices[self.choice % len(choices)]
        form = f"attempt={attempt}&question={question}&answer={chosen}"
        response = self._send("POST", f"{self.player.play}/answer", form)
        self.told.answers[attempt, question] = chosen
        return response if response.status_code == 200 else self._send("GET", self.player.play)

    def _note_score(self, result: TestResponse) -> None:
        attempt = result.request.path.rsplit("/", 1)[1]
        found = re.search(r"\b(\d+)\s*/\s*\d+\b", re.sub(r"<[^>]*>", "", result.text))
        assert found, result.text
        self.told.scores[attempt] = found[1]

    def _send(self, method: str, path: str, form: str | None = None) -> TestResponse:
        """Until it is acknowledged: a page, or a redirect to one."""
        while True:
            assert time.monotonic() < self.end, f"{method} {path} was never acknowledged"
            try:
                response = self.player.caller.request(method, path, form, htmx=form is not None)
            except (OSError, HTTPException):
                self.told.note("broken")
                time.sleep(0.05)
                continue
            if response.status_code < 400:
                return response
            assert response.status_code == 503, (response.status_code, response.text)
            self.told.note("refusals")
            time.sleep(0.1)


def value_of(name: str, text: str) -> str:
    """A hidden field's value."""
    found = re.search(rf'name="{name}"\s+value="([^"]+)"', text)
    assert found, text
    return found[1]
