"""Money-grade paths, run in parallel against two workers on the real database."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.client import Page
from tests.races.conftest import Playing, World, at_once, form_of
from tests.races.serving import until

pytestmark = pytest.mark.xdist_group("races")

ANSWERS = (
    "SELECT count(*) AS rows, count(answered_at) AS answered,"
    " count(DISTINCT answer_id) AS different, max(quiz_attempt.correct_count) AS correct,"
    " count(DISTINCT quiz_attempt.id) AS attempts"
    " FROM quiz_attempt JOIN attempt_answer ON attempt_id = quiz_attempt.id WHERE quiz_id = :quiz"
)


def chosen(page: Page) -> str:
    """The answer that the feedback marks as the player's own."""
    marked = [node for node in page.all("li.answer") if "Your answer" in node.to_text()]
    assert len(marked) == 1
    return " ".join(marked[0].to_text().split())


def test_the_same_answer_twenty_times_at_once_is_stored_once_and_shown_to_all(
    world: World,
) -> None:
    player = world.player(world.quiz(time_limit_seconds=600))
    body = urlencode(form_of(player.start(), "A"))
    sent = at_once(
        [
            player.caller.prepared("POST", f"{player.play}/answer", body, htmx=True)
            for _ in range(20)
        ]
    )
    assert {response.status_code for response in sent} == {200}
    shown = [Page(response) for response in sent]
    assert {page.words("#verdict") for page in shown} == {"Right"}
    assert {chosen(page) for page in shown} == {"Answer A of 1 Your answer, right"}
    assert {page.one("#quiz-clock").attrs["remaining-ms"] for page in shown} == {
        player.look().one("#quiz-clock").attrs["remaining-ms"]
    }
    stored = world.row(ANSWERS, quiz=player.id)
    assert (stored["answered"], stored["correct"], stored["attempts"]) == (1, 1, 1)


def test_of_different_answers_at_once_one_is_stored_and_shown_to_all(world: World) -> None:
    player = world.player(world.quiz())
    page = player.start()
    sent = at_once(
        [
            player.caller.prepared(
                "POST", f"{player.play}/answer", urlencode(form_of(page, letter)), htmx=True
            )
            for letter in "ABCD" * 5
        ]
    )
    assert {response.status_code for response in sent} == {200}
    shown = {chosen(Page(response)) for response in sent}
    assert len(shown) == 1
    stored = world.row(ANSWERS, quiz=player.id)
    assert (stored["answered"], stored["different"]) == (1, 1)
    assert {chosen(player.look())} == shown
    assert stored["correct"] == ("right" in shown.pop())


@pytest.mark.parametrize("form", [{"number": "1"}, {}])
def test_fifty_starts_at_once_make_one_attempt(world: World, form: dict[str, str]) -> None:
    player = world.player(world.quiz(max_attempts=1))
    body = urlencode(form)
    sent = at_once([player.caller.prepared("POST", player.play, body) for _ in range(50)])
    assert {(response.status_code, response.location) for response in sent} == {(303, player.play)}
    stored = world.row(ANSWERS, quiz=player.id)
    assert (stored["attempts"], stored["rows"], stored["answered"]) == (1, 3, 0)


def test_a_guest_who_starts_in_many_tabs_at_once_has_one_attempt(world: World) -> None:
    quiz_id = world.quiz()
    player = world.player(quiz_id)
    player.caller.cookie = "respondeo_guest=" + "g" * 43
    sent = at_once([player.caller.prepared("POST", player.play, "number=1") for _ in range(20)])
    assert {(response.status_code, response.location) for response in sent} == {(303, player.play)}
    assert world.row(ANSWERS, quiz=quiz_id)["attempts"] == 1


def test_next_twenty_times_at_once_moves_on_once(world: World) -> None:
    player = world.player(world.quiz(questions=5))
    feedback = Page(player.answer(player.start(), "A"))
    body = urlencode(feedback.fields("form[data-sends=next]"))
    sent = at_once(
        [player.caller.prepared("POST", f"{player.play}/next", body, htmx=True) for _ in range(20)]
    )
    shown = {Page(response).words("#question-text") for response in sent}
    assert shown == {"Question 2?"}
    seen = world.row(
        "SELECT count(attempt_answer.shown_at) AS shown FROM attempt_answer JOIN quiz_attempt"
        " ON quiz_attempt.id = attempt_id WHERE quiz_id = :quiz",
        quiz=player.id,
    )
    assert seen["shown"] == 2


BOARD = (
    "SELECT plays, players, (SELECT count(*) FROM quiz_standing s WHERE s.quiz_id = b.quiz_id)"
    " AS standings, (SELECT sum(total_correct) FROM player_standing p JOIN quiz_standing s"
    " USING (user_id) WHERE s.quiz_id = b.quiz_id) AS correct"
    " FROM quiz_board b WHERE quiz_id = :quiz"
)


def test_the_last_answer_twenty_times_at_once_completes_the_attempt_once(world: World) -> None:
    player = world.player(world.quiz(questions=1))
    body = urlencode(form_of(player.start(), "A"))
    sent = at_once(
        [
            player.caller.prepared("POST", f"{player.play}/answer", body, htmx=True)
            for _ in range(20)
        ]
    )
    links = {Page(response).one("#play-go").attrs["href"] for response in sent}
    assert len(links) == 1
    assert world.row(BOARD, quiz=player.id) == {
        "plays": 1,
        "players": 1,
        "standings": 1,
        "correct": 1,
    }


def test_an_overdue_attempt_that_many_look_at_is_completed_once(world: World) -> None:
    player = world.player(world.quiz(questions=2, time_limit_seconds=60))
    player.answer(player.start(), "A")
    world.change(
        "UPDATE quiz_attempt SET started_at = started_at - interval '1 hour',"
        " feedback_at = feedback_at - interval '1 hour',"
        " deadline_at = deadline_at - interval '1 hour' WHERE quiz_id = :quiz",
        quiz=player.id,
    )
    paths = [player.play, player.quiz, f"{player.quiz}/results", "/leaderboard", "/"] * 4
    sent = at_once([player.caller.prepared("GET", path) for path in paths])
    assert {response.status_code for response in sent} == {200, 303}
    assert world.row(BOARD, quiz=player.id) == {
        "plays": 1,
        "players": 1,
        "standings": 1,
        "correct": 1,
    }
    over = world.row("SELECT * FROM quiz_attempt WHERE quiz_id = :quiz", quiz=player.id)
    assert (over["timed_out"], over["total_time_ms"], over["correct_count"]) == (True, 60_000, 1)


def test_many_players_who_finish_at_once_all_stand_on_the_board(world: World) -> None:
    quiz_id = world.quiz(questions=1)
    players = [world.player(quiz_id) for _ in range(12)]
    bodies = [urlencode(form_of(player.start(), "A")) for player in players]
    sent = at_once(
        [
            player.caller.prepared("POST", f"{player.play}/answer", body, htmx=True)
            for player, body in zip(players, bodies, strict=True)
        ]
    )
    assert {response.status_code for response in sent} == {200}
    found = world.row(BOARD, quiz=quiz_id)
    assert (found["plays"], found["players"], found["standings"]) == (12, 12, 12)


def at_zero(player: Playing) -> Page | None:
    """The play page once the time is up; None before."""
    page = player.look()
    return page if page.one("#play").attrs["data-status"] == "time-up" else None


def test_asking_at_zero_does_not_lose_the_answer_that_is_on_its_way(world: World) -> None:
    player = world.player(world.quiz(questions=2, time_limit_seconds=2))
    page = player.start()
    until(lambda: at_zero(player), "the end of the time", seconds=10)
    asking = [player.caller.prepared("GET", player.play, htmx=True) for _ in range(9)]
    asking += [player.caller.prepared("GET", f"{player.quiz}/results") for _ in range(5)]
    body = urlencode(form_of(page, "A"))
    answering = player.caller.prepared("POST", f"{player.play}/answer", body, htmx=True)
    sent = at_once([*asking, answering])
    assert "Right" in Page(sent[-1]).words("#verdict")
    over = world.row("SELECT * FROM quiz_attempt WHERE quiz_id = :quiz", quiz=player.id)
    assert (over["correct_count"], over["timed_out"], over["total_time_ms"]) == (1, True, 2_000)
    assert "1/2" in player.look().words(".score-ring")
