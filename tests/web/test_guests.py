"""Guests: the same engine, a cookie instead of a name."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from tests.client import Client
from tests.factories import add_user, published_quiz
from tests.web.apps import Browser
from tests.web.playing import Player, asked, attempt_id


def guest_player(client: Client, quiz_id: UUID) -> Player:
    """Somebody who plays without having signed in."""
    assert client.cookie(client.session_cookie) is None
    return Player(client, quiz_id)


def test_a_guest_plays_with_a_cookie_gets_a_score_and_no_review(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=2)
    committed.commit()
    client = browser()
    player = guest_player(client, quiz.id)
    page = player.start()
    token = client.cookie(client.guest_cookie)
    assert token is not None
    assert len(token) >= 32
    for letter in "AB":  # without right answers before the end: as with feedback at the end
        assert "right" not in page.words(".play-where")
        page = player.answer(page, letter)
    assert page.path.startswith(f"{player.quiz}/results/")
    assert "1/2" in page.words(".score-ring")
    assert not page.all(".review")
    assert "Sign in before you play to get a review" in page.words()
    assert "None" not in page.text
    assert "Nobody has played this yet." in client.page(f"{player.quiz}/results").words()


def test_the_page_of_a_quiz_tells_a_guest_what_a_guest_gets(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed, max_attempts=3)
    open_book = published_quiz(committed, reveal="always")
    committed.commit()
    page = browser().page(f"/quiz/{quiz.id}")
    assert "Attempts Unlimited" in page.words(".facts")
    assert "Feedback At the end" in page.words(".facts")
    assert "a score, but no review and no place on the board" in page.words(".start")
    page = browser().page(f"/quiz/{open_book.id}")
    assert "Feedback After each question" in page.words(".facts")
    assert "As a guest you get no place on the board." in page.words(".start")
    page = browser("A Player").page(f"/quiz/{quiz.id}")
    assert "Attempts 3" in page.words(".facts")
    assert "guest" not in page.words(".start")


def test_a_guest_of_a_quiz_that_reveals_always_gets_feedback_and_a_review(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=1, reveal="always")
    committed.commit()
    player = guest_player(browser(), quiz.id)
    page = player.answer(player.start(), "B")
    assert "Because of 1." in page.words("#explanation")
    result = player.client.page(page.one("#play-go").attrs["href"])
    assert "Because of 1." in result.words(".review")


def test_a_guests_attempt_belongs_to_their_cookie_and_signing_in_adopts_nothing(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed)
    person = add_user(committed)
    committed.commit()
    client = browser()
    player = guest_player(client, quiz.id)
    page = player.answer(player.start(), "A")
    attempt = attempt_id(page)
    assert asked(player.look()) == 2
    stranger = browser()
    assert stranger.get(f"{player.play}?attempt={attempt}").status_code == 404
    assert stranger.page(player.play).words(".start").startswith("Start")
    client.sign_in(person.id)
    assert client.get(f"{player.play}?attempt={attempt}").status_code == 404
    assert client.page(player.play).words(".start").startswith("Start")
    assert asked(player.start()) == 1
    client.post("/sign-out")
    assert asked(player.look()) == 2


def test_a_guest_cannot_choose_a_short_token(browser: Browser, committed: Session) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    client = browser()
    client.http.set_cookie(client.guest_cookie, "guess")
    Player(client, quiz.id).start()
    assert len(client.cookie(client.guest_cookie) or "") >= 32
