"""Second tabs and forms sent twice: a stale tab is brought to where the attempt stands."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from tests.client import Page
from tests.factories import published_quiz
from tests.web.apps import Browser
from tests.web.playing import Player, answers, asked, attempt_id, stored


@pytest.mark.parametrize("feedback", ["each", "end"])
@pytest.mark.parametrize("htmx", [False, True])
def test_an_answered_question_answered_again_changes_nothing(
    browser: Browser, committed: Session, feedback: str, htmx: bool
) -> None:
    quiz = published_quiz(committed, feedback=feedback)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = player.start()
    first = player.send_answer(page, "A", htmx=htmx)
    before = stored(committed)
    for letter in "AB":
        again = player.send_answer(page, letter, htmx=htmx)
        assert stored(committed) == before
        assert again.status_code == first.status_code
        assert again.headers.get("Location") == first.headers.get("Location")
        assert answers(committed)[0] == "Answer A of 1"
        shown = player.client.page(
            f"{player.play}?answered={page.fields('#play form')['question']}"
        )
        if feedback == "each":
            assert "Your answer, right" in shown.words("li.is-right")
        else:
            assert asked(shown) == 2


def test_a_second_tab_cannot_change_a_committed_answer_and_is_shown_the_first(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    stale = player.start()
    page = player.next(player.answer(stale, "A"))
    shown = player.answer(stale, "B")
    assert asked(shown) == 1
    assert "Right" in shown.words("#verdict")
    assert "This is how you answered" in shown.words("#explanation")
    assert asked(player.client.page(shown.one("#play-go").attrs["href"])) == 2
    assert answers(committed) == ["Answer A of 1", None, None]
    assert asked(page) == 2


def test_a_tab_left_at_a_question_of_a_finished_attempt_shows_what_is_stored(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=2)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    stale = player.start()
    page = player.answer(player.next(player.answer(stale, "A")), "A")
    before = stored(committed)
    shown = player.answer(stale, "B")
    assert "Right" in shown.words("#verdict")
    assert stored(committed) == before
    assert page.one("#play-go").attrs["href"].startswith(f"{player.quiz}/results/")


@pytest.mark.parametrize("feedback", ["each", "end"])
def test_the_form_of_an_earlier_attempt_does_not_reach_into_the_one_that_runs(
    browser: Browser, committed: Session, feedback: str
) -> None:
    quiz = published_quiz(committed, questions=2, feedback=feedback)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    old = player.start()
    page = player.answer(old, "A")
    if feedback == "each":
        page = player.next(page)
    player.answer(page, "A")
    new = player.start()
    before = stored(committed)
    assert attempt_id(new) != attempt_id(old)
    shown = player.answer(old, "B")
    assert stored(committed) == before
    if feedback == "each":
        assert "Right" in shown.words("#verdict")
    else:
        assert shown.path == f"{player.quiz}/results/{attempt_id(old)}"
    assert asked(player.look()) == 1
    # And a form that mixes the two is an answer to the attempt it names.
    player.send_answer(new, "B", attempt=attempt_id(old))
    assert stored(committed) == before


def test_next_twice_moves_on_once(browser: Browser, committed: Session) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = player.answer(player.start(), "A")
    assert asked(player.next(page)) == 2
    before = stored(committed)
    assert asked(player.next(page)) == 2
    assert stored(committed) == before


def test_next_of_an_earlier_feedback_does_not_skip_the_one_that_is_shown(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    first = player.answer(player.start(), "A")
    player.answer(player.next(first), "B")
    before = stored(committed)
    shown = player.next(first)
    assert stored(committed) == before
    assert asked(shown) == 2
    assert "Not right" in shown.words("#verdict")
    assert asked(player.next(shown)) == 3


def test_next_after_the_end_leads_to_the_result(browser: Browser, committed: Session) -> None:
    quiz = published_quiz(committed, questions=2)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    feedback = player.answer(player.start(), "A")
    player.answer(player.next(feedback), "A")
    assert player.next(feedback).path.startswith(f"{player.quiz}/results/")


def test_a_start_form_sent_again_after_the_attempt_shows_its_result_and_starts_no_other(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=1)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    stale = player.client.page(player.quiz)
    result = player.play_through("A").path
    assert player.client.submit(stale, ".start form").path == result
    assert len([row for row in stored(committed) if "number" in row]) == 1
    page = player.client.submit(player.client.page(result), ".result-actions form")
    assert asked(page) == 1


def test_when_all_attempts_are_used_the_page_says_so_and_a_forged_start_is_refused(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=1, max_attempts=1)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    result = player.play_through("A").path
    page = player.client.page(player.quiz)
    assert "You have used your one attempt." in page.words(".start")
    assert not page.all(".start form")
    assert page.one(".start a.btn").attrs["href"] == result
    refused = player.client.post(player.play, number=2)
    assert refused.status_code == 409
    assert "You have used your one attempt at this quiz." in refused.get_data(as_text=True)
    assert Page(refused).one(".trouble a.btn").attrs["href"] == player.quiz
    assert player.client.post(player.play, number=1).location == result
