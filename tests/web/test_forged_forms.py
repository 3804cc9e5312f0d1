"""Forms that no page of ours would send, and attempts of other people: nothing changes."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.models import Answer, Question
from tests.conftest import Clock
from tests.factories import published_quiz
from tests.web.apps import Browser
from tests.web.playing import Player, answers, attempt_id, stored

NOBODY = UUID(int=0)


def test_a_question_that_is_not_open_yet_cannot_be_answered(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = player.start()
    rows = committed.execute(
        sa.select(Question.id, Answer.id)
        .join(Answer, Answer.question_id == Question.id)
        .where(Question.text == "Question 2?", Answer.position == 0)
    ).one()
    before = stored(committed)
    sent = player.send_answer(page, "A", question=rows[0], answer=rows[1])
    assert (sent.status_code, sent.location) == (303, player.play)
    assert stored(committed) == before
    player.answer(page, "A")  # at feedback: still not
    before = stored(committed)
    player.send_answer(page, "A", question=rows[0], answer=rows[1])
    assert stored(committed) == before


def test_an_answer_of_another_question_is_refused(browser: Browser, committed: Session) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = player.start()
    other = committed.scalar(sa.select(Answer.id).where(Answer.text == "Answer A of 2"))
    before = stored(committed)
    assert player.send_answer(page, "A", answer=other).status_code == 422
    assert stored(committed) == before


@pytest.mark.parametrize("groups", [[], ["admin"]])
def test_other_peoples_attempts_are_404_everywhere_while_open(
    browser: Browser, committed: Session, groups: list[str]
) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = player.start()
    attempt, before = attempt_id(page), stored(committed)
    for other in (browser("Another", *groups), browser()):
        intruder = Player(other, quiz.id)
        assert other.get(f"{player.play}?attempt={attempt}").status_code == 404
        assert other.get(f"{player.quiz}/results/{attempt}").status_code == 404
        assert intruder.send_answer(page, "A").status_code == 404
        form = {"attempt": attempt, "question": page.fields("#play form")["question"]}
        assert other.post(f"{player.play}/next", form).status_code == 404
        assert other.post(f"{player.play}/answer", form).status_code == 404
    assert stored(committed) == before


def test_an_attempt_under_the_address_of_another_quiz_is_404(
    browser: Browser, committed: Session
) -> None:
    quiz, other = published_quiz(committed), published_quiz(committed)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = player.start()
    attempt, before = attempt_id(page), stored(committed)
    elsewhere = Player(player.client, other.id)
    assert elsewhere.send_answer(page, "A").status_code == 404
    assert player.client.get(f"{elsewhere.play}?attempt={attempt}").status_code == 404
    assert player.client.get(f"{elsewhere.quiz}/results/{attempt}").status_code == 404
    assert stored(committed) == before


@pytest.mark.parametrize(
    "forged",
    [
        {"totalTimeMs": 1},
        {"timedOut": "true", "timed_out": "true"},
        {"score": 3, "correct": 3, "correct_count": 3, "is_correct": "true"},
        {"number": 7},
        {"user_id": NOBODY, "guest_token": "x"},
        {"time_ms": 0, "spent_ms": 0, "deadline_at": "2099-01-01", "shown_at": "2099-01-01"},
        {"feedback": "end", "reveal": "always", "discloses": "true", "ranked": "true"},
        {"answered": NOBODY, "next": "/", "display_order": 0},
    ],
    ids=",".join,
)
def test_a_forged_field_changes_nothing(
    browser: Browser, committed: Session, committed_clock: Clock, forged: dict[str, Any]
) -> None:
    quiz = published_quiz(committed, time_limit_seconds=100, max_attempts=2)
    committed_clock.stop()
    committed.commit()
    outcomes = []
    for fields in ({}, forged):
        player = Player(browser("A Player"), quiz.id)
        number = {"number": 1} | fields if "number" not in fields else fields
        player.client.post(player.play, number)
        for _ in range(3):
            committed_clock.advance(seconds=7)
            committed.commit()
            page = player.look()
            player.send_answer(page, "B", **fields)
            page = player.look()
            if page.all("form[data-sends=next] button"):
                player.send_next(page, **fields)
            committed.commit()
        mine = [row for row in stored(committed) if row.get("completed_at") is not None][-1]
        telling = ("number", "correct_count", "total_time_ms", "timed_out", "ranked", "discloses")
        outcomes.append({name: mine[name] for name in telling})
    assert outcomes[0] == outcomes[1]
    assert outcomes[0]["total_time_ms"] == 21_000


@pytest.mark.parametrize("name", ["attempt", "question", "answer"])
@pytest.mark.parametrize("value", [None, "", "nonsense", "'; --", "\0", "x" * 5000], ids=repr)
def test_an_absent_or_broken_field_is_refused_and_named(
    browser: Browser, committed: Session, name: str, value: str | None
) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = player.start()
    sent: dict[str, object] = {
        **page.fields("form.answer-form"),
        "answer": page.all("input[type=radio]")[0].attrs["value"],
    }
    if value is None:
        del sent[name]
    else:
        sent[name] = value
    before = stored(committed)
    response = player.client.post(f"{player.play}/answer", sent)
    assert response.status_code == 422
    assert stored(committed) == before
    said = response.get_data(as_text=True)
    missing = name == "answer" and not value
    assert ("Choose one of the answers." if missing else "Reload the page.") in said


@pytest.mark.parametrize("name", ["attempt", "question", "answer"])
def test_a_repeated_field_counts_once(browser: Browser, committed: Session, name: str) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = player.start()
    radios = [node.attrs["value"] for node in page.all("input[type=radio]")]
    sent: dict[str, object] = {**page.fields("form.answer-form"), "answer": radios[1]}
    sent[name] = [sent[name], radios[0] if name == "answer" else uuid4()]
    assert player.client.post(f"{player.play}/answer", sent).status_code == 303
    assert answers(committed) == ["Answer B of 1", None, None]


@pytest.mark.parametrize("number", ["0", "-1", "2", "99", "1e3", "", "nonsense", "9" * 30, "\0"])
def test_any_number_in_the_start_form_starts_the_first_attempt_only(
    browser: Browser, committed: Session, number: str
) -> None:
    quiz = published_quiz(committed, max_attempts=1)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    for _ in range(2):
        assert player.client.post(player.play, number=number).location == player.play
    numbers = [row["number"] for row in stored(committed) if "number" in row]
    assert numbers == [1]


def test_reading_never_starts_anything(browser: Browser, committed: Session) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    nobody = uuid4()
    for client in (browser("A Player"), browser("An Admin", "admin"), browser()):
        for path in (
            f"/quiz/{quiz.id}",
            f"/quiz/{quiz.id}/play",
            f"/quiz/{quiz.id}/play?number=1",
            f"/quiz/{quiz.id}/play/answer",
            f"/quiz/{quiz.id}/play/next",
            f"/quiz/{quiz.id}/play?attempt={nobody}&answered={nobody}",
            f"/quiz/{quiz.id}/results/{nobody}",
        ):
            for htmx in (False, True):
                assert client.get(path, htmx=htmx).status_code in {200, 204, 303, 404, 405}
                assert client.open(path, method="HEAD").status_code in {200, 303, 404, 405}
                assert client.open(path, method="OPTIONS").status_code in {200, 404}
    assert stored(committed) == []
