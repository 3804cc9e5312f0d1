"""Leaving and coming back: the attempt is where it was."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.models import LoginSession
from respondeo.services import authoring
from tests.conftest import Clock
from tests.factories import add_user, document, editor, published_quiz
from tests.web.apps import Browser
from tests.web.playing import Player, asked, stored


def test_the_back_button_shows_where_the_attempt_stands(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = player.answer(player.start(), "B")
    assert player.client.get(player.play).headers["Cache-Control"] == "no-store"
    assert player.look().words("#verdict") == page.words("#verdict") == "Not right"
    page = player.next(page)
    assert asked(player.look()) == 2
    # Back to the quiz's page: its button resumes, and resuming starts nothing.
    again = player.client.page(player.quiz)
    assert "Resume" in again.words(".start")
    before = stored(committed)
    assert asked(player.start()) == 2
    assert stored(committed) == before


def test_a_second_browser_and_signing_out_and_in_find_the_attempt_where_it_stands(
    browser: Browser, committed: Session, committed_clock: Clock
) -> None:
    quiz = published_quiz(committed, time_limit_seconds=100)
    person = add_user(committed)
    committed_clock.stop()
    committed.commit()
    here, there = browser(), browser()
    here.sign_in(person.id)
    there.sign_in(person.id)
    player = Player(here, quiz.id)
    player.next(player.answer(player.start(), "A"))
    committed_clock.advance(seconds=10)
    committed.commit()
    shown = there.page(player.play)
    assert asked(shown) == 2
    assert shown.one("#quiz-clock").attrs["remaining-ms"] == "90000"
    here.post("/sign-out")
    assert here.get(player.play).status_code == 303
    assert here.page(player.quiz).words(".start").startswith("Start")
    committed_clock.advance(seconds=10)
    committed.commit()
    here.sign_in(person.id)
    assert player.look().one("#quiz-clock").attrs["remaining-ms"] == "80000"
    assert asked(Player(there, quiz.id).answer(shown, "A")) == 2
    assert "Right" in player.look().words("#verdict")


def test_a_session_that_ends_in_mid_play_sends_the_player_to_sign_in_and_nothing_is_lost(
    browser: Browser, app_with: Any, committed: Session
) -> None:
    closed = app_with(
        rbac_public_play_quiz=False,
        rbac_public_view_quiz=False,
        rbac_public_browse_quizzes=False,
        rbac_public_leaderboard=False,
    )
    quiz = published_quiz(committed)
    committed.commit()
    player = Player(browser("A Player", on=closed), quiz.id)
    page = player.next(player.answer(player.start(), "A"))
    committed.execute(sa.delete(LoginSession))
    committed.commit()
    before = stored(committed)
    refused = player.send_answer(page, "A")
    assert stored(committed) == before
    assert refused.status_code in {303, 404}
    assert player.client.open(player.play, follow_redirects=True).request.path == "/sign-in"


def test_a_quiz_unpublished_in_mid_play_is_finished_and_then_gone(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=2)
    committed.commit()
    client = browser("A Player")
    player = Player(client, quiz.id)
    page = player.start()
    authoring.unpublish(committed, editor(), quiz.id)
    committed.commit()
    page = player.answer(player.next(player.answer(page, "A")), "A")
    result = client.page(page.one("#play-go").attrs["href"])
    assert "2/2" in result.words(".score-ring")
    assert not result.all(".result-actions form")
    for path in (player.quiz, f"{player.quiz}/results"):
        assert client.get(path).status_code == 404
    assert client.post(player.play, number=2).status_code == 404
    stranger = browser("Another")
    assert stranger.get(result.path).status_code == 404
    assert stranger.get(player.play).status_code == 404
    assert stranger.post(player.play, number=1).status_code == 404


def test_an_open_attempt_at_an_unpublished_quiz_can_be_found_again(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    player.next(player.answer(player.start(), "A"))
    authoring.unpublish(committed, editor(), quiz.id)
    committed.commit()
    assert asked(player.look()) == 2
    assert player.client.post(player.play, number=1).location == player.play


def test_a_deleted_quiz_takes_its_play_with_it(browser: Browser, committed: Session) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = player.start()
    authoring.delete_quiz(committed, editor(), quiz.id)
    committed.commit()
    assert player.send_answer(page, "A").status_code == 404
    assert player.client.get(player.play).status_code == 404


def test_a_quiz_changed_in_mid_play_is_played_and_reviewed_as_it_was(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=2)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = player.next(player.answer(player.start(), "A"))
    changed = document(1, title="Something else", time_limit_seconds=5)
    authoring.save_draft(committed, editor(), quiz.id, changed)
    authoring.publish(committed, editor(), quiz.id)
    committed.commit()
    assert asked(player.look()) == 2
    feedback = player.answer(page, "A")
    result = player.client.page(feedback.one("#play-go").attrs["href"])
    assert "2/2" in result.words(".score-ring")
    assert "Question 2?" in result.words(".review")
    assert result.title() == "2 of 2: A quiz · Respondeo"
    # The next attempt is at what is there now; the earlier review stays what it was.
    assert player.start().words(".play-title") == "Something else"
    assert player.client.page(result.path).words(".review") == result.words(".review")
