"""Attempts by the API: step by step, whole, listed, read; nothing leaks before its time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.models import AttemptAnswer
from tests.api.conftest import Program, Programs, quiz_body
from tests.conftest import Clock


def published(author: Program, questions: int = 3, **changes: Any) -> dict[str, Any]:
    quiz: dict[str, Any] = author.ask("POST", "/api/quizzes", 201, quiz_body(questions, **changes))
    return quiz


def started(player: Program, quiz: dict[str, Any]) -> dict[str, Any]:
    step: dict[str, Any] = player.ask("POST", f"/api/quizzes/{quiz['id']}/attempts/start", 201)
    return step


def answer(player: Program, step: dict[str, Any], place: int, status: int = 200) -> Any:
    question = step["question"]
    body = {"questionId": question["id"], "answerId": question["answers"][place]["id"]}
    return player.ask("POST", f"/api/attempts/{step['attempt']['id']}/answers", status, body)


def test_a_whole_play_with_feedback_after_each_question(program: Programs) -> None:
    quiz, player = published(program("admin"), 2, timeLimitSeconds=60), program()
    step = started(player, quiz)
    assert step["attempt"]["status"] == "question"
    assert step["question"]["position"] == 1
    assert set(step["question"]["answers"][0]) == {"id", "text"}
    assert 0 < step["attempt"]["remainingMs"] <= 60_000
    given = answer(player, step, 0)
    assert given["question"] is None
    assert given["attempt"]["status"] == "feedback"
    assert given["attempt"]["correctCount"] == 1
    assert given["answer"]["isCorrect"] is True
    path = f"/api/attempts/{step['attempt']['id']}"
    assert player.ask("GET", path, 200)["question"] is None
    second = player.ask("POST", f"{path}/next", 200)
    assert second["question"]["position"] == 2
    assert player.ask("POST", f"{path}/next", 200)["question"] == second["question"]
    last = answer(player, second, 1)
    assert last["attempt"]["status"] == "over"
    assert last["attempt"]["correctCount"] == 1
    assert last["attempt"]["ranked"] is True
    board = player.ask("GET", f"/api/quizzes/{quiz['id']}/leaderboard", 200)
    assert [row["userId"] for row in board["items"]] == [str(player.user.id if player.user else 0)]
    overall = player.ask("GET", "/api/leaderboard", 200)["items"]
    assert [(row["rank"], row["totalCorrect"], row["quizzesPlayed"]) for row in overall] == [
        (1, 1, 1)
    ]


def test_an_answer_sent_again_is_told_again_and_another_one_changes_nothing(
    program: Programs,
) -> None:
    quiz, player = published(program("admin"), 1), program()
    step = started(player, quiz)
    first = answer(player, step, 1)
    assert first["attempt"]["status"] == "over"
    assert answer(player, step, 1) == first
    assert answer(player, step, 0) == first


def test_starting_again_resumes_and_the_maximum_holds(program: Programs) -> None:
    quiz, player = published(program("admin"), 1, maxAttempts=1), program()
    step = started(player, quiz)
    path = f"/api/quizzes/{quiz['id']}/attempts/start"
    again = player.ask("POST", path, 200)
    assert again["attempt"]["id"] == step["attempt"]["id"]
    answer(player, step, 0)
    assert "attempt" in player.ask("POST", path, 409)["error"]


def test_with_feedback_at_the_end_nothing_is_judged_before(program: Programs) -> None:
    quiz, player = published(program("admin"), 2, feedback="end"), program()
    step = started(player, quiz)
    assert step["attempt"]["correctCount"] is None
    given = answer(player, step, 0)
    assert given["question"]["position"] == 2
    assert given["attempt"]["correctCount"] is None
    assert given["answer"]["isCorrect"] is given["answer"]["correctAnswerIds"] is None
    read = player.ask("GET", f"/api/attempts/{step['attempt']['id']}", 200)
    assert [one["isCorrect"] for one in read["answers"]] == [None]
    over = answer(player, given, 0)
    assert over["attempt"]["correctCount"] == 2
    read = player.ask("GET", f"/api/attempts/{step['attempt']['id']}", 200)
    assert [one["isCorrect"] for one in read["answers"]] == [True, True]


def test_right_answers_are_told_only_by_an_attempt_that_discloses(program: Programs) -> None:
    quiz, player = published(program("admin"), 1, maxAttempts=2), program()
    first = answer(player, started(player, quiz), 1)
    assert first["answer"]["correctAnswerIds"] is first["answer"]["explanation"] is None
    last = answer(player, started(player, quiz), 1)
    assert last["answer"]["explanation"] == "Because of 1."
    assert last["answer"]["correctAnswerIds"] == [quiz["questions"][0]["answers"][0]["id"]]
    read = player.ask("GET", f"/api/attempts/{first['attempt']['id']}", 200)
    assert read["answers"][0]["correctAnswerIds"]


def test_strangers_to_an_attempt_find_nothing(program: Programs) -> None:
    author, player, other = program("admin"), program(), program()
    quiz = published(author, 1)
    step = started(player, quiz)
    path = f"/api/attempts/{step['attempt']['id']}"
    other.ask("GET", path, 404)
    answer(other, step, 0, 404)
    answer(author, step, 0, 404)
    other.ask("POST", f"{path}/next", 404)
    answer(player, step, 1)
    other.ask("GET", path, 404)
    assert author.ask("GET", path, 200)["answers"][0]["correctAnswerIds"]
    assert player.ask("GET", f"/api/attempts/{uuid4()}", 404)["error"]


def test_editors_follow_an_attempt_that_is_open_and_change_nothing(program: Programs) -> None:
    author, player = program("admin"), program()
    quiz = published(author, 2, feedback="end")
    path = f"/api/attempts/{started(player, quiz)['attempt']['id']}"
    answer(player, player.ask("GET", path, 200), 1)
    seen, own = author.ask("GET", path, 200), player.ask("GET", path, 200)
    assert seen["question"] == own["question"]
    assert seen["question"]["position"] == 2
    right = quiz["questions"][0]["answers"][0]["id"]
    assert (seen["answers"][0]["isCorrect"], seen["answers"][0]["correctAnswerIds"]) == (
        False,
        [right],
    )
    assert own["answers"][0]["isCorrect"] is own["answers"][0]["correctAnswerIds"] is None


def test_questions_and_answers_of_other_places_are_conflicts(program: Programs) -> None:
    quiz, player = published(program("admin"), 2), program()
    step = started(player, quiz)
    path = f"/api/attempts/{step['attempt']['id']}/answers"
    shown, hidden = quiz["questions"]
    ahead = {"questionId": hidden["id"], "answerId": hidden["answers"][0]["id"]}
    player.ask("POST", path, 409, ahead)
    mixed = {"questionId": shown["id"], "answerId": hidden["answers"][0]["id"]}
    player.ask("POST", path, 409, mixed)
    player.ask("POST", path, 409, {"questionId": str(uuid4()), "answerId": str(uuid4())})
    wrong = player.ask("POST", path, 400, {"questionId": "1", "answerId": None})
    assert {one["path"] for one in wrong["details"]} == {"questionId", "answerId"}
    assert player.ask("GET", path.removesuffix("/answers"), 200)["answers"] == []


def test_a_whole_attempt_is_graded_here_and_stays_off_the_boards(program: Programs) -> None:
    quiz, player = published(program("admin"), 3, maxAttempts=2, timeLimitSeconds=10), program()
    path = f"/api/quizzes/{quiz['id']}/attempts"
    first, second, _ = quiz["questions"]
    answers = [
        {"questionId": second["id"], "answerId": second["answers"][1]["id"], "displayOrder": 1},
        {"questionId": first["id"], "answerId": first["answers"][0]["id"], "displayOrder": 0},
        {"questionId": quiz["questions"][2]["id"], "answerId": "", "displayOrder": 2},
    ]
    body = {"answers": answers, "totalTimeMs": 99_000, "timedOut": True}
    made = player.ask("POST", path, 201, body)
    assert (made["correctCount"], made["totalQuestions"], made["status"]) == (1, 3, "over")
    assert (made["totalTimeMs"], made["ranked"], made["timedOut"]) == (10_000, False, True)
    assert player.ask("GET", f"/api/quizzes/{quiz['id']}/leaderboard", 200)["items"] == []
    for wrong in (
        [answers[0], answers[0]],
        [{"questionId": str(uuid4()), "answerId": None}],
        [{"questionId": first["id"], "answerId": second["answers"][0]["id"]}],
    ):
        player.ask("POST", path, 409, {**body, "answers": wrong})
    step = started(player, quiz)
    assert step["attempt"]["ranked"] is True
    player.ask("POST", path, 409, body)  # one is open, and it was the last
    listed = player.ask("GET", path, 200)
    assert [one["status"] for one in listed["items"]] == ["question", "over"]


def test_a_whole_attempt_is_kept_as_it_was_sent(program: Programs, committed: Session) -> None:
    quiz, player = published(program("admin"), 3, maxAttempts=2), program()
    path = f"/api/quizzes/{quiz['id']}/attempts"
    first, second, third = quiz["questions"]
    answers = [
        {"questionId": third["id"], "answerId": third["answers"][2]["id"], "displayOrder": 7},
        {"questionId": first["id"], "answerId": first["answers"][0]["id"], "displayOrder": 1},
        {"questionId": second["id"], "answerId": None, "displayOrder": 4},
    ]
    made = player.ask("POST", path, 201, {"answers": answers, "totalTimeMs": 901})
    rows = rows_of(committed, made)
    assert [(str(row.question_id), row.is_correct, row.time_ms) for row in rows] == [
        (first["id"], True, 450),
        (second["id"], None, None),
        (third["id"], False, 450),
    ]
    assert [row.answer_order for row in rows] == [[0, 1, 2]] * 3
    assert [row.shown_at == row.answered_at for row in rows] == [True, False, True]
    assert all(row.shown_at is not None for row in rows)
    made = player.ask("POST", path, 201, {"answers": [], "totalTimeMs": 901})
    rows = rows_of(committed, made)
    assert [str(row.question_id) for row in rows] == [one["id"] for one in quiz["questions"]]
    assert {(row.shown_at, row.answer_id, row.answered_at) for row in rows} == {(None, None, None)}


def rows_of(session: Session, made: dict[str, Any]) -> Sequence[AttemptAnswer]:
    """What is kept of the questions of an attempt, in their order."""
    rows = sa.select(AttemptAnswer).where(AttemptAnswer.attempt_id == UUID(made["id"]))
    return session.scalars(rows.order_by(AttemptAnswer.display_order)).all()


def test_an_attempt_whose_time_is_up_does_not_keep_a_whole_one_out(
    program: Programs, committed: Session, committed_clock: Clock
) -> None:
    quiz, player = published(program("admin"), 1, maxAttempts=2, timeLimitSeconds=5), program()
    started(player, quiz)
    committed_clock.advance(seconds=60)
    committed.commit()
    path, body = f"/api/quizzes/{quiz['id']}/attempts", {"answers": [], "totalTimeMs": 1}
    made = player.ask("POST", path, 201, body)
    listed = player.ask("GET", path, 200)["items"]
    assert [(one["id"] == made["id"], one["ranked"]) for one in listed] == [
        (True, False),
        (False, True),
    ]
    assert [one["status"] for one in listed] == ["over", "over"]
    assert "attempt" in player.ask("POST", path, 409, body)["error"]


def test_no_question_of_a_whole_attempt_takes_longer_than_the_limit(
    program: Programs, committed: Session
) -> None:
    quiz, player = published(program("admin"), 2, timeLimitSeconds=10), program()
    answers = [
        {"questionId": one["id"], "answerId": one["answers"][0]["id"]} for one in quiz["questions"]
    ]
    body = {"answers": answers, "totalTimeMs": 604_800_000}
    made = player.ask("POST", f"/api/quizzes/{quiz['id']}/attempts", 201, body)
    times = sa.select(AttemptAnswer.time_ms).where(AttemptAnswer.attempt_id == UUID(made["id"]))
    assert committed.scalars(times).all() == [5000, 5000]


def test_whole_attempts_sent_at_once_are_recorded_or_told_why_not(program: Programs) -> None:
    quiz, player = published(program("admin"), 1, maxAttempts=None), program()
    path, body = f"/api/quizzes/{quiz['id']}/attempts", {"answers": [], "totalTimeMs": 1}
    together = Barrier(6)

    def send(_: int) -> tuple[int, str]:
        together.wait(timeout=30)
        answered = player.request("POST", path, body)
        return answered.status_code, answered.get_json().get("error", "")

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(6)))
    refused = [words for status, words in answers if status == 409]
    assert all("at the same moment" in words for words in refused), refused
    assert len(answers) - len(refused) == player.ask("GET", path, 200)["totalCount"] >= 1


def test_editors_list_everybodys_attempts_and_others_their_own(program: Programs) -> None:
    author, one, two = program("admin"), program(name="Real One"), program()
    quiz = published(author, 1)
    for player in (one, two):
        answer(player, started(player, quiz), 0)
    path = f"/api/quizzes/{quiz['id']}/attempts"
    assert one.user is not None
    assert author.ask("GET", path, 200)["totalCount"] == 2
    assert [row["userId"] for row in one.ask("GET", path, 200)["items"]] == [str(one.user.id)]
    named = author.ask("GET", f"{path}?userId={one.user.id}", 200)["items"]
    assert [row["user"]["name"] for row in named] == ["Real One"]
    assert two.ask("GET", f"{path}?userId={one.user.id}", 200)["items"] == []


def test_an_attempt_whose_time_is_up_is_over_for_whoever_reads_it(
    program: Programs, committed: Session, committed_clock: Clock
) -> None:
    quiz, player = published(program("admin"), 2, timeLimitSeconds=5), program()
    step = started(player, quiz)
    committed_clock.advance(seconds=60)
    committed.commit()
    answer(player, step, 0, 409)
    read = player.ask("GET", f"/api/attempts/{step['attempt']['id']}", 200)["attempt"]
    assert (read["status"], read["timedOut"], read["totalTimeMs"]) == ("over", True, 5000)


def test_in_the_grace_no_question_is_told_any_more_and_an_answer_still_counts(
    program: Programs, committed: Session, committed_clock: Clock
) -> None:
    quiz, player = published(program("admin"), 2, timeLimitSeconds=5), program()
    committed_clock.stop()
    committed.commit()
    step = started(player, quiz)
    committed_clock.advance(seconds=6)
    committed.commit()
    start = f"/api/quizzes/{quiz['id']}/attempts/start"
    for method, path in (("GET", f"/api/attempts/{step['attempt']['id']}"), ("POST", start)):
        told = player.ask(method, path, 200)
        assert (told["attempt"]["status"], told["attempt"]["remainingMs"]) == ("question", 0)
        assert told["question"] is None
    over = answer(player, step, 0)["attempt"]
    assert (over["status"], over["correctCount"], over["totalTimeMs"]) == ("over", 1, 5000)
