"""Playing a draft: just as a player would, by editors only, with nothing recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from itsdangerous import URLSafeSerializer
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.db import Base
from respondeo.domain.document import Document
from respondeo.domain.draft import Draft, DraftAnswer, DraftQuestion, draft_of
from respondeo.models import QuizDraft
from respondeo.services import authoring
from respondeo.web.authoring.fields import answer_id, question_id
from tests.client import Client, Page
from tests.conftest import Clock
from tests.factories import add_user, document, editor, question
from tests.web.apps import AppWith, Browser
from tests.web.playing import Player, document_of, option, options


@dataclass
class Author:
    """Somebody who previews a quiz of theirs."""

    client: Client
    quiz_id: UUID

    @property
    def path(self) -> str:
        return f"/quiz/{self.quiz_id}/preview"

    def start(self) -> Page:
        return self.client.submit(self.client.page(self.path), ".start form")

    def answer(self, page: Page, letter: str) -> Page:
        return self.client.submit(page, "form.answer-form", answer=option(page, letter))

    def next(self, page: Page) -> Page:
        return self.client.submit(page, "form[data-sends=next]")

    def send(self, page: Page, step: str, *, htmx: bool = False, **forged: Any) -> TestResponse:
        """A step with the fields of the page, and changes that no form of ours would make."""
        return self.client.post(
            f"{self.path}?step={step}", page.fields("#play form") | forged, htmx=htmx
        )

    def through(self, letters: str) -> Page:
        """Give these answers one after another; the result."""
        page = self.start()
        for letter in letters:
            page = self.answer(page, letter)
            if page.all("form[data-sends=next]"):
                page = self.next(page)
        return page


@pytest.fixture
def author(app_with: AppWith, committed: Session) -> Author:
    return author_of(app_with, committed, document(3))


def author_of(app_with: AppWith, session: Session, draft: Draft | Document) -> Author:
    client = Client(app_with(rbac_role_creator_groups="teachers"))
    user = add_user(session, "Ada", groups=["teachers"])
    quiz = authoring.create_quiz(session, user.id, draft)
    session.commit()
    client.sign_in(user.id)
    return Author(client, quiz.id)


def counted(session: Session) -> dict[str, int]:
    """How many rows each table has."""
    session.rollback()
    return {
        table.name: session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
        for table in Base.metadata.sorted_tables
    }


def redraft(session: Session, author: Author, draft: Document | Draft) -> None:
    """Somebody saves the draft."""
    authoring.save_draft(session, editor(), author.quiz_id, draft)
    session.commit()


# -- as a player would -----------------------------------------------------------------------


@pytest.mark.parametrize("feedback", ["each", "end"])
@pytest.mark.parametrize(("reveal", "most"), [("safe", 3), ("safe", 1), ("always", 3)])
def test_a_preview_shows_step_by_step_what_a_player_sees(
    app_with: AppWith,
    browser: Browser,
    committed_clock: Clock,
    feedback: str,
    reveal: str,
    most: int,
) -> None:
    committed = committed_clock.session
    committed_clock.stop()
    questions = (
        question(1, right=1, image_url="/media/a.webp", image_alt="A door"),
        question(2, right={0, 2}),
        question(3, answers=6),
    )
    doc = document_of(
        *questions, feedback=feedback, reveal=reveal, max_attempts=most, time_limit_seconds=300,
        language="de",
    )  # fmt: skip
    author = author_of(app_with, committed, doc)
    previewed = [author.start()]
    authoring.publish(committed, editor(), author.quiz_id)
    committed.commit()
    player = Player(browser("A Player"), author.quiz_id)
    played = [player.start()]
    for letter in "BDA":
        previewed.append(author.answer(previewed[-1], letter))
        played.append(player.answer(played[-1], letter))
        if played[-1].all("form[data-sends=next] button"):
            previewed.append(author.next(previewed[-1]))
            played.append(player.next(played[-1]))
    if feedback == "each":
        assert seen(previewed[-1]) == seen(played[-1])
        previewed.append(author.next(previewed[-1]))
        played.append(player.client.page(played[-1].one("a#play-go").attrs["href"]))
    for mine, theirs in zip(previewed[:-1], played[:-1], strict=True):
        assert seen(mine) == seen(theirs)
    mine, theirs = previewed[-1], played[-1]
    for part in (".score-ring", ".band"):
        assert mine.words(part) == theirs.words(part)
    assert [mine.words(f"#question-{n}") for n in (1, 2, 3)] == [
        theirs.words(f"#question-{n}") for n in (1, 2, 3)
    ]
    assert bool(mine.all(".review > .notice")) is bool(theirs.all(".review > .notice"))


def seen(page: Page) -> tuple[str, ...]:
    """What a play page shows, but for its clock."""
    parts = page.all(
        "#play h1, .play-where, .pips i, #question-text, .question-image, .answer, #verdict,"
        " #right-answer, #explanation, #play-go"
    )
    return tuple(
        " ".join([part.to_text().strip(), part.attrs.get("class") or "", part.attrs.get("alt", "")])
        for part in parts
    )


def test_the_start_page_says_what_players_get_into_and_starts_nothing(
    app_with: AppWith, committed: Session
) -> None:
    doc = document(2, title="<b>Rivers</b>", time_limit_seconds=120, max_attempts=2)
    author = author_of(app_with, committed, doc)
    page = author.client.page(author.path)
    assert page.words("h1") == "<b>Rivers</b>"
    words = page.words(".facts")
    assert "2 minutes" in words
    assert "Attempts 2" in words
    assert "The clock starts at once." in page.words(".start")
    assert page.words(".preview-strip") == "Preview. Nothing is recorded. Back to the editor"
    link = page.one(".preview-strip a").attrs["href"]
    assert link == f"/quiz/{author.quiz_id}/edit"
    assert page.response.headers["Cache-Control"] == "no-store"


def test_every_page_of_a_preview_says_that_it_is_one_and_is_kept_nowhere(author: Author) -> None:
    page = author.start()
    pages = [page, author.answer(page, "A"), author.through("ABC")]
    pages.append(Page(author.send(page, "answer", state="forged")))
    for page in pages:
        assert "Nothing is recorded." in page.words(".preview-strip")
        assert page.response.headers["Cache-Control"] == "no-store"
        assert "Location" not in page.response.headers


def test_nothing_of_a_preview_is_recorded(author: Author, committed: Session) -> None:
    before = counted(committed)
    page = author.through("ABC")
    assert "2/3" in author.through("AAB").words(".score-ring")
    assert "1/3" in page.words(".score-ring")
    committed.rollback()
    assert counted(committed) == before


def test_the_order_is_shuffled_once_and_stays(app_with: AppWith, committed: Session) -> None:
    doc = document(30, randomize_questions=True, randomize_answers=True, feedback="end")
    author = author_of(app_with, committed, doc)
    page = author.start()
    asked, first = [], list(options(page))
    look = Page(author.send(page, "look"))
    assert list(options(look)) == first
    for _ in range(30):
        asked.append(page.words("#question-text"))
        page = author.answer(page, "A")
    assert len(set(asked)) == 30
    assert asked != sorted(asked, key=lambda text: int(text.split()[1][:-1]))
    assert "30/30" in page.words(".score-ring")


def test_htmx_gets_fragments_and_at_the_end_the_result(author: Author) -> None:
    page = author.start()
    for number in (1, 2, 3):
        response = author.send(page, "answer", htmx=True, answer=option(page, "A"))
        page = Page(response)
        assert not page.is_whole
        assert "HX-Request" in response.headers["Vary"]
        assert page.one("#play").attrs["data-status"] == "feedback"
        assert page.words("#play-go") == ("Next" if number < 3 else "See your result")
        page = Page(author.send(page, "next", htmx=True))
        assert not page.is_whole
    assert page.one("#play").attrs["data-status"] == "result"
    assert "3/3" in page.words(".score-ring")


@pytest.mark.parametrize("htmx", [True, False])
def test_a_form_without_a_choice_comes_back_with_what_is_missing(
    author: Author, htmx: bool
) -> None:
    page = author.start()
    for forged in ({}, {"answer": ""}, {"answer": uuid4()}, {"answer": "\0"}):
        response = author.send(page, "answer", htmx=htmx, **forged)
        assert response.status_code == 422
        back = Page(response)
        assert back.words("#answer-error")
        assert back.words("#question-text") == "Question 1?"


# -- time ------------------------------------------------------------------------------------


def test_time_runs_and_runs_out_as_in_a_play(
    app_with: AppWith, committed: Session, committed_clock: Clock
) -> None:
    author = author_of(app_with, committed, document(3, time_limit_seconds=60))
    committed_clock.stop()
    committed.commit()

    def later(**passed: float) -> None:
        committed_clock.advance(**passed)
        committed.commit()

    page = author.start()
    later(seconds=20)
    page = author.answer(page, "A")
    assert page.words(".clock-value") == "0:40"
    later(seconds=100)
    page = author.next(page)
    assert page.words(".clock-value") == "0:40"
    later(seconds=41)
    look = Page(author.send(page, "look"))
    assert look.one("#play").attrs["data-status"] == "time-up"
    assert "Your answer is in." in look.words("#play h2")
    in_time = author.answer(page, "A")
    assert in_time.one("#play").attrs["data-status"] == "feedback"
    assert "2/3" in author.next(in_time).words(".score-ring")
    later(seconds=2)
    result = author.client.submit(look, "#play form")
    assert "1/3" in result.words(".score-ring")
    assert "Time ran out after 1 answer." in result.words(".result")
    assert "1:00" in result.words(".result .facts")
    assert "No answer" in result.words("#question-2")
    assert result.words("#question-3 .verdict") == "Not reached"
    late = author.answer(page, "A")
    assert "1/3" in late.words(".score-ring")


def test_a_preview_lasts_a_day_from_its_last_step(
    author: Author, committed: Session, committed_clock: Clock
) -> None:
    page = author.start()
    for _ in range(2):
        committed_clock.advance(days=0.9)
        committed.commit()
        page = author.next(author.answer(page, "A"))
    committed_clock.advance(days=1.1)
    committed.commit()
    refused(author.send(page, "answer", answer=option(page, "A")))


# -- who, and which draft --------------------------------------------------------------------


def refused(response: TestResponse) -> Page:
    """What is said of a state that does not hold; there is a way to begin anew."""
    assert response.status_code == 422
    page = Page(response)
    assert "This preview cannot go on" in page.words("#play h1")
    assert page.words("#play form button") == "Begin anew"
    assert "Answer" not in page.text
    return page


OPEN = URLSafeSerializer("somebody's guess of the key", salt="preview")


def told(state: str) -> dict[str, Any]:
    """What a state says: it is signed, not secret."""
    _, payload = OPEN.loads_unsafe(state)
    assert isinstance(payload, dict)
    return payload


FORGERIES: dict[str, Callable[[str], str]] = {
    "none": lambda _: "",
    "nonsense": lambda _: "x",
    "null": lambda _: "\0",
    "huge": lambda _: "x" * 90_000,
    "cut": lambda state: state[:-1],
    "unsigned": lambda state: state.rsplit(".", 1)[0],
    "of another key": lambda state: OPEN.dumps(told(state)),
    "changed": lambda state: ".".join(
        (OPEN.dumps(told(state) | {"reached": 3}).rsplit(".", 1)[0], state.rsplit(".", 1)[1])
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
@pytest.mark.parametrize("step", ["answer", "next", "look", "nonsense"])
def test_a_forged_state_is_refused_with_a_way_to_begin_anew(
    author: Author, name: str, step: str
) -> None:
    page = author.start()
    answer = option(page, "A")
    state = FORGERIES[name](page.fields("#play form")["state"])
    back = refused(author.send(page, step, state=state, answer=answer))
    assert "too old, or was begun" in back.words("#play")
    fragment = refused(author.send(page, step, htmx=True, state=state, answer=answer))
    assert not fragment.is_whole
    anew = author.client.submit(back, "#play form")
    assert anew.words("#question-text") == "Question 1?"


def test_the_state_of_another_quiz_or_person_is_refused(
    author: Author, browser: Browser, committed: Session
) -> None:
    page = author.start()
    answer = option(page, "A")
    admin = Author(browser("Root", "admin", on=author.client.app), author.quiz_id)
    refused(admin.send(page, "answer", answer=answer))
    assert admin.start().words("#question-text") == "Question 1?"
    draft = Draft.model_validate(committed.get_one(QuizDraft, author.quiz_id).document)
    committed.rollback()
    owner = committed.scalar(sa.text("SELECT author_id FROM quiz"))
    assert isinstance(owner, UUID)
    same = authoring.create_quiz(committed, owner, draft)
    committed.commit()
    refused(Author(author.client, same.id).send(page, "answer", answer=answer))


def test_a_draft_that_has_changed_is_not_played_on(author: Author, committed: Session) -> None:
    page = author.start()
    answer = option(page, "A")
    redraft(committed, author, document(2, title="Another"))
    for step in ("answer", "next"):
        refused(author.send(page, step, answer=answer))
    back = refused(author.send(page, "look"))
    assert "The draft has changed since this preview began." in back.words("#play")
    assert "of 2" in author.client.submit(back, "#play form").words(".play-where")


def test_a_question_that_is_not_asked_changes_nothing(author: Author) -> None:
    page = author.start()
    other = uuid4()
    response = author.send(page, "answer", question=other, answer=option(page, "A"))
    assert Page(response).one("#play").attrs["data-status"] == "question"
    again = author.send(page, "next", question=other)
    assert Page(again).words("#question-text") == "Question 1?"
    for wrong in ("x", "\0", ""):
        assert author.send(page, "answer", question=wrong, answer=other).status_code == 422


def test_only_who_may_edit_previews(author: Author, browser: Browser, committed: Session) -> None:
    page = author.start()
    form = page.fields("#play form")
    app = author.client.app
    for who, wanted in (
        (browser(on=app), 303),  # to the sign-in, whether there is such a quiz or not
        (browser("Bob", on=app), 404),
        (browser("Eve", "teachers", on=app), 404),
        (browser("Root", "admin", on=app), 200),
    ):
        assert who.get(author.path).status_code == wanted
        assert who.post(f"{author.path}?step=start").status_code == wanted
        assert who.post(f"{author.path}?step=look", form).status_code in {wanted, 422}
    authoring.publish(committed, editor(), author.quiz_id)
    committed.commit()
    assert browser("Bob", on=app).get(author.path).status_code == 403


def test_no_right_answer_and_no_later_question_is_told_too_early(
    author: Author, committed: Session
) -> None:
    page = author.start()
    said = json.dumps(told(page.fields("#play form")["state"]))
    stored = committed.get_one(QuizDraft, author.quiz_id).document
    committed.rollback()
    for one in stored["questions"]:
        for answer in one["answers"]:
            assert answer["uid"] not in said
    assert "orrect" not in said
    assert "Question" not in said
    assert "Question 2?" not in page.text
    assert "Because of" not in page.text
    assert "isCorrect" not in page.text


# -- what is missing -------------------------------------------------------------------------


def test_a_draft_that_could_not_be_published_is_not_played_but_says_what_is_missing(
    app_with: AppWith, committed: Session
) -> None:
    sound = draft_of(document(2))
    bare = DraftQuestion(text="", answers=(DraftAnswer(text="One"), DraftAnswer(text="x" * 301)))
    draft = sound.model_copy(
        update={
            "title": " ",
            "hero_image_url": "http://insecure.example/x.png",
            "questions": (*sound.questions, bare),
        }
    )
    author = author_of(app_with, committed, draft)
    page = author.client.page(author.path)
    assert not page.all("form.answer-form, .start form")
    links = {node.attrs["href"].split("#")[1]: node.to_text() for node in page.all(".missing a")}
    assert links == {
        "title": "Title",
        "hero-image-url": "Cover picture",
        question_id(bare.uid, "text"): "Question 3",
        question_id(bare.uid, "answers"): "Question 3",
        answer_id(bare.uid, bare.answers[1].uid): "Question 3",
    }
    assert "Write a title." in page.words(".missing")
    assert "Mark the right answer." in page.words(".missing")
    refused_page = Page(author.client.post(f"{author.path}?step=start"))
    assert refused_page.status == 422
    assert "Something is missing in the draft" in refused_page.words("#play")


def test_a_quiz_that_is_not_published_leads_to_its_preview(
    author: Author, committed: Session
) -> None:
    page = author.client.page(f"/quiz/{author.quiz_id}")
    assert page.one(".notice a").attrs["href"] == author.path
