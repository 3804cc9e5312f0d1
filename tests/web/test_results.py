"""A result: its owner's review, other people's view, and what editors see."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from tests.client import Page
from tests.conftest import Clock
from tests.factories import add_user, published_quiz, question
from tests.web.apps import Browser
from tests.web.playing import Player, document_of


def review(page: Page) -> str:
    """The words of the review."""
    return page.words(".review") if page.all(".review") else ""


def test_others_see_the_score_and_no_review(browser: Browser, committed: Session) -> None:
    quiz = published_quiz(committed, questions=2, max_attempts=1)
    committed.commit()
    result = Player(browser("Ada Player"), quiz.id).play_through("AB")
    assert "Question 1?" in review(result)
    for other in (browser("Another"), browser()):
        page = other.page(result.path)
        assert "1/2" in page.words(".score-ring")
        assert "Ada Player" in page.words()
        assert review(page) == ""
        assert "Question 1?" not in page.text
        assert "Answer A of 1" not in page.text
        assert not page.all(".result-actions form")


def test_an_editor_sees_everything_of_others_attempts(browser: Browser, committed: Session) -> None:
    quiz = published_quiz(committed, questions=2, max_attempts=3)
    committed.commit()
    result = Player(browser("Ada Player"), quiz.id).play_through("AB")
    assert "Because of 2." not in result.text
    page = browser("An Admin", "admin").page(result.path)
    assert "Because of 2." in review(page)
    assert "Right answer" in review(page)


@pytest.mark.parametrize(
    ("reveal", "most", "disclosed"),
    [("safe", 1, True), ("safe", 2, False), ("safe", None, True), ("always", 2, True)],
)
def test_a_review_shows_right_answers_only_where_the_attempt_discloses(
    browser: Browser, committed: Session, reveal: str, most: int | None, disclosed: bool
) -> None:
    quiz = published_quiz(committed, questions=1, reveal=reveal, max_attempts=most)
    committed.commit()
    said = review(Player(browser("A Player"), quiz.id).play_through("B"))
    assert "Your answer" in said
    assert ("Right answer" in said.replace("Right answers are", "")) is disclosed
    assert ("Because of 1." in said) is disclosed
    assert ("once your last attempt is over" in said) is not disclosed


def test_the_last_attempt_discloses_the_earlier_reviews_too(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=1, max_attempts=2)
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    first = player.play_through("B")
    assert "Because of 1." not in first.text
    page = player.start()
    assert "Because of 1." not in player.client.page(first.path).text
    player.answer(page, "A")
    assert "Because of 1." in review(player.client.page(first.path))


def test_questions_never_reached_stay_without_text_until_disclosed(
    browser: Browser, committed: Session, committed_clock: Clock
) -> None:
    quiz = published_quiz(committed, questions=3, max_attempts=2, time_limit_seconds=60)
    committed_clock.stop()
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    player.next(player.answer(player.start(), "A"))
    committed_clock.advance(seconds=63)
    committed.commit()
    said = review(player.look())
    assert "Question 2?" in said
    assert "No answer" in said
    assert "You did not get to this question." in said
    assert "Question 3?" not in said


def test_a_result_page_reads_well_where_its_link_is_shared(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=2, title="Rivers & <seas>")
    committed.commit()
    result = Player(browser("Ada Player"), quiz.id).play_through("AA")
    page = browser().page(result.path)
    assert page.title() == "2 of 2: Rivers & <seas> · Respondeo"
    description = page.one("meta[name=description]").attrs["content"]
    assert description == "Ada Player got 2 of 2 right in “Rivers & <seas>”."
    assert page.one("#share-link").attrs["value"] == f"http://localhost{result.path}"


def test_a_guests_result_is_nobodys_name(browser: Browser, committed: Session) -> None:
    quiz = published_quiz(committed, questions=1)
    committed.commit()
    result = Player(browser(), quiz.id).play_through("A")
    seen = browser("Another").page(result.path)
    for page in (result, seen):
        assert "None" not in page.text
        assert page.one("meta[name=description]").attrs["content"] == (
            "A guest got 1 of 1 right in “A quiz”."
        )
    assert seen.words("#result-title") == "A guest: result"
    assert result.words("#result-title") == "Your result"


def test_text_is_shown_literally(browser: Browser, committed: Session) -> None:
    nasty = '<script>alert(1)</script> & "quotes" \'n {{ 7*7 }}'
    quiz = published_quiz(committed, questions=1, title=nasty, description=nasty)
    committed.commit()
    player = Player(browser("<b>Bobby</b>"), quiz.id)
    result = player.play_through("A")
    for path in ("/", player.quiz, f"{player.quiz}/results", result.path, "/leaderboard"):
        page = browser("Another").page(path)
        assert nasty in page.words("main") or path == "/leaderboard"
        assert not page.all("b")


def test_the_names_of_people_are_the_ones_they_chose(browser: Browser, committed: Session) -> None:
    quiz = published_quiz(committed, questions=1)
    person = add_user(committed, "Legal Name")
    person.display_name, person.shown_as = "Nickname", "display_name"
    committed.commit()
    client = browser()
    client.sign_in(person.id)
    result = Player(client, quiz.id).play_through("A")
    for path in (result.path, f"/quiz/{quiz.id}", f"/quiz/{quiz.id}/results", "/leaderboard"):
        page = browser().page(path)
        assert "Nickname" in page.text
        assert "Legal Name" not in page.text
        assert person.email not in page.text


def test_what_a_picture_shows_is_said_wherever_it_is_seen(
    browser: Browser, committed: Session
) -> None:
    said = 'Drei Fl\u00fcsse <b>"im" Winter'
    questions = (
        question(1, image_url="/media/a.webp", image_alt=said),
        question(2, image_url="/media/b.webp"),
    )
    quiz = published_quiz(committed, document_of(*questions, language="de"))
    committed.commit()
    player = Player(browser("A Player"), quiz.id)
    asked = player.start()
    feedback = player.answer(asked, "A")
    for page in (asked, feedback):
        image = page.one(".question-image").attrs
        assert (image["src"], image["alt"], image["lang"]) == ("/media/a.webp", said, "de")
    page = player.next(feedback)
    assert page.one(".question-image").attrs["alt"] == ""
    page = player.client.page(player.answer(page, "A").one("a#play-go").attrs["href"])
    assert [image.attrs["alt"] for image in page.all(".question-image")] == [said, ""]
