"""My quizzes: the list, copies, and what goes when one is deleted."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain.document import Document
from respondeo.domain.draft import Draft
from respondeo.models import PlayerStanding, Quiz, QuizAttempt, QuizDraft, QuizStanding, User
from respondeo.services import authoring
from tests.client import Client, Page
from tests.factories import add_user, document, editor
from tests.web.apps import AppWith, Recorder
from tests.web.places import person_with, played
from tests.web.playing import Player


@pytest.fixture
def teaching(app_with: AppWith) -> Flask:
    return app_with(rbac_role_creator_groups="teachers", rbac_role_moderator_groups="heads")


@pytest.fixture
def me(committed: Session) -> UUID:
    return person_with(committed, "A Teacher", "teachers")


def client_of(app: Flask, user_id: UUID) -> Client:
    client = Client(app)
    client.sign_in(user_id)
    return client


@pytest.fixture
def teacher(teaching: Flask, me: UUID) -> Client:
    return client_of(teaching, me)


def written(
    committed: Session,
    author_id: UUID,
    draft: Draft | Document | None = None,
    *,
    published: bool = True,
    days: int = 0,
) -> UUID:
    """A quiz by this author, published so many days from now."""
    quiz = authoring.create_quiz(committed, author_id, draft or document(1))
    if published:
        authoring.publish(
            committed, editor(), quiz.id, at=database_time(committed) + timedelta(days=days)
        )
    committed.commit()
    return quiz.id


def titles(page: Page) -> list[str]:
    return [" ".join(one.to_text().split()) for one in page.all(".own-list h2")]


def row(page: Page, quiz_id: UUID) -> str:
    return page.words(f"#quiz-{quiz_id}")


# -- the list --------------------------------------------------------------------------------


def test_a_list_without_quizzes_says_how_to_begin(teacher: Client) -> None:
    page = teacher.page("/quiz/mine")
    links = {one.to_text().strip(): one.attrs["href"] for one in page.all(".empty a")}
    assert links == {"Write your first quiz": "/quiz/new", "Import": "/quiz/import"}


def test_each_quiz_says_its_state_and_what_became_of_it(
    teacher: Client, committed: Session, me: UUID
) -> None:
    unfinished = written(committed, me, Draft(), published=False)
    scheduled = written(committed, me, document(2, title="Soon"), days=2)
    open_ = written(committed, me, document(1, title="Open"))
    changed = written(committed, me, document(1, title="Changed"))
    same = written(committed, me, document(1, title="Same again"))
    played(committed, add_user(committed), open_)
    committed.commit()
    authoring.save_draft(committed, editor(), changed, document(1, title="Changed, but how"))
    restored = Draft.model_validate(committed.get_one(QuizDraft, same).document)
    authoring.save_draft(committed, editor(), same, document(1, title="Something else"))
    authoring.save_draft(committed, editor(), same, restored)
    committed.commit()
    page = teacher.page("/quiz/mine")
    assert "Untitled quiz Draft 3 to finish 0 questions" in row(page, unfinished)
    assert "Soon Opens" in row(page, scheduled)
    assert "2 questions" in row(page, scheduled)
    assert "Open Published 1 question · 1 play · last played" in row(page, open_).replace(
        "question 1", "question · 1"
    ).replace("play last", "play · last")
    assert "Changed, but how Published Unpublished changes" in row(page, changed)
    assert "Unpublished changes" not in row(page, same)
    chips = [" ".join(one.to_text().split()) for one in page.all("[aria-label=State] a")]
    assert chips == ["Drafts 1", "Scheduled 1", "Published 3"]


@pytest.mark.parametrize("read_last", ["max(quiz_attempt.completed_at)", "quiz_version_question"])
def test_quizzes_that_are_deleted_while_they_are_listed_break_no_list(
    teacher: Client, committed: Session, me: UUID, read_last: str
) -> None:
    draft = written(committed, me, Draft(title="Draft"), published=False)
    open_ = written(committed, me, document(1, title="Open"))
    authoring.save_draft(committed, editor(), open_, document(1, title="Changed"))
    committed.commit()
    engine = committed.connection().engine
    committed.rollback()
    gone: list[object] = []

    def delete_all(*asked: object) -> None:
        if not gone and read_last in str(asked[2]):
            gone.append(asked)
            with engine.begin() as connection:
                connection.execute(sa.delete(Quiz).where(Quiz.id.in_([draft, open_])))

    sa.event.listen(sa.Engine, "before_cursor_execute", delete_all)
    try:
        assert teacher.get("/quiz/mine").status_code == 200
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", delete_all)
    assert gone


def test_a_list_is_searched_narrowed_and_sorted(
    teacher: Client, committed: Session, me: UUID
) -> None:
    written(committed, me, document(1, title="beta", description="100%_sure"), published=False)
    played(committed, add_user(committed), written(committed, me, document(1, title="Alpha")))
    written(committed, me, document(1, title="Gamma"))
    committed.commit()
    for query, found in (
        ("", ["Gamma", "Alpha", "beta"]),
        ("?sort=title", ["Alpha", "beta", "Gamma"]),
        ("?sort=played", ["Alpha", "Gamma", "beta"]),
        ("?state=draft", ["beta"]),
        ("?state=published&sort=title", ["Alpha", "Gamma"]),
        ("?q=ALPH", ["Alpha"]),
        ("?q=%25_", ["beta"]),
        ("?state=nonsense&sort=;&page=x&whose=all&q=%00", ["Gamma", "Alpha", "beta"]),
        ("?q=volcano", []),
        ("?state=scheduled", []),
    ):
        page = teacher.page(f"/quiz/mine{query}")
        assert titles(page) == found, query
        assert titles(teacher.fragment(f"/quiz/mine{query}")) == found
        assert bool(page.all("#clear-filters")) is not bool(found)


def test_only_ones_own_are_listed_and_everybodys_where_one_may_edit_them(
    teaching: Flask, teacher: Client, committed: Session, me: UUID
) -> None:
    written(committed, me, document(1, title="Mine"), published=False)
    other = add_user(committed, "Another Author")
    theirs = written(committed, other.id, document(1, title="Theirs"), published=False)
    for query in ("", "?whose=all"):
        page = teacher.page(f"/quiz/mine{query}")
        assert titles(page) == ["Mine"]
        assert not page.all("#chip-all")
    head = client_of(teaching, person_with(committed, "A Head", "heads"))
    assert titles(head.page("/quiz/mine")) == []
    page = head.page("/quiz/mine?whose=all")
    assert titles(page) == ["Theirs", "Mine"]
    assert "Another Author" in row(page, theirs)
    assert titles(head.page("/quiz/mine?whose=all&q=another+auth")) == ["Theirs"]


def test_the_list_is_cut_into_pages(teacher: Client, committed: Session, me: UUID) -> None:
    for number in range(31):
        authoring.create_quiz(committed, me, document(1, title=f"Quiz {number}"))
    committed.commit()
    page = teacher.page("/quiz/mine")
    assert len(titles(page)) == 30
    assert "31 quizzes" in page.words("#own-results")
    last = teacher.page(page.one("a[rel=next]").attrs["href"])
    assert len(titles(last)) == 1
    assert titles(teacher.page("/quiz/mine?page=99")) == titles(last)


def test_the_list_costs_the_same_with_thirty_quizzes_of_every_state_as_with_three(
    app: Flask, recorder: Recorder, committed: Session
) -> None:
    author = person_with(committed, "An Admin", "admin")
    client = client_of(app, author)
    costs = []
    for many in (1, 9):
        for number in range(many):
            written(committed, author, document(3), published=False)
            written(committed, author, days=2)
            quiz_id = written(committed, author, document(number % 3 + 1))
            played(committed, add_user(committed), quiz_id)
            authoring.save_draft(committed, editor(), quiz_id, document(4))
            committed.commit()
        client.get("/quiz/mine")
        with recorder() as said:
            assert client.get("/quiz/mine").status_code == 200
        costs.append(len(said))
    assert costs[0] == costs[1]
    assert costs[0] <= 12


def test_who_writes_has_the_list_in_the_navigation_and_others_have_not(
    teaching: Flask, teacher: Client, committed: Session
) -> None:
    assert teacher.page("/").one(".site-nav a[href='/quiz/mine']")
    pupil = client_of(teaching, person_with(committed, "A Pupil"))
    for page in (pupil.page("/"), Client(teaching).page("/")):
        assert not page.all("a[href='/quiz/mine']")


def test_who_may_edit_a_quiz_finds_what_to_do_on_its_page(
    teaching: Flask, teacher: Client, committed: Session, me: UUID
) -> None:
    quiz_id = written(committed, me)
    links = [a.attrs["href"] for a in teacher.page(f"/quiz/{quiz_id}").all(".author-links a")]
    for end in ("edit", "publish", "quiz.json", "delete"):
        assert f"/quiz/{quiz_id}/{end}" in links
    pupil = client_of(teaching, person_with(committed, "A Pupil"))
    assert not pupil.page(f"/quiz/{quiz_id}").all(".author-links")


# -- copies ----------------------------------------------------------------------------------


def test_a_copy_is_ones_own_draft_and_a_double_click_makes_one(
    teacher: Client, committed: Session, me: UUID
) -> None:
    quiz_id = written(committed, me, document(2, title="Rivers"))
    page = teacher.page("/quiz/mine")
    form = page.fields(f"#quiz-{quiz_id} form")
    answers = [teacher.post(f"/quiz/{quiz_id}/duplicate", form) for _ in range(2)]
    assert {one.status_code for one in answers} == {303}
    assert answers[0].location == answers[1].location == f"/quiz/{form['copy']}/edit"
    committed.rollback()
    copy = committed.get_one(Quiz, UUID(form["copy"]))
    assert (copy.author_id, copy.published_at) == (me, None)
    assert titles(teacher.page("/quiz/mine")) == ["Copy of Rivers", "Rivers"]


def test_a_copy_under_the_id_of_somebody_elses_quiz_gets_another(
    teacher: Client, committed: Session, me: UUID
) -> None:
    quiz_id = written(committed, me)
    theirs = written(committed, add_user(committed).id, document(3), published=False)
    for copy in (theirs, "", "x", "\0"):
        answer = teacher.post(f"/quiz/{quiz_id}/duplicate", copy=copy)
        assert answer.status_code == 303
        assert str(theirs) not in answer.location
    committed.rollback()
    assert committed.scalar(sa.select(sa.func.count(Quiz.id))) == 6
    assert len(committed.get_one(QuizDraft, theirs).document["questions"]) == 3


# -- deleting --------------------------------------------------------------------------------


def everything(committed: Session, *of: type) -> list[int]:
    committed.rollback()
    return [committed.scalar(sa.select(sa.func.count()).select_from(one)) or 0 for one in of]


def test_the_page_says_what_goes_and_the_button_takes_just_that(
    teaching: Flask, teacher: Client, committed: Session, me: UUID
) -> None:
    quiz_id = written(committed, me, document(1, title="Rivers"))
    other = written(committed, me, document(1, title="Lakes"))
    ada, bob = add_user(committed, "Ada"), add_user(committed, "Bob")
    for person in (ada, ada, bob):
        played(committed, person, quiz_id)
    played(committed, ada, other)
    committed.commit()
    Player(client_of(teaching, bob.id), quiz_id).start()
    Player(Client(teaching), quiz_id).start()
    page = teacher.page(f"/quiz/{quiz_id}/delete")
    said = page.words()
    assert "5 attempts by 2 people and guests, with all answers and results" in said
    assert "2 attempts are going on now" in said
    assert "the points that 2 players have from it" in said
    assert f"/quiz/{quiz_id}/quiz.json" in page.text
    assert "Bob" in teacher.page("/leaderboard").words("#board")
    after = teacher.submit(page, "#delete-form")
    assert after.path == "/quiz/mine"
    assert "Deleted. The boards are corrected." in after.words()
    assert titles(after) == ["Lakes"]
    assert everything(committed, Quiz, QuizAttempt, QuizStanding, PlayerStanding) == [1, 1, 1, 1]
    board = teacher.page("/leaderboard").words("#board")
    assert ("Ada" in board, "Bob" in board) == (True, False)
    assert teacher.get(f"/quiz/{quiz_id}").status_code == 404


def test_a_second_click_and_the_back_button_find_it_gone(
    teacher: Client, committed: Session, me: UUID
) -> None:
    quiz_id = written(committed, me)
    page = teacher.page(f"/quiz/{quiz_id}/delete")
    assert "nobody has played it" in page.words()
    teacher.submit(page, "#delete-form")
    again = teacher.submit(page, "#delete-form")
    assert (again.path, again.status) == ("/quiz/mine", 200)
    assert "This quiz is deleted." in again.words()
    assert teacher.get(f"/quiz/{quiz_id}/delete").status_code == 404


@pytest.mark.parametrize("form", [{}, {"sure": "no"}, {"sure": "\0"}], ids=repr)
def test_nothing_is_deleted_unless_the_form_says_that_one_is_sure(
    teacher: Client, committed: Session, me: UUID, form: dict[str, str]
) -> None:
    quiz_id = written(committed, me)
    answer = teacher.post(f"/quiz/{quiz_id}/delete", form)
    assert answer.status_code == 422
    assert Page(answer).one("#delete-form")
    assert everything(committed, Quiz) == [1]


def test_whose_quiz_it_is_decides_who_deletes_it_and_not_who_edits_it(
    app_with: AppWith, committed: Session
) -> None:
    author = add_user(committed, "An Author")
    public = written(committed, author.id)
    hidden = written(committed, author.id, published=False)
    rights = "quiz:browse,quiz:view,"
    client = Client(app_with())
    for permissions, wanted in (
        ("quiz:edit-any", {public: 403, hidden: 403}),
        ("quiz:edit-any,quiz:delete-own", {public: 403, hidden: 403}),
        ("quiz:delete-own", {public: 403, hidden: 404}),
        ("quiz:delete-any", {public: 200, hidden: 404}),
    ):
        app = app_with(rbac_role_user_permissions=rights + permissions)
        client = client_of(app, person_with(committed))
        for quiz_id, status in wanted.items():
            page = client.get(f"/quiz/{quiz_id}/delete")
            assert "quiz.json" not in page.get_data(as_text=True)
            assert page.status_code == status, (permissions, quiz_id)
            if status != 200:
                sent = client.post(f"/quiz/{quiz_id}/delete", sure="yes")
                assert sent.status_code in {403, 303}
    assert everything(committed, Quiz) == [2]
    gone = client.post(f"/quiz/{public}/delete", sure="yes")
    assert (gone.status_code, gone.location) == (303, "/")
    assert everything(committed, Quiz, User) == [1, 5]
    assert client.post(f"/quiz/{uuid4()}/delete", sure="yes").location == "/"
