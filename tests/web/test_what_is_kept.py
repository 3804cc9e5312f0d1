"""What a process keeps of pages and answers is never what it was: each change shows at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import jinja2
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.db import db
from respondeo.kept import Kept
from respondeo.models import PlayerStanding, Quiz, User
from respondeo.services import authoring, leaderboards, standings
from respondeo.web.pieces import Pieces, Unindented
from tests.client import Client
from tests.conftest import Clock
from tests.factories import document, editor, published_quiz
from tests.web.apps import Browser
from tests.web.playing import Player


def titles(client: Client) -> list[str]:
    """What the list shows, in order."""
    return [link.to_text().strip() for link in client.page("/").all(".quiz-card h2 a")]


def told(client: Client) -> list[str]:
    """What the API's list says, in order."""
    answer = client.get("/api/quizzes").get_json()
    return [item["title"] for item in answer["items"]]


@pytest.fixture
def visitor(browser: Browser) -> Client:
    return browser("A Reader")


def quiz_called(session: Session, title: str) -> Quiz:
    quiz = published_quiz(session, document(1, title=title))
    session.commit()
    return quiz


def unpublish(session: Session, quiz: Quiz) -> None:
    authoring.unpublish(session, editor(), quiz.id)


def delete(session: Session, quiz: Quiz) -> None:
    authoring.delete_quiz(session, editor(), quiz.id)


def delete_by_hand(session: Session, quiz: Quiz) -> None:
    session.execute(sa.delete(Quiz).where(Quiz.id == quiz.id))


@pytest.mark.parametrize("change", [unpublish, delete, delete_by_hand])
def test_a_quiz_that_goes_is_gone(
    visitor: Client, committed: Session, change: Callable[[Session, Quiz], None]
) -> None:
    quiz_called(committed, "One that stays")
    quiz = quiz_called(committed, "One that goes")
    for _ in range(2):
        assert titles(visitor) == told(visitor) == ["One that goes", "One that stays"]
        assert visitor.get(f"/quiz/{quiz.id}").status_code == 200
        assert visitor.get(f"/api/quizzes/{quiz.id}").status_code == 200
    path = quiz.id
    change(committed, quiz)
    committed.commit()
    assert titles(visitor) == told(visitor) == ["One that stays"]
    assert visitor.get(f"/quiz/{path}").status_code == 404
    assert visitor.get(f"/quiz/{path}/results").status_code == 404
    assert visitor.get(f"/api/quizzes/{path}").status_code == 404
    assert visitor.get(f"/api/quizzes/{path}/leaderboard").status_code == 404


def test_a_new_version_is_the_one_that_is_shown(visitor: Client, committed: Session) -> None:
    quiz = quiz_called(committed, "The old title")
    assert titles(visitor) == told(visitor) == ["The old title"]
    author = committed.get_one(User, quiz.author_id)
    changed = document(1, title="The new title")
    authoring.save_draft(committed, editor(author), quiz.id, changed)
    committed.commit()
    assert titles(visitor) == told(visitor) == ["The old title"]
    authoring.publish(committed, editor(author), quiz.id)
    committed.commit()
    assert titles(visitor) == told(visitor) == ["The new title"]
    assert "The new title" in visitor.get(f"/quiz/{quiz.id}").get_data(as_text=True)


def test_what_is_not_committed_is_never_kept(
    app: Flask, visitor: Client, committed: Session
) -> None:
    quiz_called(committed, "Here")
    assert titles(visitor) == told(visitor) == ["Here"]
    with app.app_context(), Session(db.engine) as under_way:
        published_quiz(under_way, document(1, title="Half way"))
        under_way.flush()
        assert titles(visitor) == told(visitor) == ["Here"]
        under_way.rollback()
    assert titles(visitor) == told(visitor) == ["Here"]
    quiz_called(committed, "There")
    assert titles(visitor) == told(visitor) == ["There", "Here"]


def test_an_author_who_changes_their_name_or_hides_is_shown_so(
    visitor: Client, committed: Session
) -> None:
    quiz = quiz_called(committed, "A quiz")
    author = committed.get_one(User, quiz.author_id)

    def shown() -> tuple[bool, ...]:
        page = visitor.get("/").get_data(as_text=True)
        own = visitor.get(f"/quiz/{quiz.id}").get_data(as_text=True)
        api = visitor.get(f"/api/quizzes/{quiz.id}").get_data(as_text=True)
        return tuple(name in text for text in (page, own, api))

    name = author.name
    assert shown() == (True, True, True)
    name = author.name = "Another Name"
    committed.commit()
    assert shown() == (True, True, True)
    author.shown_as = "hidden"
    committed.commit()
    assert shown() == (False, False, False)


def test_a_quiz_appears_when_its_time_has_come_though_nothing_is_written(
    visitor: Client, committed: Session, committed_clock: Clock
) -> None:
    quiz_called(committed, "Open")
    now = committed_clock.stop()
    later = quiz_called(committed, "Later")
    committed.execute(
        sa.update(Quiz).where(Quiz.id == later.id).values(published_at=now + timedelta(hours=1))
    )
    committed.commit()
    for _ in range(2):
        assert titles(visitor) == told(visitor) == ["Open"]
        assert visitor.get(f"/quiz/{later.id}").status_code == 404
    committed_clock.advance(seconds=3600)
    committed.commit()
    assert titles(visitor) == told(visitor) == ["Later", "Open"]
    assert visitor.get(f"/quiz/{later.id}").status_code == 200


def test_where_somebody_took_the_revision_away_lists_are_still_right(
    visitor: Client, committed: Session
) -> None:
    quiz_called(committed, "First")
    assert titles(visitor) == ["First"]
    committed.execute(sa.text("DELETE FROM catalogue"))
    committed.commit()
    try:
        quiz = quiz_called(committed, "Second")
        assert titles(visitor) == told(visitor) == ["Second", "First"]
        assert visitor.get(f"/quiz/{quiz.id}").status_code == 200
        assert visitor.get(f"/api/quizzes/{quiz.id}/leaderboard").status_code == 200
    finally:
        committed.execute(sa.text("INSERT INTO catalogue DEFAULT VALUES"))
        committed.commit()


def test_many_changes_at_once_renew_the_revision_once(committed: Session) -> None:
    def revision() -> tuple[UUID, str]:
        row = committed.execute(sa.text("SELECT revision, xmin::text FROM catalogue")).one()
        committed.commit()
        return row.revision, row.xmin

    before = revision()
    for number in range(5):
        published_quiz(committed, document(1, title=f"Quiz {number}"))
    committed.commit()
    after = revision()
    assert after[0] != before[0]
    committed.execute(sa.update(User).values(email_verified=True))
    committed.commit()
    assert revision() == after


def test_boards_show_each_result_and_each_name_at_once(
    browser: Browser, committed: Session, app: Flask
) -> None:
    quiz = quiz_called(committed, "Played")
    reader = browser("A Reader")

    def names() -> list[list[str]]:
        pages = (f"/quiz/{quiz.id}", f"/quiz/{quiz.id}/results", "/leaderboard")
        shown = [
            [one.to_text().strip() for one in reader.page(path).all("#board .name")]
            for path in pages
        ]
        for path in (f"/api/quizzes/{quiz.id}/leaderboard", "/api/leaderboard"):
            items = reader.get(path).get_json()["items"]
            shown.append([item["user"]["name"] for item in items])
        return shown

    assert names() == [[]] * 5
    ada = browser("Ada")
    Player(ada, quiz.id).play_through("A")
    assert names() == [["Ada"]] * 5
    Player(browser("Bo"), quiz.id).play_through("B")
    assert names() == [["Ada", "Bo"]] * 5
    person = committed.scalars(sa.select(User).where(User.name == "Ada")).one()
    person.name = "Ada Lovelace"
    standings.player_looks_different(committed, person.id)
    committed.commit()
    assert names() == [["Ada Lovelace", "Bo"]] * 5


def test_nobody_is_shown_what_was_made_for_somebody_else(
    browser: Browser, committed: Session
) -> None:
    quiz = quiz_called(committed, "Shared")
    ada, bo, twin = browser("Ada"), browser("Bo"), browser("Ada", "admin")
    Player(ada, quiz.id).play_through("A")
    Player(bo, quiz.id).play_through("B")
    for _ in range(2):
        for client, name, writes in ((ada, "Ada", 0), (bo, "Bo", 0), (twin, "Ada", 1)):
            for path in ("/", f"/quiz/{quiz.id}", f"/quiz/{quiz.id}/results", "/leaderboard"):
                page = client.page(path)
                (menu,) = page.all("#person-menu > p")
                assert menu.to_text().strip() == name
                assert bool(page.all("a.is-for-wide")) == bool(writes)
                marked = [row.query(".name")[0].to_text().strip() for row in page.all(".is-me")]
                played = path != "/" and not writes
                assert marked == ([name] if played else [])
            badge = client.page("/").all(".quiz-card .badge")
            score = {"Ada": "1/1", "Bo": "0/1"}[name]
            assert [one.to_text().strip() for one in badge] == ([] if writes else [f"Best {score}"])


def test_a_piece_is_kept_by_all_its_keys_and_by_its_place() -> None:
    environment = jinja2.Environment(extensions=[Pieces], autoescape=True, auto_reload=False)
    made = []

    def make(what: str) -> str:
        made.append(what)
        return what

    template = environment.from_string(
        "{% kept a, b %}[{{ make(a ~ b) }}]{% endkept %}{% kept a, b %}({{ make(a) }}){% endkept %}"
    )

    def shown(a: object, b: object) -> str:
        return template.render(a=a, b=b, make=make)

    assert shown("<", 1) == shown("<", 1) == "[&lt;1](&lt;)"
    assert made == ["<1", "<"]
    assert shown("<", 2) == "[&lt;2](&lt;)"
    assert shown(None, 1) == shown(None, 1) == "[None1](None)"
    assert len(made) == 8


def test_templates_lose_their_indentation_and_what_is_shown_keeps_its_own() -> None:
    environment = jinja2.Environment(extensions=[Unindented], autoescape=True, trim_blocks=True)
    template = environment.from_string(
        "<p{% if text %}\n    id=i{% endif %}>\n    {{ text }} <b>b</b>\n\t<i>i</i>\n</p>"
    )
    assert template.render(text="a\n    1") == "<p id=i>\na\n    1 <b>b</b>\n<i>i</i>\n</p>"


def test_the_global_board_counts_players_below_those_it_shows(
    browser: Browser, committed: Session
) -> None:
    quiz = quiz_called(committed, "Played")
    reader = browser("A Reader")
    Player(browser("Ada"), quiz.id).play_through("A")

    def counted() -> tuple[int, bool]:
        answer = reader.get("/api/leaderboard?limit=1").get_json()
        return answer["totalCount"], answer["hasMore"]

    assert counted() == counted() == (1, False)
    Player(browser("Bo"), quiz.id).play_through("B")
    assert counted() == (2, True)


def test_a_result_that_comes_while_the_global_board_is_read_is_told_when_it_is_asked_for_next(
    browser: Browser, committed: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiz = quiz_called(committed, "Played")
    Player(browser("Ada"), quiz.id).play_through("A")
    reader = browser("A Reader")
    rows_of = leaderboards.overall_rows

    def better_meanwhile(*args: Any, **how: Any) -> Any:
        rows = rows_of(*args, **how)
        committed.execute(sa.update(PlayerStanding).values(total_correct=7))
        committed.commit()
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(leaderboards, "overall_rows", better_meanwhile)
        before = reader.get("/leaderboard", htmx=True)
    assert ">1<" in before.text
    after = reader.get("/leaderboard", htmx=True, **{"HX-PTag": before.headers["HX-PTag"]})
    assert after.status_code == 200
    assert ">7<" in after.text


def test_what_changes_no_row_of_the_global_board_leaves_its_tag(
    browser: Browser, committed: Session
) -> None:
    quiz = quiz_called(committed, "Played")
    Player(browser("Ada"), quiz.id).play_through("A")
    reader = browser("A Reader")
    tag = reader.get("/leaderboard").headers["HX-PTag"]
    quiz_called(committed, "Another")
    again = reader.get("/leaderboard", htmx=True, **{"HX-PTag": tag})
    assert again.status_code == 304


def test_of_two_that_are_made_at_once_all_get_the_first() -> None:
    kept: Kept[str] = Kept(2)

    def second() -> str:
        assert kept.made("name", lambda: "first") == "first"
        return "second"

    assert kept.made("name", second) == "first"
    assert kept.get("name") == "first"
    assert kept.made(None, lambda: "nameless") == "nameless"


def test_a_digest_that_comes_back_brings_no_former_name(
    app: Flask, browser: Browser, committed: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiz = quiz_called(committed, "Played")
    Player(browser("Ada"), quiz.id).play_through("A")
    ada = committed.scalars(sa.select(User).where(User.name == "Ada")).one()
    ada.shown_as = "hidden"
    committed.commit()
    reader = browser("A Reader")
    rows_of = leaderboards.overall_rows

    def shown_meanwhile(*args: Any, **how: Any) -> Any:
        ada.shown_as = "name"
        committed.commit()
        return rows_of(*args, **how)

    with monkeypatch.context() as patch:
        patch.setattr(leaderboards, "overall_rows", shown_meanwhile)
        reader.get("/leaderboard")
    ada.shown_as = "hidden"
    committed.commit()
    for path in ("/leaderboard", "/api/leaderboard"):
        assert "Ada" not in reader.get(path).get_data(as_text=True)
