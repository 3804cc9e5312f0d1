"""The editor as forms: what every browser can do without JavaScript."""

from __future__ import annotations

import io
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

from respondeo.domain.draft import Draft, DraftAnswer, DraftQuestion
from respondeo.models import Media, QuizDraft
from respondeo.services import authoring, media
from tests.client import SAME_ORIGIN, Client, Page
from tests.factories import add_user, player, published_quiz
from tests.services.plays import play
from tests.web.apps import Browser, Recorder
from tests.web.pictures import picture


@pytest.fixture
def hers(client: Client, committed: Session) -> Client:
    """The browser of somebody who may write quizzes."""
    ada = add_user(committed, "Ada", groups=["admin"])
    committed.commit()
    client.sign_in(ada.id)
    return client


def a_draft(session: Session, *texts: str) -> UUID:
    """A draft with questions of these words."""
    questions = tuple(
        DraftQuestion(
            text=text,
            answers=(DraftAnswer(text="yes", is_correct=True), DraftAnswer(text="no")),
        )
        for text in texts
    )
    author = add_user(session, "An Author")
    quiz = authoring.create_quiz(session, author.id, Draft(title="Rivers", questions=questions))
    session.commit()
    return quiz.id


def stored(session: Session, quiz_id: UUID) -> Draft:
    session.rollback()
    return Draft.model_validate(
        session.get_one(QuizDraft, quiz_id, populate_existing=True).document
    )


def filled(page: Page, selector: str = "#editor") -> dict[str, str]:
    """What a browser would send of a form, without a button."""
    sent = page.fields(selector)
    for node in page.all(f"{selector} textarea"):
        sent[node.attrs["name"]] = node.to_text(strip=False)
    for node in page.all(f"{selector} input"):
        kind = node.attrs.get("type", "text")
        if kind == "text" or (kind in {"checkbox", "radio"} and "checked" in node.attrs):
            sent[node.attrs["name"]] = node.attrs.get("value", "on")
    for node in page.all(f"{selector} select"):
        chosen = [one for one in node.query("option") if "selected" in one.attrs]
        sent[node.attrs["name"]] = chosen[0].attrs["value"]
    return sent


def parts(client: Client, path: str, fields: Mapping[str, object]) -> TestResponse:
    """Send a form in parts, as one that may hold files is sent."""
    boundary, body = encode_multipart(MultiDict(fields))
    kind = f"multipart/form-data; boundary={boundary}"
    return client.open(path, method="POST", data=body, content_type=kind, headers=SAME_ORIGIN)


def press(client: Client, page: Page, action: str, **typed: str) -> Page:
    """Press a button of the editor with these things typed, and follow."""
    names = {node.attrs["value"] for node in page.all("#editor button[name=action]")}
    assert action in names, f"no button {action}"
    path = page.one("#editor").attrs["action"]
    response = parts(client, path, filled(page) | typed | {"action": action})
    if response.status_code == 303:
        return client.page(response.headers["Location"].partition("#")[0])
    return Page(response)


def test_a_quiz_begins_with_its_title_and_one_empty_question(
    hers: Client, committed: Session
) -> None:
    page = hers.submit(hers.page("/quiz/new"), "#new-quiz", title="Rivers of Europe")
    assert page.title() == "Rivers of Europe: edit · Respondeo"
    assert page.one("[autofocus]").attrs["placeholder"] == "Write the question"
    assert len(page.all("#questions > .sheet")) == 1
    assert len(page.all("#questions .option-text")) == 4


def test_what_was_typed_is_saved_whatever_button_is_pressed(
    hers: Client, committed: Session
) -> None:
    quiz_id = a_draft(committed, "One?", "Two?")
    first, second = (question.uid for question in stored(committed, quiz_id).questions)
    page = hers.page(f"/quiz/{quiz_id}/edit")
    page = press(hers, page, f"down:{first}", **{f"q-{first}-text": "Uno?", "title": "Ríos"})
    draft = stored(committed, quiz_id)
    assert draft.title == "Ríos"
    assert [question.text for question in draft.questions] == ["Two?", "Uno?"]
    page = press(hers, page, f"duplicate:{second}")
    page = press(hers, page, "add")
    assert [one.text for one in stored(committed, quiz_id).questions] == [
        "Two?",
        "Two?",
        "Uno?",
        "",
    ]


def test_saving_a_form_as_it_came_changes_nothing(hers: Client, committed: Session) -> None:
    quiz_id = a_draft(committed, "One?\nor two\n", "\nTwo?")
    before = stored(committed, quiz_id)
    press(hers, hers.page(f"/quiz/{quiz_id}/edit"), f"up:{before.questions[0].uid}")
    assert stored(committed, quiz_id) == before


def address(quiz_id: UUID) -> str:
    return f"/quiz/{quiz_id}/edit"


def revision(session: Session, quiz_id: UUID) -> int:
    session.rollback()
    return session.get_one(QuizDraft, quiz_id, populate_existing=True).revision


def test_a_title_is_asked_for(hers: Client) -> None:
    response = hers.post("/quiz/new", title=" \0 ")
    assert response.status_code == 422
    page = Page(response)
    assert "Write a title." in page.words("#problem-title")
    assert "autofocus" in page.one("#title").attrs


def test_answers_are_added_moved_and_removed_by_buttons(hers: Client, committed: Session) -> None:
    quiz_id = a_draft(committed, "One?")
    question = stored(committed, quiz_id).questions[0]
    first, second = (answer.uid for answer in question.answers)
    page = press(hers, hers.page(address(quiz_id)), f"answer:{question.uid}")
    page = press(hers, page, f"lift:{question.uid}:{second}")
    answers = stored(committed, quiz_id).questions[0].answers
    assert [answer.text for answer in answers] == ["no", "yes", ""]
    assert [answer.is_correct for answer in answers] == [False, True, False]
    press(hers, page, f"drop:{question.uid}:{first}")
    assert [one.text for one in stored(committed, quiz_id).questions[0].answers] == ["no", ""]


def test_a_removed_question_comes_back_as_it_was_typed(hers: Client, committed: Session) -> None:
    quiz_id = a_draft(committed, "One?", "Two?", "Three?")
    uid = stored(committed, quiz_id).questions[1].uid
    typed = {f"q-{uid}-text": "Two,\nor 2?", f"q-{uid}-explanation": "Because."}
    page = press(hers, hers.page(address(quiz_id)), f"remove:{uid}", **typed)
    assert [one.text for one in stored(committed, quiz_id).questions] == ["One?", "Three?"]
    assert "Question 2 removed." in page.words("#undo")
    button = page.one("#undo button")
    response = hers.post(address(quiz_id), page.fields("#undo") | {"action": button.attrs["value"]})
    assert response.headers["Location"].endswith(f"/edit#q-{uid}")
    back = stored(committed, quiz_id).questions
    assert [one.text for one in back] == ["One?", "Two,\nor 2?", "Three?"]
    assert back[1].explanation == "Because."
    assert [answer.is_correct for answer in back[1].answers] == [True, False]


def test_a_part_alone_is_saved_and_the_rest_stays(hers: Client, committed: Session) -> None:
    quiz_id = a_draft(committed, "One?", "Two?")
    first, second = stored(committed, quiz_id).questions
    response = hers.post(
        address(quiz_id), {"revision": 1, f"q-{second.uid}-text": "Dos?"}, htmx=True
    )
    page = Page(response)
    assert page.one("#check").attrs["data-revision"] == "2"
    assert "Description" in page.words("#check")
    draft = stored(committed, quiz_id)
    assert draft.questions == (first, second.model_copy(update={"text": "Dos?"}))
    assert len(response.data) < 2_000


def test_what_is_sent_twice_is_saved_once(hers: Client, committed: Session) -> None:
    quiz_id = a_draft(committed, "One?")
    form = {"revision": 1, "title": "Lakes", "randomize_questions": ["0", "1"]}
    page = Page(hers.post(address(quiz_id), form, htmx=True))
    assert page.one("#check").attrs["data-revision"] == "2"
    again = hers.post(address(quiz_id), form)
    assert again.status_code == 303, "there is nothing to choose"
    draft = stored(committed, quiz_id)
    assert (draft.title, draft.randomize_questions) == ("Lakes", True)
    assert revision(committed, quiz_id) == 2


def test_a_page_is_never_said_to_be_newer_than_what_it_shows(
    hers: Client, committed: Session
) -> None:
    quiz_id = a_draft(committed, "One?")
    uid = stored(committed, quiz_id).questions[0].uid
    hers.post(address(quiz_id), {"revision": 1, "title": "Seas", f"q-{uid}-text": "Uno?"})
    same = hers.post(address(quiz_id), {"revision": 1, "title": "Seas"}, htmx=True)
    assert same.status_code == 409, "the same title by chance: the question was not seen"


def test_somebody_else_may_save_between_a_save_and_its_answer(
    hers: Client, committed: Session
) -> None:
    quiz_id = a_draft(committed, "One?")
    newer = sa.update(QuizDraft).where(QuizDraft.quiz_id == quiz_id, QuizDraft.revision == 2)
    engine = committed.connection().engine
    committed.rollback()

    def save_elsewhere(_: Session) -> None:
        with engine.begin() as connection:
            connection.execute(newer.values(revision=3))

    sa.event.listen(Session, "after_commit", save_elsewhere)
    try:
        page = Page(hers.post(address(quiz_id), {"revision": 1, "title": "Seas"}, htmx=True))
    finally:
        sa.event.remove(Session, "after_commit", save_elsewhere)
    assert revision(committed, quiz_id) == 3
    assert page.one("#check").attrs["data-revision"] == "2"


def test_the_order_adds_removes_and_moves_at_once(hers: Client, committed: Session) -> None:
    quiz_id = a_draft(committed, "One?", "Two?", "Three?")
    one, two, three = (question.uid for question in stored(committed, quiz_id).questions)
    new = DraftQuestion().uid
    form = {"revision": 1, "order": f"{three} {new} {one}", f"q-{new}-text": "New?"}
    assert hers.post(address(quiz_id), form, htmx=True).status_code == 200
    assert [one.text for one in stored(committed, quiz_id).questions] == ["Three?", "New?", "One?"]
    form |= {"revision": 2, "order": f"{three} {two}"}
    assert hers.post(address(quiz_id), form, htmx=True).status_code == 409, "two is gone"
    form |= {"order": f"{three} {three}"}
    assert hers.post(address(quiz_id), form, htmx=True).status_code == 422


@pytest.mark.parametrize(
    ("typed", "limit", "note"),
    [
        ("5", 300, None),
        ("1:30", 90, None),
        ("1:00:05", 3605, None),
        ("", 0, None),
        ("five", "five", "Write minutes and seconds"),
        ("25:00:00", 90_000, "At most 24 hours."),
    ],
)
def test_a_time_limit_is_minutes_and_seconds_and_keeps_what_was_typed(
    hers: Client, committed: Session, typed: str, limit: object, note: str | None
) -> None:
    quiz_id = a_draft(committed, "One?")
    page = press(hers, hers.page(address(quiz_id)), "save", time_limit=typed)
    assert stored(committed, quiz_id).time_limit_seconds == limit
    noted = page.all("#note-time-limit-seconds")
    assert [note in one.to_text() for one in noted if note] == ([True] if note else [])
    assert len(noted) == (1 if note else 0)
    press(hers, page, "save")
    assert stored(committed, quiz_id).time_limit_seconds == limit, "as it was shown"


def test_words_in_a_number_and_texts_too_long_are_kept_and_noted(
    hers: Client, committed: Session
) -> None:
    quiz_id = a_draft(committed, "One?")
    question = stored(committed, quiz_id).questions[0]
    typed = {"max_attempts": "twice", f"q-{question.uid}-text": "x" * 600}
    page = press(hers, hers.page(address(quiz_id)), "save", **typed)
    draft = stored(committed, quiz_id)
    assert (draft.max_attempts, draft.questions[0].text) == ("twice", "x" * 600)
    assert page.words("#note-max-attempts") == "Write a whole number."
    assert "At most 500 characters" in page.words(f"#note-q-{question.uid}-text")
    assert "is-missing" not in page.one("#note-max-attempts").attrs["class"]
    assert "is-missing" in page.one("#note-description").attrs["class"], "it can wait"


@pytest.mark.parametrize(
    ("field", "value", "at"),
    [
        ("language", "xx", "language"),
        ("title", "x" * 20_001, "title"),
        ("title", "a\0b", "title"),
        ("q-{}-text", "a\0b", "q-{}-text"),
        ("q-{}-explanation", "x" * 20_001, "q-{}-explanation"),
        ("revision", "one", "revision"),
        ("revision", "", "revision"),
        ("q-1234-text", "x", "questions"),
        ("q-{}-a-12-text", "x", "questions"),
        ("action", "remove:nothing", "questions"),
    ],
)
def test_what_cannot_be_kept_is_refused_at_its_field_and_nothing_is_lost(
    hers: Client, committed: Session, field: str, value: str, at: str
) -> None:
    quiz_id = a_draft(committed, "One?")
    uid = stored(committed, quiz_id).questions[0].uid
    form = {"revision": 1, "description": "About water.", field.format(uid): value}
    response = hers.post(address(quiz_id), form)
    assert response.status_code == 422
    page = Page(response)
    assert [one.attrs["href"] for one in page.all("#faults a")] == [f"#{at.format(uid)}"]
    if at not in {"revision", "questions"}:
        assert page.one("[autofocus]").attrs["id"] == at.format(uid)
        assert "About water." in page.words("#description"), "what else was typed"
    assert revision(committed, quiz_id) == 1
    fragment = Page(hers.post(address(quiz_id), form, htmx=True))
    assert fragment.all("#faults a")
    assert not fragment.all("#editor")


def test_more_answers_than_there_may_be_are_refused(hers: Client, committed: Session) -> None:
    quiz_id = a_draft(committed, "One?")
    uid = stored(committed, quiz_id).questions[0].uid
    form = {f"q-{uid}-a-{DraftQuestion().uid}-text": str(n) for n in range(7)}
    assert hers.post(address(quiz_id), form | {"revision": "1"}).status_code == 422


def test_a_newer_save_shows_both_texts_and_either_can_be_kept(
    hers: Client, committed: Session
) -> None:
    quiz_id = a_draft(committed, "One?", "Two?")
    one, two = (question.uid for question in stored(committed, quiz_id).questions)
    mine = hers.page(address(quiz_id))
    theirs = {"revision": 1, "title": "Lakes", f"q-{one}-text": "Eins?", f"q-{two}-text": "Zwei?"}
    assert hers.post(address(quiz_id), theirs, htmx=True).status_code == 200
    typed = {"title": "Seas", f"q-{one}-text": "Uno?", f"q-{two}-text": "Dos?"}
    page = press(hers, mine, "add", **typed)
    assert page.status == 409
    assert {"Seas", "Lakes", "Uno?", "Eins?"} <= set(page.words("#choose").split())
    assert "Ada saved it" in page.words(".lead")
    assert stored(committed, quiz_id).title == "Lakes", "nothing is overwritten"
    chosen = {"choice-title": "theirs", f"choice-q-{one}": "mine", f"choice-q-{two}": "theirs"}
    page = hers.submit(page, "#choose", **chosen)
    assert page.status == 200
    draft = stored(committed, quiz_id)
    assert draft.title == "Lakes"
    assert [question.text for question in draft.questions] == ["Uno?", "Zwei?"]


@pytest.mark.parametrize(
    ("all_of", "title", "texts"), [("mine", "Seas", 2), ("theirs", "Lakes", 1)]
)
def test_a_question_removed_elsewhere_is_kept_or_goes(
    hers: Client, committed: Session, all_of: str, title: str, texts: int
) -> None:
    quiz_id = a_draft(committed, "One?", "Two?")
    one = stored(committed, quiz_id).questions[0].uid
    mine = hers.page(address(quiz_id))
    hers.post(address(quiz_id), {"revision": 1, "title": "Lakes", "action": f"remove:{one}"})
    page = press(hers, mine, "save", **{"title": "Seas", f"q-{one}-text": "Uno?"})
    assert page.status == 409
    assert "Removed" in page.words("#choose")
    hers.post(address(quiz_id), page.fields("#choose") | {"all": all_of})
    draft = stored(committed, quiz_id)
    assert draft.title == title
    assert [question.text for question in draft.questions] == ["Uno?", "Two?"][-texts:]


def test_pressing_a_button_twice_does_it_once(hers: Client, committed: Session) -> None:
    quiz_id = a_draft(committed, "One?")
    page = hers.page(address(quiz_id))
    press(hers, page, "add")
    again = press(hers, page, "add")
    assert again.status == 200
    assert len(stored(committed, quiz_id).questions) == 2


def test_nobody_else_gets_into_the_editor(browser: Browser, committed: Session) -> None:
    hidden = a_draft(committed, "One?")
    public = published_quiz(committed).id
    committed.commit()
    for who, statuses in (
        (browser(), (303, 303)),
        (browser("Bob"), (404, 403)),
    ):
        for quiz_id, status in zip((hidden, public), statuses, strict=True):
            assert who.get(address(quiz_id)).status_code == status
            assert who.post(address(quiz_id), title="Mine", revision=1).status_code == status
            sent = who.post(address(quiz_id), {"title": "Mine", "revision": 1}, htmx=True)
            assert sent.status_code == (204 if status == 303 else status)
    assert stored(committed, hidden).title == "Rivers"
    assert stored(committed, public).title == "A quiz"


def test_uids_of_another_quiz_change_nothing_there(hers: Client, committed: Session) -> None:
    mine, other = a_draft(committed, "One?"), a_draft(committed, "Other?")
    foreign = stored(committed, other).questions[0].uid
    form = {"revision": 1, f"q-{foreign}-text": "Taken over"}
    assert hers.post(address(mine), form, htmx=True).status_code == 409
    assert stored(committed, other).questions[0].text == "Other?"
    assert [one.text for one in stored(committed, mine).questions] == ["One?"]


def test_the_editor_says_what_differs_and_who_has_played(hers: Client, committed: Session) -> None:
    quiz = published_quiz(committed, questions=3)
    play(committed, player(add_user(committed)), quiz)
    committed.commit()
    assert "Nothing differs from what players see." in hers.page(address(quiz.id)).words("#check")
    first, _, third = (one.uid for one in stored(committed, quiz.id).questions)
    form = {
        "revision": 1, "title": "Lakes", f"q-{first}-text": "Uno?", "order": f"{third} {first}",
    }  # fmt: skip
    page = Page(hers.post(address(quiz.id), form, htmx=True))
    told = page.words("#check")
    assert "Played 1 time." in told
    assert "1 question changed, 1 removed, another order, title" in told
    assert page.words("#check del") if len(page.all("#check del")) == 1 else page.all("#check del")


def test_a_picture_comes_with_the_form(hers: Client, committed: Session) -> None:
    quiz_id = a_draft(committed, "One?")
    uid = stored(committed, quiz_id).questions[0].uid

    def send(name: str, data: bytes) -> Page:
        file = FileStorage(io.BytesIO(data), "me.png")
        return Page(parts(hers, address(quiz_id), {"revision": "1", name: file}))

    page = send(f"q-{uid}-picture", b"no picture")
    assert page.status == 422
    assert page.one("#faults a").attrs["href"] == f"#q-{uid}-picture"
    unused = media.store_picture(committed, media.encoded(picture(color="red"), fit=media.PERSON))
    committed.execute(sa.update(Media).values(created_at=Media.created_at - timedelta(days=2)))
    committed.commit()
    assert send(f"q-{uid}-picture", picture()).status == 303
    assert hers.get(unused).status_code == 404, "what nobody used for a day has gone"
    url = stored(committed, quiz_id).questions[0].image_url
    assert url is not None
    assert hers.get(url).status_code == 200


def test_five_hundred_questions_are_posted_whole_by_a_plain_form(
    hers: Client, committed: Session
) -> None:
    questions = tuple(
        DraftQuestion(text=f"{n}?", answers=tuple(DraftAnswer(text="a" * 100) for _ in range(6)))
        for n in range(500)
    )
    author = add_user(committed)
    quiz_id = authoring.create_quiz(committed, author.id, Draft(questions=questions)).id
    committed.commit()
    form = {
        f"q-{one.uid}-a-{answer.uid}-text": f"{answer.text}!"
        for one in questions
        for answer in one.answers
    } | {f"q-{one.uid}-text": one.text for one in questions}
    response = parts(hers, address(quiz_id), form | {"revision": "1"})
    assert response.status_code == 303
    assert stored(committed, quiz_id).questions[499].answers[5].text.endswith("!")


def test_a_body_that_is_larger_than_any_quiz_is_refused(hers: Client, committed: Session) -> None:
    quiz_id = a_draft(committed, "One?")
    much: dict[str, object] = {f"field-{n}": "x" * 1_000_000 for n in range(6)}
    assert hers.post(address(quiz_id), much).status_code == 413
    assert parts(hers, address(quiz_id), much | {"revision": "1"}).status_code == 413
    texts = {f"q-{DraftQuestion().uid}-text": "x" * 20_000 for _ in range(120)}
    order = " ".join(name[2:38] for name in texts)
    page = Page(parts(hers, address(quiz_id), {"revision": "1", "order": order, **texts}))
    assert page.status == 422
    assert "2 MB" in page.words("#faults")
    assert revision(committed, quiz_id) == 1


def test_two_saves_at_once_never_overwrite_each_other(hers: Client, committed: Session) -> None:
    quiz_id = a_draft(committed, "One?")
    barrier = Barrier(2)

    def save(title: str) -> int:
        barrier.wait()
        other = Client(hers.app)
        other.http.set_cookie(hers.session_cookie, hers.cookie(hers.session_cookie) or "")
        form = {"revision": 1, "title": title}
        return other.post(address(quiz_id), form, htmx=True).status_code

    with ThreadPoolExecutor(2) as pool:
        said = dict(zip(("Seas", "Lakes"), pool.map(save, ("Seas", "Lakes")), strict=True))
    assert sorted(said.values()) == [200, 409]
    assert said[stored(committed, quiz_id).title] == 200


def test_the_editor_costs_as_many_queries_for_many_questions_as_for_one(
    hers: Client, committed: Session, recorder: Recorder
) -> None:
    said = {}
    for number in (1, 60):
        quiz = published_quiz(committed, questions=number)
        committed.commit()
        hers.get(address(quiz.id))
        with recorder() as page:
            hers.get(address(quiz.id))
        uid = stored(committed, quiz.id).questions[-1].uid
        with recorder() as save:
            form = {"revision": 1, f"q-{uid}-text": "New?", "title": "New"}
            assert hers.post(address(quiz.id), form, htmx=True).status_code == 200
        said[number] = (len(page), len(save))
    assert said[1] == said[60]
    assert said[60] < (14, 24)
