"""The same play through fragments: what htmx asks for and what it gets."""

from __future__ import annotations

from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.client import Page
from tests.conftest import Clock
from tests.factories import published_quiz
from tests.web.apps import Browser
from tests.web.playing import Player, asked


def fragment(response: TestResponse) -> Page:
    """What htmx swaps in: `#play` alone, marked as different from the page."""
    page = Page(response)
    assert not page.is_whole
    assert "HX-Request" in page.response.headers["Vary"]
    assert page.response.headers["Cache-Control"] == "no-store"
    assert len(page.all("#play")) == 1
    return page


def test_answer_and_next_answer_with_the_fragment_that_changed(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=2)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = fragment(player.send_answer(player.start(), "A", htmx=True))
    assert "Right" in page.words("#verdict")
    assert page.one("#play").attrs["data-status"] == "feedback"
    page = fragment(player.send_next(page, htmx=True))
    assert asked(page) == 2
    page = fragment(player.send_answer(page, "B", htmx=True))
    assert "Not right" in page.words("#verdict")
    assert page.one("#play-go").attrs["href"].startswith(f"{player.quiz}/results/")


def test_with_feedback_at_the_end_the_fragment_is_the_next_question_and_then_a_way_out(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=2, feedback="end")
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = fragment(player.send_answer(player.start(), "A", htmx=True))
    assert asked(page) == 2
    over = player.send_answer(page, "A", htmx=True)
    assert over.status_code == 204
    assert over.headers["HX-Redirect"].startswith(f"{player.quiz}/results/")
    assert "HX-Request" in over.headers["Vary"]


def test_starting_leads_to_the_play_page(browser: Browser, committed: Session) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    client = browser("A Player")
    started = client.post(f"/quiz/{quiz.id}/play", htmx=True, number=1)
    assert started.status_code == 204
    assert started.headers["HX-Redirect"] == f"/quiz/{quiz.id}/play"


def test_a_form_without_a_choice_comes_back_as_a_fragment_with_422(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    form = player.start().fields("form.answer-form")
    response = player.client.post(f"{player.play}/answer", form, htmx=True)
    assert response.status_code == 422
    assert fragment(response).words("#answer-error") == "Choose one of the answers."


def test_the_clock_asks_again_and_gets_where_the_attempt_stands(
    browser: Browser, committed: Session, committed_clock: Clock
) -> None:
    quiz = published_quiz(committed, time_limit_seconds=30)
    committed_clock.stop()
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    player.start()
    committed_clock.advance(seconds=30)
    committed.commit()
    response = player.client.get(player.play, htmx=True)
    page = fragment(response)
    assert page.one("#play").attrs["data-status"] == "time-up"
    assert page.one(".play-end").attrs["hx-trigger"] == "load delay:2050ms"
    committed_clock.advance(seconds=2.05)
    committed.commit()
    over = player.client.get(player.play, htmx=True)
    assert over.status_code == 204
    assert over.headers["HX-Redirect"].startswith(f"{player.quiz}/results/")


def test_a_history_restore_gets_the_whole_page(browser: Browser, committed: Session) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    player.start()
    response = player.client.get(player.play, htmx=True, **{"HX-Request-Type": "full"})
    assert Page(response).is_whole
