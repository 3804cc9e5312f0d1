"""A player at a quiz's pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.domain.document import Document, Question
from respondeo.models import Answer, AttemptAnswer, QuizAttempt
from tests.client import Client, Page
from tests.factories import document


class Player:
    """Somebody who plays one quiz in one browser."""

    def __init__(self, client: Client, quiz_id: UUID) -> None:
        self.client = client
        self.quiz = f"/quiz/{quiz_id}"
        self.play = f"{self.quiz}/play"

    def start(self) -> Page:
        """Press the button of the quiz's page."""
        return self.client.submit(self.client.page(self.quiz), ".start form")

    def look(self) -> Page:
        """Open the play page again."""
        return self.client.page(self.play)

    def answer(self, page: Page, letter: str) -> Page:
        """Choose the answer of this letter and confirm."""
        return self.client.submit(page, "form.answer-form", answer=option(page, letter))

    def next(self, page: Page) -> Page:
        """Leave the feedback."""
        return self.client.submit(page, "form[data-sends=next]")

    def send_answer(
        self, page: Page, letter: str, *, htmx: bool = False, **forged: Any
    ) -> TestResponse:
        """The request of a form, with changes that no form of ours would make."""
        form: dict[str, Any] = page.fields("form.answer-form") | {"answer": option(page, letter)}
        return self.client.post(f"{self.play}/answer", form | forged, htmx=htmx)

    def send_next(self, page: Page, *, htmx: bool = False, **forged: Any) -> TestResponse:
        """The request of the Next button, with changes that no form of ours would make."""
        form: dict[str, Any] = page.fields("form[data-sends=next]") | forged
        return self.client.post(f"{self.play}/next", form, htmx=htmx)

    def play_through(self, letters: str) -> Page:
        """Start, give these answers one after another, and open the result."""
        page = self.start()
        for letter in letters:
            page = self.answer(page, letter)
            if page.all("form[data-sends=next] button"):
                page = self.next(page)
        links = page.all("a#play-go")
        return self.client.page(links[0].attrs["href"]) if links else page


def options(page: Page) -> dict[str, str]:
    """The answers that can be chosen: their ids by their texts, in the order shown."""
    labels = page.all("label.answer")
    return {
        label.query("span")[0].to_text().strip(): label.query("input")[0].attrs["value"]
        for label in labels
    }


def option(page: Page, letter: str) -> str:
    """The id of the answer whose text begins so, wherever the shuffle put it."""
    found = [value for text, value in options(page).items() if text.startswith(f"Answer {letter} ")]
    assert len(found) == 1, f"{found} for {letter} in\n{page.text}"
    return found[0]


def asked(page: Page) -> int:
    """The number of the question that the page shows, as its author numbered it."""
    return int(page.words("#question-text").removeprefix("Question ").removesuffix("?"))


def attempt_id(page: Page) -> UUID:
    """The attempt that a play page's form names."""
    return UUID(page.one("#play form input[name=attempt]").attrs["value"])


def document_of(*questions: Question, **details: Any) -> Document:
    """A document of just these questions."""
    return document(**details).model_copy(update={"questions": questions})


def stored(session: Session) -> list[dict[str, Any]]:
    """Everything that is stored of attempts and answers."""
    session.rollback()
    rows = [
        *session.execute(sa.select(QuizAttempt.__table__).order_by("id")).mappings(),
        *session.execute(
            sa.select(AttemptAnswer.__table__).order_by("attempt_id", "display_order")
        ).mappings(),
    ]
    session.rollback()
    return [dict(row) for row in rows]


def answers(session: Session) -> list[str | None]:
    """The texts that were answered, in the order of the questions."""
    session.rollback()
    rows = session.execute(
        sa.select(Answer.text)
        .select_from(AttemptAnswer)
        .outerjoin(Answer, Answer.id == AttemptAnswer.answer_id)
        .order_by(AttemptAnswer.attempt_id, AttemptAnswer.display_order)
    )
    return [text for (text,) in rows]
