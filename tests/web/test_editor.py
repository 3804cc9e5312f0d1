"""The editor as forms: what every browser can do without JavaScript."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from respondeo.domain.draft import Draft, DraftAnswer, DraftQuestion
from respondeo.models import QuizDraft
from respondeo.services import authoring
from tests.client import SAME_ORIGIN, Client, Page
from tests.factories import add_user


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


def press(client: Client, page: Page, action: str, **typed: str) -> Page:
    """Press a button of the editor with these things typed, and follow."""
    names = {node.attrs["value"] for node in page.all("#editor button[name=action]")}
    assert action in names, f"no button {action}"
    response = client.open(
        page.one("#editor").attrs["action"],
        method="POST",
        data=filled(page) | typed | {"action": action},
        headers=SAME_ORIGIN,
        follow_redirects=True,
        content_type="multipart/form-data",
    )
    return Page(response)


def test_a_quiz_begins_with_its_title_and_one_empty_question(
    hers: Client, committed: Session
) -> None:
    page = hers.page("/quiz/new")
    response = hers.post("/quiz/new", title="Rivers of Europe")
    assert response.status_code == 303
    assert response.headers["Location"].endswith("-text")
    page = hers.page(response.headers["Location"].partition("#")[0])
    assert page.title() == "Rivers of Europe: edit · Respondeo"
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
