"""One attempt by two edges: what a page begins a program goes on with, and the other way round.

Whichever edge takes a step, the attempt becomes what it would have become by one edge alone.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from datetime import datetime
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.models import QuizAttempt, User
from respondeo.services import starting, submitting
from tests.api.conftest import Program, Programs
from tests.client import SAME_ORIGIN, Client, Page
from tests.conftest import Clock
from tests.factories import player as viewer_of
from tests.factories import published_quiz, question
from tests.services.parallel import until_waiting
from tests.web.playing import Player, document_of, option, stored

PAGE, API = "P", "A"
OWN_TO_EACH = {"id", "quiz_id", "quiz_version_id", "user_id", "attempt_id", "question_id"}


class Both:
    """One person at one quiz, in a browser and with a program at the same time."""

    def __init__(self, app: Flask, program: Programs, quiz_id: UUID, user: User | None = None):
        self.program: Program = program(user=user) if user else program()
        assert self.program.user is not None
        self.user = self.program.user
        self.client = Client(app)
        self.client.sign_in(self.user.id)
        self.player = Player(self.client, quiz_id)
        self.attempts = f"/api/quizzes/{quiz_id}/attempts"

    def start(self, edge: str) -> None:
        if edge == PAGE:
            assert self.player.start().all("form.answer-form")
        else:
            assert self.program.ask("POST", f"{self.attempts}/start", 201)["question"]

    def answer(self, edge: str, letter: str) -> None:
        if edge == PAGE:
            self.player.answer(self.player.look(), letter)
        else:
            stands = self.stands()
            self.program.ask("POST", f"{self.path}/answers", 200, choice(stands, letter))

    def next(self, edge: str) -> None:
        if edge == PAGE:
            self.player.next(self.player.look())
        else:
            assert self.program.ask("POST", f"{self.path}/next", 200)["question"]

    def stands(self) -> Any:
        """Where the attempt stands, as the program reads it."""
        return self.program.ask("GET", self.path, 200)

    @property
    def path(self) -> str:
        """Where the program finds the newest attempt."""
        newest = self.program.ask("GET", self.attempts, 200)["items"][0]
        return f"/api/attempts/{newest['id']}"

    def board(self) -> Any:
        """The rows of the quiz's board, as the program reads them and as the page shows them."""
        told = self.program.ask("GET", self.attempts.replace("attempts", "leaderboard"), 200)
        rows = [(row["rank"], row["correctCount"], row["totalTimeMs"]) for row in told["items"]]
        return rows, self.client.page(f"{self.player.quiz}/results").words("#board")


def choice(stands: Any, letter: str) -> dict[str, str]:
    """What a program sends to choose the answer of this letter."""
    asked = stands["question"]
    (chosen,) = [a["id"] for a in asked["answers"] if a["text"].startswith(f"Answer {letter} ")]
    return {"questionId": asked["id"], "answerId": chosen}


def outcome(session: Session) -> list[dict[str, Any]]:
    """All that is stored, but for ids."""
    return [
        {name: value for name, value in row.items() if name not in OWN_TO_EACH | {"answer_id"}}
        for row in stored(session)
    ]


@pytest.fixture
def both(app: Flask, committed: Session, committed_clock: Clock, program: Programs) -> Any:
    """Makes somebody at a new quiz; the clock stands, at `begun` or now."""

    def make(begun: datetime | None = None, **details: Any) -> Both:
        committed_clock.stop(begun)
        details = {"randomize_questions": False, "randomize_answers": False, **details}
        doc = document_of(question(1), question(2), **{"max_attempts": 3, **details})
        quiz = published_quiz(committed, doc)
        committed.commit()
        return Both(app, program, quiz.id)

    return make


Make = Callable[..., Both]


@pytest.mark.parametrize(
    ("feedback", "ways"),
    [
        ("each", ["PPPP", "AAAA", "PAPA", "APAP", "PPAA", "AAPP"]),
        ("end", ["PPP", "AAA", "PAP", "APA"]),
    ],
)
def test_whichever_edge_takes_a_step_the_attempt_becomes_the_same(
    both: Make, committed: Session, committed_clock: Clock, feedback: str, ways: list[str]
) -> None:
    steps = ["start", "answer A", "next", "answer B"]
    if feedback == "end":
        steps.remove("next")
    became, begun = {}, committed_clock.stop()
    for edges in ways:
        committed.execute(sa.delete(QuizAttempt))
        committed.execute(sa.text("DELETE FROM quiz"))
        committed.execute(sa.text("TRUNCATE player_standing"))
        one = both(begun, feedback=feedback, time_limit_seconds=60)
        for edge, step in zip(edges, steps, strict=True):
            name, *letter = step.split()
            getattr(one, name)(edge, *letter)
            committed_clock.advance(seconds=7)
            committed.commit()
        result = one.stands()
        page = one.client.page(f"{one.player.quiz}/results/{result['attempt']['id']}")
        verdicts = [given["isCorrect"] for given in result["answers"]]
        assert (result["attempt"]["status"], verdicts) == ("over", [True, False])
        became[edges] = (
            outcome(committed),
            page.words(".result .facts"),
            page.words(".review"),
            one.board(),
        )
    alone = became["P" * len(steps)]
    assert all(mixed == alone for mixed in became.values())
    assert alone[0][0]["correct_count"] == 1
    assert alone[0][0]["total_time_ms"] == 14_000
    assert alone[-1][0] == [(1, 1, 14_000)]


def test_a_page_left_behind_changes_nothing_that_a_program_did(
    both: Make, committed: Session
) -> None:
    one = both()
    first = one.player.start()
    one.answer(API, "B")
    one.next(API)
    before = stored(committed)
    late = one.player.send_answer(first, "A")  # the tab still shows the first question
    told = one.client.page(str(late.headers["Location"])).words()
    assert "Answer B of 1 Your answer" in told  # what is stored, not what was sent
    assert stored(committed) == before
    one.answer(API, "A")
    done = stored(committed)
    form = {"attempt": first.fields("form.answer-form")["attempt"]}
    assert one.player.send_answer(first, "A").status_code == 303
    assert one.client.post(f"{one.player.play}/next", form).status_code == 303
    assert stored(committed) == done


def test_a_start_form_that_was_open_while_a_program_played_shows_the_result(both: Make) -> None:
    one = both()
    quiz_page = one.client.page(one.player.quiz)
    one.start(API)
    one.answer(API, "A")
    one.next(API)
    one.answer(API, "A")
    after = one.client.submit(quiz_page, ".start form")
    assert after.path == f"{one.player.quiz}/results/{one.stands()['attempt']['id']}"
    assert one.program.ask("GET", one.attempts, 200)["totalCount"] == 1


def test_an_attempt_open_on_a_page_keeps_whole_ones_out_and_counts(both: Make) -> None:
    one = both(max_attempts=2)
    page = one.player.start()
    whole = {"answers": [], "totalTimeMs": 5}
    assert "open" in one.program.ask("POST", one.attempts, 409, whole)["error"]
    again = one.program.ask("POST", f"{one.attempts}/start", 200)
    assert again["question"]["id"] == page.fields("form.answer-form")["question"]
    one.answer(PAGE, "A")
    one.next(API)
    one.answer(PAGE, "A")
    assert one.program.ask("POST", one.attempts, 201, whole)["ranked"] is False
    for path in (f"{one.attempts}/start", one.attempts):
        used = one.program.ask("POST", path, 409, whole if path == one.attempts else None)
        assert used["error"] == "You have used all 2 attempts at this quiz."
    refused = one.client.post(one.player.play, {"number": 3})
    assert refused.status_code == 409
    assert "all 2 attempts" in Page(refused).words()
    assert one.program.ask("GET", one.attempts, 200)["totalCount"] == 2


@pytest.mark.parametrize(("played_by", "read_by"), [(PAGE, API), (API, PAGE)])
def test_time_that_runs_out_at_one_edge_has_run_out_at_the_other(
    both: Make, committed: Session, committed_clock: Clock, played_by: str, read_by: str
) -> None:
    one = both(time_limit_seconds=10)
    one.start(played_by)
    one.answer(played_by, "A")
    one.next(played_by)
    stands, path = one.stands(), one.path
    committed_clock.advance(seconds=13)
    committed.commit()
    if read_by == PAGE:
        assert one.player.look().path.startswith(f"{one.player.quiz}/results/")
    else:
        assert one.program.ask("GET", path, 200)["attempt"]["status"] == "over"
    told = one.stands()["attempt"]
    assert (told["timedOut"], told["correctCount"], told["totalTimeMs"]) == (True, 1, 10_000)
    over = stored(committed)
    one.program.ask("POST", f"{one.path}/answers", 409, choice(stands, "A"))
    form = {"attempt": told["id"], "question": stands["question"]["id"]}
    late = {**form, "answer": choice(stands, "A")["answerId"]}
    sent = one.client.post(f"{one.player.play}/answer", late)
    assert sent.headers["Location"].endswith(f"/results/{told['id']}")
    assert stored(committed) == over


def test_a_guests_attempt_is_out_of_the_apis_reach(both: Make, app: Flask) -> None:
    one = both()
    visitor = Client(app)
    player = Player(visitor, UUID(one.player.quiz.rpartition("/")[2]))
    page = player.start()
    form = page.fields("form.answer-form")
    path = f"/api/attempts/{form['attempt']}"
    body = {"questionId": form["question"], "answerId": option(page, "A")}
    asked = [("GET", "", None), ("POST", "/answers", body), ("POST", "/next", None)]
    for _ in range(2):  # while it is open, and when it is over
        for method, end, sent in asked:
            one.program.ask(method, f"{path}{end}", 404, sent)
            how = {"json": sent} if sent else {}
            refused = visitor.open(f"{path}{end}", method=method, headers=SAME_ORIGIN, **how)
            assert refused.status_code == 401
        page = player.answer(player.answer(page, "A"), "B") if page.all(".answer-form") else page
    assert "/results/" in page.path
    assert one.program.ask("GET", one.attempts, 200)["totalCount"] == 0


# -- at the same moment ----------------------------------------------------------------------------


def at_once(*requests: Callable[[], TestResponse]) -> list[TestResponse]:
    """The answers to requests that are sent at the same moment."""
    barrier = Barrier(len(requests))

    def send(request: Callable[[], TestResponse]) -> TestResponse:
        barrier.wait(timeout=30)
        return Context().run(request)

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


def test_both_edges_start_at_once_and_answer_at_once_and_there_is_one_of_each(
    both: Make, committed: Session
) -> None:
    one = both()
    others = [Client(one.client.app) for _ in range(2)]
    for other in others:
        other.sign_in(one.user.id)
    by_page = [lambda c=c: c.post(one.player.play, {"number": 1}) for c in (one.client, *others)]
    by_api = [lambda: one.program.request("POST", f"{one.attempts}/start")] * 3
    sent = at_once(*by_page, *by_api)
    assert [answer.status_code for answer in sent[:3]] == [303] * 3
    assert sorted(answer.status_code for answer in sent[3:]) in ([200] * 3, [200, 200, 201])
    assert len({answer.get_json()["attempt"]["id"] for answer in sent[3:]}) == 1
    stands = one.stands()
    form = {"attempt": stands["attempt"]["id"], "question": stands["question"]["id"]}
    chosen = {letter: choice(stands, letter) for letter in "ABCD"}
    path = f"{one.path}/answers"
    sent = at_once(
        lambda: one.client.post(
            f"{one.player.play}/answer", {**form, "answer": chosen["A"]["answerId"]}
        ),
        lambda: others[0].post(
            f"{one.player.play}/answer", {**form, "answer": chosen["B"]["answerId"]}
        ),
        lambda: one.program.request("POST", path, chosen["C"]),
        lambda: one.program.request("POST", path, chosen["D"]),
    )
    assert [answer.status_code for answer in sent] == [303, 303, 200, 200]
    (kept,) = one.stands()["answers"]
    assert {answer.get_json()["answer"]["answerId"] for answer in sent[2:]} == {kept["answerId"]}
    assert sum(row.get("answer_id") is not None for row in stored(committed)) == 1


@pytest.mark.parametrize("theirs", ["open", "whole"])
def test_a_program_that_starts_while_an_attempt_is_being_stored_is_told_the_truth(
    both: Make, committed: Session, theirs: str
) -> None:
    one = both(max_attempts=None)
    viewer, quiz_id = viewer_of(one.user), UUID(one.player.quiz.rpartition("/")[2])
    committed.commit()
    if theirs == "open":
        starting.start_attempt(committed, viewer, quiz_id)
    else:
        submitting.submit_attempt(committed, viewer, quiz_id, [], total_time_ms=5, timed_out=False)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(one.program.request, "POST", f"{one.attempts}/start")
        until_waiting(committed, 1)
        committed.commit()
        told = asked.result()
    assert told.status_code == (200 if theirs == "open" else 201)
    assert told.get_json()["attempt"]["status"] == "question"
    assert told.get_json()["question"]
