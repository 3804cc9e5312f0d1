"""Finding quizzes: what is visible to whom, search, filters, pages, and one's own attempts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain import access
from respondeo.domain.access import Offer, Viewer
from respondeo.domain.document import Difficulty, Language
from respondeo.domain.errors import NotFound
from respondeo.models import Quiz
from respondeo.services import authoring, catalogue, starting
from respondeo.services.cards import Mine
from respondeo.services.catalogue import Filters, Listing
from tests.conftest import Clock
from tests.factories import add_user, document, editor, guest, player, published_quiz
from tests.services.plays import answer, play, start

EVERYBODY = guest()


def titles(found: Listing) -> list[str]:
    return [card.title for card in found.cards]


def quiz_by(session: Session, name: str, date: datetime | None, **changes: object) -> Quiz:
    """A quiz of an author of that name, published at a date, or a draft."""
    author = add_user(session, name)
    quiz = authoring.create_quiz(session, author.id, document().model_copy(update=changes))
    if date is not None:
        authoring.publish(session, editor(author), quiz.id, at=date)
    session.flush()
    return quiz


def test_the_list_and_the_quizs_page_show_what_the_rule_of_visibility_says(
    session: Session, clock: Clock
) -> None:
    now = clock.now()
    dates = {"past": now - timedelta(1), "now": now, "soon": now + timedelta(1), "draft": None}
    quizzes = {name: quiz_by(session, name, date, title=name) for name, date in dates.items()}
    own = frozenset({"quiz:view", "quiz:edit-own"})
    viewers = [
        guest(),
        player(add_user(session)),
        editor(add_user(session)),
        Viewer("creator", own, add_user(session).id),
        *(Viewer("creator", own, quiz.author_id) for quiz in quizzes.values()),
        *(Viewer("user", frozenset({"quiz:view"}), quiz.author_id) for quiz in quizzes.values()),
    ]
    for viewer in viewers:
        seen = {
            name
            for name, quiz in quizzes.items()
            if access.may_see(viewer, quiz.author_id, dates[name], now)
        }
        assert set(titles(catalogue.listing(session, viewer, Filters()))) == seen
        for name, quiz in quizzes.items():
            if name in seen:
                assert catalogue.quiz_card(session, viewer, quiz.id).title == name
            else:
                with pytest.raises(NotFound):
                    catalogue.quiz_card(session, viewer, quiz.id)


def test_a_draft_shows_its_author_what_they_last_saved(session: Session) -> None:
    quiz = quiz_by(session, "Author", None, title="Half-typed", max_attempts=2)
    card = catalogue.quiz_card(session, editor(), quiz.id)
    assert (card.title, card.status, card.question_count) == ("Half-typed", "draft", 3)
    assert (card.max_attempts, card.time_limit_seconds) == (2, 0)


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("riv", {"Rivers"}),
        ("RIV", {"Rivers"}),
        ("about water", {"Rivers"}),
        ("ada", {"Rivers", "100% sure"}),
        ("0%", {"100% sure"}),
        ("%", {"100% sure"}),
        ("_", set[str]()),
        ("nothing of the kind", set[str]()),
        ("", {"Rivers", "100% sure"}),
    ],
)
def test_search_looks_in_title_description_and_author_and_takes_signs_literally(
    session: Session, clock: Clock, q: str, found: set[str]
) -> None:
    now = clock.now()
    quiz_by(session, "Ada", now, title="Rivers", description="All about water.")
    quiz_by(session, "Adam", now, title="100% sure", description="Or not.")
    assert set(titles(catalogue.listing(session, EVERYBODY, Filters(q=q)))) == found


def test_filters_narrow_and_languages_are_counted_without_their_own(
    session: Session, clock: Clock
) -> None:
    now = clock.now()
    easy, hard = Difficulty.EASY, Difficulty.HARD
    for language, difficulty in [("en", easy), ("en", hard), ("sv", easy), ("sv", easy)]:
        quiz_by(session, "Author", now, language=Language(language), difficulty=difficulty)
    found = catalogue.listing(session, EVERYBODY, Filters(language="en", difficulty="easy"))
    assert (found.total, found.languages) == (1, (("sv", 2), ("en", 1)))
    assert catalogue.listing(session, EVERYBODY, Filters(language="sv")).total == 2


def test_the_list_is_sorted_and_cut_into_pages_of_thirty(session: Session, clock: Clock) -> None:
    quizzes = []
    for number in range(32):
        clock.advance(seconds=1)
        quizzes.append(published_quiz(session, questions=1, title=f"No. {number}"))
    first = catalogue.listing(session, EVERYBODY, Filters())
    last = catalogue.listing(session, EVERYBODY, Filters(page=99))
    assert titles(first) == [f"No. {number}" for number in range(31, 1, -1)]
    assert titles(last) == ["No. 1", "No. 0"]
    assert (last.page, last.pages, last.total) == (2, 2, 32)
    play(session, player(add_user(session)), quizzes[5])
    most_played = catalogue.listing(session, EVERYBODY, Filters(sort="played"))
    assert titles(most_played)[:2] == ["No. 5", "No. 31"]
    assert most_played.cards[0].plays == 1


def test_a_card_says_what_concerns_the_player(session: Session, clock: Clock) -> None:
    quiz = published_quiz(session, questions=2, max_attempts=3, time_limit_seconds=60)
    viewer = player(add_user(session))
    play(session, player(add_user(session)), quiz)

    def mine() -> Mine | None:
        session.expire_all()
        (card,) = catalogue.listing(session, viewer, Filters()).cards
        assert card.mine == catalogue.quiz_card(session, viewer, quiz.id).mine
        return card.mine

    assert mine() == Mine(0, 3)
    play(session, viewer, quiz, [True, False])
    assert mine() == Mine(1, 2, best_correct=1, best_total=2)
    attempt = start(session, viewer, quiz)
    clock.advance(seconds=20)
    assert mine() == Mine(2, 1, open=True, open_remaining_ms=40_000, best_correct=1, best_total=2)
    answer(session, viewer, attempt)
    clock.advance(seconds=300)
    assert mine() == Mine(2, 1, best_correct=1, best_total=2)
    assert catalogue.quiz_card(session, EVERYBODY, quiz.id).mine is None


@pytest.mark.parametrize("who", ["player", "guest"])
def test_the_button_says_what_can_be_done(session: Session, clock: Clock, who: str) -> None:
    quiz = published_quiz(session, questions=1, max_attempts=1, time_limit_seconds=60)
    viewer = player(add_user(session)) if who == "player" else guest()

    def offered() -> tuple[Offer, int, bool]:
        found = starting.start_of(session, viewer, quiz.id)
        return found.state, found.number, found.may_play

    assert offered() == (Offer.START, 1, True)
    attempt = start(session, viewer, quiz)
    clock.advance(seconds=10)
    assert offered() == (Offer.RESUME, 1, True)
    assert starting.start_of(session, viewer, quiz.id).remaining_ms == 50_000
    answer(session, viewer, attempt)
    used_up = (Offer.USED_UP, 2, False)
    assert offered() == (used_up if who == "player" else (Offer.START, 2, True))
    authoring.unpublish(session, editor(), quiz.id)
    session.flush()
    assert offered() == (Offer.CLOSED, 2, False)


@contextmanager
def statements(session: Session) -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    sent: list[str] = []
    connection = session.connection()

    def note(*parts: object) -> None:
        sent.append(str(parts[2]))

    sa.event.listen(connection, "before_cursor_execute", note)
    yield sent
    sa.event.remove(connection, "before_cursor_execute", note)


def test_a_long_list_takes_no_more_statements_than_a_short_one(session: Session) -> None:
    viewer = player(add_user(session))
    counts = []
    for _ in range(2):
        for _ in range(6):
            quiz = published_quiz(session, questions=1)
            play(session, viewer, quiz)
            start(session, viewer, quiz)
        session.expire_all()
        with statements(session) as sent:
            catalogue.listing(session, viewer, Filters())
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 8
