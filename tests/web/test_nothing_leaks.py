"""THE promise: nothing that the browser gets tells a right answer, or a question, too early.

The right answer of every question is moved to another option, behind the application's back,
and not one byte of what is served before the commit may change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.domain.document import Document, Feedback, Reveal
from respondeo.models import Answer, Question
from respondeo.services import content
from tests.client import Client
from tests.conftest import Clock
from tests.factories import published_quiz, question
from tests.web.apps import Browser
from tests.web.playing import Player, attempt_id, document_of, option

QUESTIONS = 3
CODINGS = ("identity", "gzip", "br")
Bytes = Mapping[str, tuple[object, ...]]


def quiz_document(feedback: str, reveal: str, shuffled: bool, most: int | None = 3) -> Document:
    """Questions with words, pictures and explanations that appear nowhere else."""
    questions = (
        question(
            number,
            right=number % 4,
            image_url=f"https://pictures.example/{number}.png",
            explanation=f"Because of secret {number}.",
        )
        for number in range(1, QUESTIONS + 1)
    )
    return document_of(
        *questions,
        feedback=feedback,
        reveal=reveal,
        randomize_questions=shuffled,
        randomize_answers=shuffled,
        max_attempts=most,
        time_limit_seconds=300,
    )


@dataclass
class Watch:
    """A browser in the middle of a play, and the other hand in the database."""

    client: Client
    app: Flask
    session: Session
    quiz_id: UUID

    def collect(
        self, attempt: UUID, question_id: str, *more: str, codings: tuple[str, ...] = CODINGS
    ) -> Bytes:
        """Everything that is served to the player now, by what was asked."""
        quiz, nobody = f"/quiz/{self.quiz_id}", UUID(int=0)
        swapped = ("/", quiz, f"{quiz}/play", f"{quiz}/results", "/leaderboard", "/nothing-here")
        whole = (
            f"{quiz}/play?attempt={attempt}&answered={question_id}",
            f"{quiz}/results/{attempt}",
            "/sign-in?next=/",
            f"{quiz}/play?attempt={nobody}",
            f"{quiz}/edit",
            *more,
        )
        asked = [
            *product(swapped, (False, True), ("identity",)),
            *product(whole, (False,), ("identity",)),
            *product((f"{quiz}/play", *more[-1:]), (False, True), codings[1:]),
        ]
        got = {
            f"{path} htmx={htmx} {coding}": self.client.get(
                path, htmx=htmx, **{"Accept-Encoding": coding}
            )
            for path, htmx, coding in asked
        } | self._refused(attempt, question_id)
        assert all(response.status_code < 500 for response in got.values())
        for path in ("/", quiz, f"{quiz}/results", "/leaderboard"):
            assert got[f"{path} htmx=False identity"].status_code == 200
        return {request: told(response) for request, response in got.items()}

    def _refused(self, attempt: UUID, question_id: str) -> dict[str, TestResponse]:
        """What posts answer that change nothing."""
        play, nobody = f"/quiz/{self.quiz_id}/play", UUID(int=0)
        form = {"attempt": attempt, "question": question_id}
        posts: list[tuple[str, dict[str, object]]] = [
            (f"{play}/answer", form),
            (f"{play}/answer", form | {"answer": nobody}),
            (f"{play}/answer", form | {"answer": "nonsense"}),
            (f"{play}/answer", {"attempt": attempt, "question": nobody, "answer": nobody}),
            (f"{play}/next", {"attempt": attempt, "question": nobody}),
            (play, {"number": 1}),
        ]
        if attempt.int == 0:  # nothing has been started, and looking shall start nothing
            posts.pop()
        return {
            f"POST {path} {sent} htmx={htmx}": self.client.post(path, sent, htmx=htmx)
            for path, sent in posts
            for htmx in ((False, True) if sent == form else (False,))
        }

    def move_right_answers(self, *, but: frozenset[UUID] = frozenset()) -> None:
        """Let another option be right, of every question (not those of `but`)."""
        moved = sa.text(
            "UPDATE answer SET is_correct = position = (SELECT (r.position + 1) % 4 FROM answer r"
            " WHERE r.question_id = answer.question_id AND r.is_correct)"
            " WHERE question_id <> ALL(:but)"
        )
        self._behind_the_trigger(moved, but=list(but))

    def move_among_others(self, chosen: UUID) -> None:
        """Let another option alone be right where the chosen one is wrong."""
        moved = sa.text(
            "UPDATE answer SET is_correct = id = (SELECT min(o.id::text)::uuid FROM answer o"
            " WHERE o.question_id = answer.question_id AND o.id <> :chosen AND NOT o.is_correct)"
            " WHERE question_id = (SELECT question_id FROM answer WHERE id = :chosen)"
        )
        self._behind_the_trigger(moved, chosen=chosen)

    def let_only_this_be_right(self, chosen: UUID) -> None:
        """Take all right answers but the chosen one away."""
        moved = sa.text(
            "UPDATE answer SET is_correct = id = :chosen"
            " WHERE question_id = (SELECT question_id FROM answer WHERE id = :chosen)"
        )
        self._behind_the_trigger(moved, chosen=chosen)

    def flip_verdicts(self) -> None:
        """What was right counts as wrong, and the other way round."""
        self.session.execute(sa.text("UPDATE attempt_answer SET is_correct = NOT is_correct"))
        self.session.execute(
            sa.text(
                "UPDATE quiz_attempt a SET correct_count = (SELECT count(*) FROM attempt_answer"
                " WHERE attempt_id = a.id AND is_correct) WHERE completed_at IS NULL"
            )
        )
        self.session.commit()

    def _behind_the_trigger(self, statement: sa.TextClause, **values: object) -> None:
        self.session.rollback()
        self.session.execute(sa.text("ALTER TABLE answer DISABLE TRIGGER immutable"))
        assert self.session.connection().execute(statement, values).rowcount
        self.session.execute(sa.text("ALTER TABLE answer ENABLE TRIGGER immutable"))
        self.session.commit()
        forget_content()


def forget_content() -> None:
    """Empty the caches of what never changes: here it did."""
    content.version_details.cache_clear()
    content.questions_for_players.cache_clear()
    content.answer_keys.cache_clear()


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    forget_content()


def told(response: TestResponse) -> tuple[object, ...]:
    """All that a response tells: status, headers, body. Neither the date nor gzip's is ours, and
    what the request is called is chance."""
    told = response.headers.items()
    headers = sorted((k, v) for k, v in told if k not in {"Date", "X-Request-ID"})
    body = response.get_data()
    if response.content_encoding == "gzip":
        body = body[:4] + body[8:]
    return response.status_code, tuple(headers), body


def same(before: Bytes, after: Bytes) -> None:
    assert before.keys() == after.keys()
    changed = [asked for asked, said in before.items() if said != after[asked]]
    for asked in changed[:1]:
        assert before[asked] == after[asked], asked
    assert not changed


def watch(
    browser: Browser, app: Flask, committed: Session, clock: Clock, doc: Document
) -> tuple[Watch, Player]:
    """A quiz, a player in a browser, and a clock that stands."""
    quiz = published_quiz(committed, doc)
    client = browser("A Player")
    clock.stop()
    committed.commit()
    return Watch(client, app, committed, quiz.id), Player(client, quiz.id)


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("feedback", list(Feedback))
@pytest.mark.parametrize(("reveal", "most"), [("safe", 3), ("safe", 1), ("always", None)])
def test_moving_every_right_answer_changes_not_one_byte_before_the_commit(
    browser: Browser,
    app: Flask,
    committed: Session,
    committed_clock: Clock,
    feedback: str,
    reveal: str,
    shuffled: bool,
    most: int | None,
) -> None:
    doc = quiz_document(feedback, reveal, shuffled, most)
    seen, player = watch(browser, app, committed, committed_clock, doc)
    page = player.start()
    attempt = attempt_id(page)
    discloses = most != 3
    answered: list[str] = []
    for letter in "ABC"[:QUESTIONS]:
        current = page.one("#play input[name=question]").attrs["value"]
        feedbacks = [f"{player.play}?attempt={attempt}&answered={q}" for q in answered]
        before = seen.collect(attempt, current, *feedbacks)
        # Of what was committed, an attempt that discloses tells the key.
        seen.move_right_answers(but=frozenset(map(UUID, answered if discloses else ())))
        same(before, seen.collect(attempt, current, *feedbacks))
        answered.append(current)
        page = player.answer(player.look(), letter)
        if page.all("form[data-sends=next] button"):
            page = player.next(page)


@pytest.mark.parametrize("feedback", list(Feedback))
def test_an_earlier_review_that_discloses_nothing_does_not_change_either(
    browser: Browser, app: Flask, committed: Session, committed_clock: Clock, feedback: str
) -> None:
    seen, player = watch(
        browser, app, committed, committed_clock, quiz_document(feedback, "safe", True)
    )
    first = player.play_through("ABC").path
    page = player.start()
    attempt = attempt_id(page)
    for letter in "BC":
        current = page.one("#play input[name=question]").attrs["value"]
        before = seen.collect(attempt, current, first)
        assert before[f"{first} htmx=False identity"][0] == 200
        seen.move_right_answers()
        same(before, seen.collect(attempt, current, first))
        page = player.answer(player.look(), letter)
        if page.all("form[data-sends=next] button"):
            page = player.next(page)


@pytest.mark.parametrize("letter", ["A", "B"])
def test_feedback_of_an_attempt_that_does_not_disclose_says_right_or_wrong_and_no_more(
    browser: Browser, app: Flask, committed: Session, committed_clock: Clock, letter: str
) -> None:
    doc = document_of(question(1, right={0, 2}), question(2), max_attempts=2)
    seen, player = watch(browser, app, committed, committed_clock, doc)
    page = player.start()
    attempt, current = attempt_id(page), page.fields("form.answer-form")["question"]
    chosen = UUID(option(page, letter))
    feedback = str(player.send_answer(page, letter).headers["Location"])
    before = seen.collect(attempt, current, feedback)
    if letter == "B":
        seen.move_among_others(chosen)
    else:  # whether other answers are right too is not told
        seen.let_only_this_be_right(chosen)
    same(before, seen.collect(attempt, current, feedback))
    assert "Because of 1." not in str(before)


@pytest.mark.parametrize("reveal", list(Reveal))
def test_with_feedback_at_the_end_nothing_tells_a_verdict_before_the_attempt_is_over(
    browser: Browser, app: Flask, committed: Session, committed_clock: Clock, reveal: str
) -> None:
    seen, player = watch(
        browser, app, committed, committed_clock, quiz_document("end", reveal, False)
    )
    page = player.start()
    attempt = attempt_id(page)
    for letter in "AC":  # wrong, then right
        first = page.fields("form.answer-form")["question"]
        page = player.answer(page, letter)
        current = page.fields("form.answer-form")["question"]
        feedback = f"{player.play}?attempt={attempt}&answered={first}"
        before = seen.collect(attempt, current, feedback)
        seen.flip_verdicts()
        same(before, seen.collect(attempt, current, feedback))
        assert not page.all("#verdict, .is-right, .is-wrong, .pips .right, .pips .wrong")
        assert "right" not in page.words(".play-where")


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize(
    ("who", "feedback", "reveal"),
    [
        ("A Player", "each", "safe"),
        ("A Player", "each", "always"),
        ("A Player", "end", "always"),
        (None, "each", "safe"),
        (None, "each", "always"),
    ],
)
def test_no_question_is_told_before_its_clock_runs(
    browser: Browser,
    app: Flask,
    committed: Session,
    committed_clock: Clock,
    feedback: str,
    reveal: str,
    shuffled: bool,
    who: str | None,
) -> None:
    seen, player = watch(
        browser, app, committed, committed_clock, quiz_document(feedback, reveal, shuffled)
    )
    seen.client = player.client = browser(who)
    later = told_of_questions(committed)
    nobody = UUID(int=0)
    assert_silent(seen.collect(nobody, str(nobody), codings=()), later)
    page = player.start()
    attempt = attempt_id(page)
    for _ in range(QUESTIONS):
        current = page.fields("form.answer-form")["question"]
        del later[UUID(current)]
        assert_silent(seen.collect(attempt, current, codings=()), later)
        page = player.answer(page, "A")
        if page.all("form[data-sends=next] button"):
            # At feedback the next question stays hidden, also when the clock runs again.
            feedback = f"{player.play}?attempt={attempt}&answered={current}"
            committed_clock.advance(seconds=180)
            committed.commit()
            assert_silent(seen.collect(attempt, current, feedback, codings=()), later)
            committed_clock.advance(seconds=-180)
            committed.commit()
            page = player.next(page)


def told_of_questions(session: Session) -> dict[UUID, list[str]]:
    """What gives a question away: its words, picture, explanation, and every id."""
    found: dict[UUID, list[str]] = {}
    for q in session.scalars(sa.select(Question)):
        answers = session.scalars(sa.select(Answer).where(Answer.question_id == q.id)).all()
        found[q.id] = [q.text, str(q.image_url), str(q.explanation), str(q.uid), str(q.id)]
        found[q.id] += [text for a in answers for text in (str(a.uid), str(a.id), a.text)]
    session.commit()
    return found


def assert_silent(served: Bytes, later: Mapping[UUID, list[str]]) -> None:
    for request, said in served.items():
        text = str(said)
        for words in later.values():
            assert not [word for word in words if word in text], f"{request}: {text}"


def test_the_ids_of_answers_do_not_tell_which_was_written_first(committed: Session) -> None:
    published_quiz(committed, questions=30)
    rows = committed.execute(sa.select(Answer.id, Answer.position)).all()
    assert {row.id.version for row in rows} == {4}
    smallest = sorted(rows)[: len(rows) // 4]
    assert {row.position for row in smallest} == {0, 1, 2, 3}
