"""Over several versions, what somebody played stays as they played it, page by page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from respondeo.domain.document import Answer as AnswerDocument
from respondeo.domain.document import Document
from respondeo.domain.document import Question as QuestionDocument
from respondeo.models import Question, Quiz, QuizVersionQuestion
from respondeo.services import authoring, results
from tests.client import Client
from tests.conftest import Clock
from tests.factories import add_user, document, editor, player, published_quiz, question
from tests.services.plays import play
from tests.web.apps import Browser
from tests.web.playing import Player, asked, option


def publish(session: Session, quiz: Quiz, questions: Sequence[QuestionDocument]) -> None:
    changed = document().model_copy(update={"questions": tuple(questions)})
    authoring.save_draft(session, editor(), quiz.id, changed)
    authoring.publish(session, editor(), quiz.id)
    session.commit()


def reworded(one: QuestionDocument, **changes: object) -> QuestionDocument:
    return one.model_copy(update=changes)


ONE, TWO, THREE, FOUR = (question(n) for n in (1, 2, 3, 4))
OTHER = AnswerDocument(text="Answer E of 2", is_correct=True)
TWO_REPLACED = reworded(TWO, answers=(*TWO.answers[1:], OTHER))
THREE_SWAPPED = reworded(
    THREE,
    answers=tuple(
        one.model_copy(update={"is_correct": not one.is_correct}) for one in THREE.answers
    ),
)
VERSIONS = {
    "one reworded": (reworded(ONE, text="Question 1, asked better?"), TWO, THREE),
    "answers of two replaced": (ONE, TWO_REPLACED, THREE),
    "the right answers of three swapped": (ONE, TWO_REPLACED, THREE_SWAPPED),
    "reordered": (THREE_SWAPPED, TWO_REPLACED, ONE),
    "two and one removed, four added": (THREE_SWAPPED, FOUR),
    "all as it was": (ONE, TWO, THREE),
}


def page_of(client: Client, path: str) -> str:
    """The whole page as it is sent, without the place on the board, which others change."""
    page = client.page(path)
    text = re.sub(r"\s*<div>\s*<dt>(Place|Better than)</dt>.*?</div>", "", page.text, flags=re.S)
    assert "of the others" not in text
    return text


def test_every_earlier_review_stays_byte_for_byte_over_many_versions(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed, document().model_copy(update={"questions": (ONE, TWO, THREE)}))
    committed.commit()
    editing = browser("An Admin", "admin")
    before: dict[str, tuple[Client, str, str]] = {}
    for number, questions in enumerate([(ONE, TWO, THREE), *VERSIONS.values()]):
        if number:
            publish(committed, quiz, questions)
        client = browser(f"Player {number}")
        letters = "ABC" if number % 2 else "BAA"
        path = Player(client, quiz.id).play_through(_there(questions, letters)).path
        before[path] = (client, page_of(client, path), page_of(editing, path))
        for earlier, (own, mine, theirs) in before.items():
            assert page_of(own, earlier) == mine
            assert page_of(editing, earlier) == theirs
    assert len({mine for _, mine, _ in before.values()}) == len(VERSIONS) + 1


def _there(questions: Sequence[QuestionDocument], letters: str) -> str:
    """The letters, but the second of those where the question has no such answer any more."""
    return "".join(
        letter if any(f"Answer {letter} " in a.text for a in one.answers) else "B"
        for one, letter in zip(questions, letters, strict=False)
    )


def test_an_attempt_under_way_is_played_and_reviewed_as_it_was_started(
    browser: Browser, committed: Session
) -> None:
    quiz = published_quiz(committed, document().model_copy(update={"questions": (ONE, TWO, THREE)}))
    committed.commit()
    one = Player(browser("A Player"), quiz.id)
    page = one.start()
    for number, questions in enumerate(list(VERSIONS.values())[-3:], start=1):
        publish(committed, quiz, questions)
        assert asked(page) == number
        assert option(page, "A")
        page = one.answer(page, "A")
        if number < 3:
            page = one.next(page)
    result = one.client.page(page.one("a#play-go").attrs["href"])
    assert "3/3" in result.words()
    assert [" ".join(h.to_text().split()) for h in result.all(".review-item h3")] == [
        "Question 1?", "Question 2?", "Question 3?",
    ]  # fmt: skip


def test_unchanged_questions_keep_their_rows_through_all_versions(committed: Session) -> None:
    quiz = published_quiz(committed, document().model_copy(update={"questions": (ONE, TWO, THREE)}))
    first = rows(committed, quiz)
    for questions in list(VERSIONS.values())[:-1]:
        earlier = rows(committed, quiz)
        publish(committed, quiz, questions)
        later = rows(committed, quiz)
        for one in questions:
            known = one.uid in earlier and _is(committed, earlier[one.uid], one)
            assert (later[one.uid] == earlier.get(one.uid)) is known
    assert rows(committed, quiz)[THREE.uid] != first[THREE.uid]


def rows(session: Session, quiz: Quiz) -> dict[UUID, UUID]:
    """The rows of the current version's questions, by their uids."""
    session.refresh(quiz)
    found = session.execute(
        sa.select(Question.uid, Question.id)
        .join(QuizVersionQuestion, QuizVersionQuestion.question_id == Question.id)
        .where(QuizVersionQuestion.quiz_version_id == quiz.current_version_id)
    )
    return {row.uid: row.id for row in found}


def _is(session: Session, row_id: UUID, wording: QuestionDocument) -> bool:
    """Whether this row is this wording."""
    texts = session.execute(
        sa.text("SELECT text, is_correct FROM answer WHERE question_id = :id ORDER BY position"),
        {"id": row_id},
    )
    return session.get_one(Question, row_id).text == wording.text and [
        (a.text, a.is_correct) for a in wording.answers
    ] == [tuple(row) for row in texts]


# -- any order of edits, publications and plays ----------------------------------------------

STEPS = st.lists(
    st.tuples(st.sampled_from(["reword", "answers", "remove", "add", "move", "play"]),
              st.integers(0, 5)),
    min_size=3, max_size=6,
)  # fmt: skip


@dataclass
class Story:
    """A quiz of an author who keeps changing it, and the reviews of those who played it."""

    session: Session
    quiz: Quiz
    document: Document
    reviews: list[tuple[UUID, UUID, object]] = field(default_factory=list)

    def step(self, what: str, place: int) -> None:
        questions = list(self.document.questions)
        place %= len(questions)
        if what == "play":
            return self.play()
        if what == "reword":
            questions[place] = reworded(questions[place], text=f"{questions[place].text}!")
        elif what == "answers":
            answers = questions[place].answers
            questions[place] = reworded(questions[place], answers=(*answers[1:], answers[0]))
        elif what == "remove" and len(questions) > 1:
            del questions[place]
        elif what == "add":
            questions.insert(place, question(len(questions) + 10))
        elif what == "move":
            questions.append(questions.pop(place))
        self.document = self.document.model_copy(update={"questions": tuple(questions)})
        authoring.save_draft(self.session, editor(), self.quiz.id, self.document)
        authoring.publish(self.session, editor(), self.quiz.id)
        return None

    def play(self) -> None:
        person = add_user(self.session)
        attempt = play(self.session, player(person), self.quiz, [True, False])
        self.reviews.append((person.id, attempt.id, self.review(person.id, attempt.id)))

    def review(self, user_id: UUID, attempt_id: UUID) -> object:
        somebody = editor()
        found = results.attempt_to_show(self.session, somebody, self.quiz.id, attempt_id)
        shown = results.result(self.session, somebody, found)
        return (shown.quiz_title, shown.correct, shown.total, shown.total_time_ms, shown.review)

    def check(self) -> None:
        for user_id, attempt_id, before in self.reviews:
            assert self.review(user_id, attempt_id) == before


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_no_order_of_edits_and_plays_changes_what_was_played(
    session: Session, clock: Clock, steps: list[tuple[str, int]]
) -> None:
    doc = document(3)
    story = Story(session, published_quiz(session, doc), doc)
    story.play()
    for what, place in steps:
        story.step(what, place)
        story.check()
    assert authoring.editing(session, editor(), story.quiz.id).published == story.document
