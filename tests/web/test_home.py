"""The list of quizzes: search, filters, order, pages, and who sees what."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.document import Document
from respondeo.models import Quiz
from respondeo.services import authoring
from tests.client import Page
from tests.conftest import Clock
from tests.factories import add_user, document, editor, published_quiz
from tests.web.apps import AppWith, Browser
from tests.web.playing import Player


def titles(page: Page) -> list[str]:
    """The titles of the quizzes shown, in order."""
    return [node.to_text().strip() for node in page.all("#quiz-results h2 a")]


def add(session: Session, title: str, author: str = "An Author", **details: object) -> UUID:
    """A published quiz; each a second younger than the one before."""
    person = add_user(session, author)
    doc = document(1, title=title, **{"description": "Nothing.", **details})
    quiz = authoring.create_quiz(session, person.id, doc)
    authoring.publish(session, editor(person), quiz.id)
    earlier = session.scalar(sa.select(sa.func.count()).select_from(Quiz)) or 0
    assert quiz.published_at is not None
    quiz.published_at += timedelta(seconds=earlier - 1000)
    session.commit()
    return quiz.id


@pytest.fixture
def three(committed: Session) -> None:
    """Three quizzes that differ in everything."""
    add(committed, "Rivers", "Ada Lovelace", description="Of Europe.", language="fr")
    add(committed, "Mountains", "Grace Hopper", description="And valleys.", difficulty="hard")
    add(committed, "100% _true_", 'O"Brien', description="a\\b <i>", language="de")


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("rivers", ["Rivers"]),
        ("RIV", ["Rivers"]),
        ("valleys", ["Mountains"]),
        ("lovelace", ["Rivers"]),
        ("  grace   hopper ", ["Mountains"]),
        ("0%", ["100% _true_"]),
        ("%", ["100% _true_"]),
        ("_", ["100% _true_"]),
        ("M_untains", []),
        ("Riv%s", []),
        ('o"b', ["100% _true_"]),
        ("a\\b", ["100% _true_"]),
        ("<i>", ["100% _true_"]),
        ("'; DROP TABLE quiz; --", []),
        ("\0", ["100% _true_", "Mountains", "Rivers"]),
        ("x" * 3000, []),
        ("🦉", []),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_search_takes_title_description_and_author_literally(
    browser: Browser, three: None, q: str, found: list[str]
) -> None:
    client = browser()
    page = client.submit(client.page("/"), "#quiz-search", q=q)
    assert titles(page) == found
    if "\0" not in q:
        assert page.one("#quiz-search-text").attrs["value"] == " ".join(q.split())[:100]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("language=fr", ["Rivers"]),
        ("difficulty=hard", ["Mountains"]),
        ("language=fr&difficulty=hard", []),
        ("q=o&language=de", ["100% _true_"]),
        ("language=xx", ["100% _true_", "Mountains", "Rivers"]),
        ("difficulty=HARD", ["100% _true_", "Mountains", "Rivers"]),
        ("sort=nonsense", ["100% _true_", "Mountains", "Rivers"]),
        ("page=-1&page=2&q=", ["100% _true_", "Mountains", "Rivers"]),
        ("page=99999999999999999999", ["100% _true_", "Mountains", "Rivers"]),
        ("page=%00&language=%00&sort=%00", ["100% _true_", "Mountains", "Rivers"]),
        ("q=%ed%a0%80", []),
        ("q[]=1&unknown=2", ["100% _true_", "Mountains", "Rivers"]),
        ("&&=&%", ["100% _true_", "Mountains", "Rivers"]),
    ],
)
def test_filters_are_in_the_address_and_nonsense_narrows_nothing(
    browser: Browser, three: None, query: str, found: list[str]
) -> None:
    client = browser()
    assert titles(client.page(f"/?{query}")) == found
    assert titles(client.fragment(f"/?{query}")) == found


def test_filters_are_links_that_add_up_and_can_be_taken_away(browser: Browser, three: None) -> None:
    client = browser()
    page = client.page("/")
    page = client.page(page.one("#chip-hard").attrs["href"])
    assert titles(page) == ["Mountains"]
    assert page.one("#chip-hard").attrs["aria-current"] == "true"
    page = client.submit(page, "#quiz-search", q="mount")
    assert titles(page) == ["Mountains"]
    assert page.one("#chip-hard").attrs["aria-current"] == "true"
    page = client.page(page.one("#chip-hard").attrs["href"])
    assert page.one("#quiz-search-text").attrs["value"] == "mount"
    assert "aria-current" not in page.one("#chip-hard").attrs
    page = client.submit(page, "#quiz-search", q="nowhere")
    assert "Nothing found" in page.words("#quiz-results")
    assert len(titles(client.page(page.one("#clear-filters").attrs["href"]))) == 3


def test_newest_first_or_most_played_first(browser: Browser, committed: Session) -> None:
    ids = [add(committed, title) for title in ("Old", "Middle", "New")]
    client = browser("A Player")
    for quiz_id in (ids[0], ids[0], ids[1]):
        page = Player(client, quiz_id).play_through("A")
        assert "1/1" in page.words(".score-ring")
    page = client.page("/")
    assert titles(page) == ["New", "Middle", "Old"]
    page = client.page(page.one("#sort-played").attrs["href"])
    assert titles(page) == ["Old", "Middle", "New"]
    assert page.one("#sort-played").attrs["aria-current"] == "true"


def test_thirty_on_a_page_and_the_pages_follow_each_other(
    browser: Browser, committed: Session
) -> None:
    for number in range(1, 33):
        add(committed, f"Quiz {number:02}")
    client = browser()
    page = client.page("/")
    shown = titles(page)
    assert len(shown) == 30
    assert "32 quizzes" in page.words("#quiz-results")
    page = client.page(page.one("a[rel=next]").attrs["href"])
    shown += titles(page)
    assert shown == [f"Quiz {number:02}" for number in range(32, 0, -1)]
    assert not page.all("a[rel=next]")
    assert titles(client.page(page.one("a[rel=prev]").attrs["href"]))[0] == "Quiz 32"
    assert titles(client.page("/?page=77")) == ["Quiz 02", "Quiz 01"]
    searched = client.page("/?q=quiz&difficulty=medium&sort=played")
    following = searched.one("a[rel=next]").attrs["href"]
    assert following == "/?q=quiz&difficulty=medium&sort=played&page=2"


def test_unpublished_quizzes_are_there_for_those_who_may_edit_them_only(
    browser: Browser, app_with: AppWith, committed: Session, committed_clock: Clock
) -> None:
    committed_clock.stop()
    author = add_user(committed, "The Author", groups=["teachers"])
    colleague = add_user(committed, "A Colleague", groups=["teachers"])
    plain = add_user(committed, "A Player")
    admin = add_user(committed, "An Admin", groups=["admin"])
    made = {}
    for title, at in (("Draft", None), ("Scheduled", 60), ("Out", 0), ("Withdrawn", 0)):
        quiz = authoring.create_quiz(committed, author.id, document(1, title=title))
        if at is not None:
            when = committed_clock.now() + timedelta(seconds=at)
            authoring.publish(committed, editor(), quiz.id, at=when)
        made[title] = quiz.id
    authoring.unpublish(committed, editor(), made["Withdrawn"])
    committed.commit()
    app = app_with(rbac_role_creator_groups={"teachers"})
    everything = ["Draft", "Out", "Scheduled", "Withdrawn"]
    for person, seen in (
        (author, everything),
        (admin, everything),
        (colleague, ["Out"]),
        (plain, ["Out"]),
        (None, ["Out"]),
    ):
        client = browser(on=app)
        if person is not None:
            client.sign_in(person.id)
        assert sorted(titles(client.page("/"))) == seen
        assert sorted(titles(client.page("/?q=author"))) == seen
        for title, quiz_id in made.items():
            for path in (f"/quiz/{quiz_id}", f"/quiz/{quiz_id}/results"):
                assert client.get(path).status_code == (200 if title in seen else 404)
            started = client.post(f"/quiz/{quiz_id}/play", number=1).status_code
            refused = 403 if title in seen else 404
            assert started == (303 if title == "Out" else refused)
    committed_clock.advance(seconds=60)
    committed.commit()
    assert sorted(titles(browser().page("/"))) == ["Out", "Scheduled"]


def test_an_unpublished_quiz_tells_those_who_may_edit_it_why_it_cannot_be_played(
    browser: Browser, committed: Session, committed_clock: Clock
) -> None:
    committed_clock.stop()
    draft = authoring.create_quiz(committed, add_user(committed).id, document(title="Half done"))
    scheduled = authoring.create_quiz(committed, add_user(committed).id, document(title="Soon"))
    authoring.publish(
        committed, editor(), scheduled.id, at=committed_clock.now() + timedelta(days=1)
    )
    committed.commit()
    admin = browser("An Admin", "admin")
    page = admin.page(f"/quiz/{draft.id}")
    assert "A draft." in page.words()
    assert not page.all(".start form")
    page = admin.page(f"/quiz/{scheduled.id}")
    assert "Opens" in page.words()
    assert not page.all(".start form")


def test_cards_show_ones_own_attempts(
    browser: Browser, committed: Session, committed_clock: Clock
) -> None:
    quiz = published_quiz(committed, questions=2, max_attempts=3, time_limit_seconds=90)
    committed_clock.stop()
    committed.commit()
    client = browser("A Player")
    player = Player(client, quiz.id)
    card = f"#card-{quiz.id}"
    assert not client.page("/").all(f"{card} .badge")
    player.play_through("AB")
    words = client.page("/").words(card)
    assert "Best 1/2" in words
    assert "2 attempts left" in words
    player.start()
    committed_clock.advance(seconds=25)
    committed.commit()
    for left in ("1:05", "1:00"):
        assert f"Resume · {left} left" in client.page("/").words(card)
        committed_clock.advance(seconds=5)
        committed.commit()
    assert not browser("Another").page("/").all(f"{card} .badge")
    assert not browser().page("/").all(f"{card} .badge")
    page = player.look()
    while page.all("form.answer-form"):
        page = player.next(player.answer(page, "A"))
    for _ in range(2):
        words = client.page("/").words(card)
        assert "Best 2/2" in words
        assert "1 attempt left" in words


def test_an_open_attempt_between_others_is_shown_at_its_own_quiz(
    browser: Browser, committed: Session, committed_clock: Clock
) -> None:
    committed_clock.stop()
    quizzes = [published_quiz(committed, time_limit_seconds=90) for _ in range(5)]
    committed.commit()
    client = browser("A Player")
    Player(client, quizzes[0].id).play_through("AAA")
    for at in (1, 3):
        Player(client, quizzes[at].id).start()

    def badges() -> list[str]:
        page = client.page("/")
        cards = [page.words(f"#card-{quiz.id} .mine") for quiz in quizzes]
        assert len(page.all(".quiz-card")) == len(quizzes)
        return cards

    for _ in range(2):
        shown = badges()
        assert [("Best" in words, "Resume" in words) for words in shown] == [
            (True, False), (False, True), (False, False), (False, True), (False, False)
        ]  # fmt: skip


def test_reading_the_list_completes_ones_own_overdue_attempts(
    browser: Browser, committed: Session, committed_clock: Clock
) -> None:
    quiz = published_quiz(committed, time_limit_seconds=60, max_attempts=2)
    committed_clock.stop()
    committed.commit()
    client = browser("A Player")
    Player(client, quiz.id).start()
    committed_clock.advance(seconds=63)
    committed.commit()
    words = client.page("/").words(f"#card-{quiz.id}")
    assert "Resume" not in words
    assert "Best 0/3" in words


def test_an_empty_list_says_what_to_expect(browser: Browser) -> None:
    page = browser().page("/")
    assert "No quizzes yet" in page.words()
    assert not page.all(".chips")


def test_a_quiz_page_tells_what_one_gets_into(browser: Browser, committed: Session) -> None:
    doc: Document = document(
        2,
        title="Deep questions",
        description="About everything.",
        language="de",
        difficulty="hard",
        max_attempts=2,
        time_limit_seconds=150,
        randomize_questions=True,
        feedback="end",
    )
    quiz = published_quiz(committed, doc)
    committed.commit()
    page = browser().page(f"/quiz/{quiz.id}")
    assert page.title() == "Deep questions · Respondeo"
    assert page.one("meta[property='og:description']").attrs["content"] == "About everything."
    facts = page.words("dl.facts")
    for fact in ("2, shuffled", "2 minutes 30 seconds", "At the end", "Hard", "Deutsch"):
        assert fact in facts
    assert page.words(".start form") == "Start"


def test_where_guests_may_look_but_not_play_the_button_leads_to_signing_in(
    browser: Browser, app_with: AppWith, committed: Session
) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    client = browser(on=app_with(rbac_public_play_quiz=False))
    page = client.page(f"/quiz/{quiz.id}")
    assert page.one(".start a").attrs["href"] == f"/sign-in?next=/quiz/{quiz.id}"


def test_where_boards_are_not_public_a_quiz_page_has_none(
    browser: Browser, app_with: AppWith, committed: Session
) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    page = browser(on=app_with(rbac_public_leaderboard=False)).page(f"/quiz/{quiz.id}")
    assert not page.all("#board")
    assert not page.all("a[href='/leaderboard']")
