"""A whole quiz through forms and links alone."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from tests.client import Client
from tests.conftest import Clock
from tests.factories import add_user, published_quiz
from tests.web.apps import Browser
from tests.web.playing import Player, asked, attempt_id, options


def test_a_quiz_is_played_with_forms_and_links_alone(client: Client, committed: Session) -> None:
    quiz = published_quiz(committed, questions=2)
    player = add_user(committed)
    committed.commit()
    client.sign_in(player.id)

    page = client.page(f"/quiz/{quiz.id}")
    page = client.submit(page, ".start form")
    for number in (1, 2):
        assert page.words("#question-text") == f"Question {number}?"
        right = page.all("#play input[type=radio]")[0].attrs["value"]
        page = client.submit(page, "#play form", answer=right)
        assert "Right" in page.words("#verdict")
        if number == 1:
            page = client.submit(page, "#play form")
    link = page.one("#play-go").attrs["href"]
    page = client.page(link)
    assert "2/2" in page.words().replace(" ", "")


def test_each_step_answers_303_and_the_page_that_follows_is_where_the_attempt_stands(
    browser: Browser, committed: Session
) -> None:
    client = browser("A Player")
    player = Player(client, published_quiz(committed, questions=2).id)
    committed.commit()
    quiz = player.quiz
    started = client.post(f"{quiz}/play", number=1)
    assert (started.status_code, started.location) == (303, f"{quiz}/play")
    page = player.look()
    attempt = attempt_id(page)
    question = page.fields("form.answer-form")["question"]
    answered = player.send_answer(page, "B")
    assert answered.status_code == 303
    assert answered.location == f"{quiz}/play?attempt={attempt}&answered={question}"
    page = client.page(answered.location)
    assert "Not right" in page.words("#verdict")
    assert asked(page) == 1
    following = player.send_next(page)
    assert (following.status_code, following.location) == (303, f"{quiz}/play")
    last = player.send_answer(player.look(), "A")
    page = client.page(last.location)
    assert page.one("#play-go").attrs["href"] == f"{quiz}/results/{attempt}"
    assert client.get(f"{quiz}/play").location == f"{quiz}/results/{attempt}"


def test_with_feedback_at_the_end_the_next_question_comes_at_once_and_then_the_result(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=3, feedback="end")
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = player.start()
    for number, letter in enumerate("ABA", start=1):
        assert asked(page) == number
        page = player.answer(page, letter)
    assert page.path.startswith(f"{player.quiz}/results/")
    assert "2/3" in page.words(".score-ring")


def test_shuffled_questions_and_answers_stand_still_for_the_whole_attempt(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=6, randomize_questions=True, randomize_answers=True)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = player.start()
    met = []
    for _ in range(6):
        assert options(page) == options(player.look())
        met.append(asked(page))
        page = player.answer(page, "A")
        if page.all("form[data-sends=next] button"):
            page = player.next(page)
    assert sorted(met) == [1, 2, 3, 4, 5, 6]
    assert "6/6" in player.look().words(".score-ring")


@pytest.mark.parametrize("feedback", ["each", "end"])
def test_a_form_without_a_choice_comes_back_with_422_and_says_what_is_missing(
    browser: Browser, committed: Session, feedback: str
) -> None:
    quiz = published_quiz(committed, feedback=feedback)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = player.start()
    again = player.client.submit(page, "form.answer-form")
    assert again.status == 422
    assert again.words("#answer-error") == "Choose one of the answers."
    assert again.one("fieldset").attrs["aria-describedby"] == "answer-error"
    assert {node.attrs["aria-invalid"] for node in again.all("input[type=radio]")} == {"true"}
    assert len(again.all("input[autofocus]")) == 1
    assert options(again) == options(page)
    assert again.fields("form.answer-form") == page.fields("form.answer-form")
    # It still is the same question, and the form that came back works.
    done = player.answer(again, "A")
    assert done.all("#verdict") if feedback == "each" else asked(done) == 2


def test_at_feedback_the_clock_stands_and_the_page_says_so(
    browser: Browser, committed: Session, committed_clock: Clock
) -> None:
    quiz = published_quiz(committed, time_limit_seconds=100)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    committed_clock.stop()
    committed.commit()
    page = player.start()
    committed_clock.advance(seconds=10)
    committed.commit()
    page = player.answer(page, "A")
    clock = page.one("#quiz-clock").attrs
    assert (clock["data-state"], clock["remaining-ms"]) == ("standing", "90000")
    assert clock["pause-left-ms"] == "120000"
    committed_clock.advance(seconds=119)
    committed.commit()
    assert player.look().one("#quiz-clock").attrs["remaining-ms"] == "90000"
    committed_clock.advance(seconds=11)
    committed.commit()
    clock = player.look().one("#quiz-clock").attrs
    assert (clock["data-state"], clock["remaining-ms"]) == ("running", "80000")
    page = player.next(page)
    assert page.one("#quiz-clock").attrs["remaining-ms"] == "80000"


def test_an_untimed_quiz_counts_up(
    browser: Browser, committed: Session, committed_clock: Clock
) -> None:
    quiz = published_quiz(committed)
    committed_clock.stop()
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    player.start()
    committed_clock.advance(seconds=65)
    committed.commit()
    page = player.look()
    assert "limit-ms" not in page.one("#quiz-clock").attrs
    assert page.one("#quiz-clock").attrs["spent-ms"] == "65000"
    assert "1:05" in page.words("#quiz-clock")


def test_when_time_is_up_the_page_says_so_asks_again_by_itself_and_then_leads_to_the_result(
    browser: Browser, committed: Session, committed_clock: Clock
) -> None:
    quiz = published_quiz(committed, time_limit_seconds=60)
    committed_clock.stop()
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = player.answer(player.start(), "A")
    page = player.next(page)
    committed_clock.advance(seconds=60)
    committed.commit()
    shown = player.client.get(player.play)
    assert shown.status_code == 200
    assert shown.headers["Refresh"] == "3"
    assert shown.headers["Cache-Control"] == "no-store"
    up = player.look()
    assert "Time is up. Your answer is in." in up.words()
    assert not up.all("form.answer-form")
    assert "Question 2" not in up.words("#play h2")
    # The answer that was on its way arrives inside the grace.
    committed_clock.advance(seconds=1)
    committed.commit()
    page = player.answer(page, "A")
    assert "Right" in page.words("#verdict")
    result = player.client.page(page.one("#play-go").attrs["href"])
    assert "2/3" in result.words(".score-ring")
    assert "Time ran out after 2 answers." in result.words()


def test_after_the_grace_an_answer_is_too_late_and_the_result_is_shown(
    browser: Browser, committed: Session, committed_clock: Clock
) -> None:
    quiz = published_quiz(committed, time_limit_seconds=60, feedback="end")
    committed_clock.stop()
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    page = player.answer(player.start(), "A")
    committed_clock.advance(seconds=62.001)
    committed.commit()
    page = player.answer(page, "A")
    assert "1/3" in page.words(".score-ring")
    assert "1 minute" in page.words("dl.facts")


def test_the_play_page_holds_nothing_but_the_play(browser: Browser, committed: Session) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    page = Player(browser("A Player"), quiz.id).start()
    assert not page.all("header.site-head")
    assert page.one("#play").attrs["data-status"] == "question"
    assert page.one(".play-leave").attrs["href"] == f"/quiz/{quiz.id}"
