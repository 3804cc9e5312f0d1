"""THE promise, at the API: no response tells an answer key, or a question before its clock runs.

Every operation, everybody who may call, every state of an attempt, right requests and wrong ones:
asked in two worlds that differ by the answer key alone, not one byte may differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.api.endpoints import OPERATIONS
from respondeo.models import QuizAttempt
from tests.api.conftest import quiz_body
from tests.api.worlds import (
    CHOICE,
    Asked,
    Caller,
    Kept,
    Making,
    State,
    callers,
    move_key,
    questions_of,
)
from tests.conftest import Clock
from tests.leaks import forget_content, told, told_of_questions
from tests.web.apps import AppWith

END = {"feedback": "end"}
ALWAYS = {"reveal": "always"}
PLAYED = "start answer next answer next answer"
STATES = {
    "no attempt": State(""),
    "a question": State("start answer next"),
    "feedback": State("start answer"),
    "feedback that discloses": State("start answer next answer", ALWAYS, discloses=True),
    "feedback, its pause over": State("start answer wait:180"),
    "feedback at the end": State("start right right", END, hidden_verdicts=True),
    "feedback at the end, to disclose": State(
        "start right right", {**END, **ALWAYS}, hidden_verdicts=True, discloses=True
    ),
    "time up, in its grace": State("start answer next wait:56", {"time_limit_seconds": 60}),
    "time up, unnoticed": State("start answer next wait:100", {"time_limit_seconds": 60}),
    "time up, unnoticed, to disclose": State(
        "start answer next wait:100", {"time_limit_seconds": 60, "max_attempts": 1}, discloses=True
    ),
    "over": State(PLAYED),
    "over, feedback at the end": State("start answer answer answer", END),
    "over, always disclosed": State(PLAYED, ALWAYS, discloses=True),
    "over, the last one allowed": State(PLAYED, {"max_attempts": 1}, discloses=True),
    "over, one of as many as one likes": State(
        "start answer wait:9999 notice", {"max_attempts": None}, discloses=True
    ),
    "came whole": State("submit"),
    "came whole, the last one allowed": State("submit", {"max_attempts": 1}, discloses=True),
    "a second one": State(f"{PLAYED} start answer next"),
    "published anew meanwhile": State("start answer next republish"),
    "over, published anew": State(f"{PLAYED} republish"),
    "taken out of sight": State("start answer next unpublish"),
    "over, taken out of sight": State(f"{PLAYED} unpublish"),
    "scheduled meanwhile": State("start answer schedule"),
    "never published": State("write"),
    "changed, and not published": State("start answer next scribble"),
    "an editor plays": State(PLAYED, groups=("heads",)),
}
# In these states everybody asks for everything. In all others those who differ in no more than in
# what they are let into (scopes; creator and user; admin and moderator) rest, and each of the
# others asks for what the state makes a difference to.
BY_ALL = {"a question", "over, always disclosed"}
READS = {"get_quiz", "list_attempts", "get_attempt", "quiz_leaderboard"}
STEPS = {"start_attempt", "answer_question", "next_question", "submit_attempt"}
ASKED = {
    "player": READS | STEPS | {"leaderboard", "list_quizzes"},
    "other": READS | STEPS | {"leaderboard"},
    "author": READS | STEPS | {"replace_quiz"},
    "moderator": READS,
    "player in a browser": READS,
}
WRONG = {"player": {"submit_attempt", "answer_question"}, "other": {"answer_question"}}
KEY_FIELDS = {"correctAnswerIds", "explanation"}
OF_THE_BODY = {"ETag", "Content-Length"}
IGNORED = {*OF_THE_BODY, "Date", "X-Request-ID"}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
NO_ID = UUID("00000000-0000-4000-8000-00000000000a")


@pytest.fixture
def app(app_with: AppWith) -> Flask:
    return app_with(rbac_role_moderator_groups="heads", rbac_role_creator_groups="teachers")


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    forget_content()


@dataclass(frozen=True)
class Request:
    """One request; `wrong`: one that is to be refused."""

    operation: str
    method: str
    path: str
    body: Any = None
    wrong: bool = False

    def __str__(self) -> str:
        return f"{self.operation} {self.path} {json.dumps(self.body)}"


@dataclass
class World:
    """A quiz, an attempt, and all that may be asked about them."""

    made: Making
    quiz_id: UUID
    attempt_id: UUID
    asked: list[Asked]
    current: Asked | None
    answered: list[Asked]
    hidden: list[Asked]

    def requests(self) -> Iterator[Request]:
        """Every operation, in the way it is meant and in wrong ways."""
        for operation in OPERATIONS:
            path = operation.path.format(quiz_id=self.quiz_id, attempt_id=self.attempt_id)
            sent = getattr(self, operation.name)  # a new operation: say below what to send
            for wrong, bodies in enumerate(sent()):
                for body in bodies:
                    end = body if isinstance(body, str) else ""
                    yield Request(
                        operation.name,
                        operation.method,
                        f"/api{path}{end}",
                        None if end else body,
                        bool(wrong),
                    )

    # What each operation is sent: right requests, then wrong ones. Text is a query.

    def list_quizzes(self) -> Any:
        return [None], ["?q=secret", "?q=reason", "?language=secret"]

    def create_quiz(self) -> Any:
        mine = quiz_body(1)
        theirs = quiz_body(1)
        theirs["questions"][0]["id"] = str(self.asked[0].id if self.asked else NO_ID)
        return [mine], [theirs, {}]

    def get_quiz(self) -> Any:
        return [None], []

    def replace_quiz(self) -> Any:
        sent = {**quiz_body(1), "revision": self.revision}
        return [sent], [{**sent, "revision": 999}, quiz_body(1), {"questions": [{}]}]

    def delete_quiz(self) -> Any:
        return [None], []

    def list_attempts(self) -> Any:
        return [None], [f"?userId={self.made.player.id}", "?userId=secret"]

    def submit_attempt(self) -> Any:
        given = [
            {"questionId": str(one.id), "answerId": str(one.answers[CHOICE[one.number]])}
            for one in self.asked
        ]
        whole = {"answers": given, "totalTimeMs": 5, "timedOut": False}
        mixed = [{**one, "answerId": given[0]["answerId"]} for one in given[1:]]
        strange = [*given, {"questionId": str(NO_ID), "answerId": str(NO_ID)}]
        wrong = [given + given, mixed, strange]
        return [whole, {**whole, "answers": []}], [
            *({**whole, "answers": answers} for answers in wrong if answers),
            {"answers": [{"questionId": "secret"}]},
        ]

    def start_attempt(self) -> Any:
        return [None], []

    def answer_question(self) -> Any:
        right = [self._choice(one, one.answers[place]) for one in self.answered for place in (0, 3)]
        wrong = [{"questionId": str(NO_ID), "answerId": str(NO_ID)}, {"questionId": "secret"}]
        if self.current:
            right.append(
                self._choice(self.current, self.current.answers[CHOICE[self.current.number]])
            )
            wrong.append(self._choice(self.current, NO_ID))
        for one in self.hidden[:1]:
            wrong += [self._choice(one, answer) for answer in (*one.answers[:2], NO_ID)]
        return right, wrong

    def _choice(self, asked: Asked, answer_id: UUID) -> Any:
        return {"questionId": str(asked.id), "answerId": str(answer_id)}

    def next_question(self) -> Any:
        return [None], []

    def get_attempt(self) -> Any:
        return [None], []

    def quiz_leaderboard(self) -> Any:
        return [None], ["?page=secret"]

    def leaderboard(self) -> Any:
        return [None], []

    def get_session(self) -> Any:
        return [None], []

    @property
    def revision(self) -> int:
        return 2 if "scribble" in self.made.state.steps else 1


def world_of(session: Session, made: Making) -> World:
    asked = questions_of(session, made.quiz)
    attempt = made.attempt
    rows = session.execute(
        sa.text(
            "SELECT question_id, answered_at IS NOT NULL FROM attempt_answer"
            " WHERE attempt_id = :attempt ORDER BY display_order"
        ),
        {"attempt": attempt.id if attempt else NO_ID},
    ).all()
    current = next((row[0] for row in rows if not row[1]), None)
    answered = {row[0] for row in rows if row[1]}
    return World(
        made,
        made.quiz.id,
        attempt.id if attempt else NO_ID,
        asked,
        next((one for one in asked if one.id == current), None),
        [one for one in asked if one.id in answered],
        [one for one in asked if one.id not in {*answered, current}],
    )


Said = dict[tuple[str, str], tuple[Caller, Request, TestResponse]]


def ask_all(kept: Kept, world: World, everybody: list[Caller], watch: Watch) -> Said:
    """What everybody is answered; each request meets the same state."""
    said: Said = {}
    unnoticed = "unnoticed" in watch.name
    for caller in everybody:
        for request in world.requests():
            if not asks(watch.name, caller.name, request):
                continue
            response = caller.ask(request.method, request.path, request.body)
            assert response.status_code < 500, f"{request}: {response.text}"
            watch.silent(caller, request, response)
            said[caller.name, str(request)] = (caller, request, response)
            if unnoticed or (request.method != "GET" and response.status_code < 300):
                kept.put_back()
    return said


def asks(state: str, name: str, request: Request) -> bool:
    """Whether somebody of this name asks for this in this state."""
    if state in BY_ALL:
        return name in WRONG or not request.wrong
    return request.operation in (WRONG if request.wrong else ASKED).get(name, ())


@dataclass
class Watch:
    """Looks whether a response tells of a question what its reader may not know yet."""

    name: str
    session: Session
    words: dict[UUID, list[str]]

    def silent(self, caller: Caller, request: Request, response: TestResponse) -> None:
        if may_know_all(caller, request, response):
            return
        said = f"{response.headers}{response.text}"
        sent = f"{request.path}{json.dumps(request.body)}"
        for question_id, words in self.words.items():
            found = [word for word in words if word in said and word not in sent]
            if found:
                extra = set(found) - self._known(caller, question_id)
                assert not extra, f"{caller.name}: {request}: {extra} in {said}"

    def _known(self, caller: Caller, question_id: UUID) -> set[str]:
        """What the caller's own attempts have shown of a question, by the rules of the play."""
        if caller.user is None:
            return set()
        self.session.rollback()
        rows = self.session.execute(sa.text(SHOWN), {"q": question_id, "user": caller.user.id})
        return {word for row in rows for word in row if word}


# A question of one's own attempt that is answered, or that is the current one while it has time;
# its explanation where an attempt that discloses tells of what was answered.
SHOWN = """
    SELECT q.id::text, q.text, q.image_url, q.image_alt, a.id::text, a.text,
        CASE WHEN aa.answered_at IS NOT NULL AND (t.completed_at IS NOT NULL
            OR t.feedback = 'each') AND EXISTS (SELECT 1 FROM quiz_attempt d
                WHERE d.user_id = t.user_id AND d.quiz_id = t.quiz_id AND d.discloses
                AND (d.id = t.id OR d.completed_at IS NOT NULL)) THEN q.explanation END
    FROM attempt_answer aa JOIN quiz_attempt t ON t.id = aa.attempt_id
    JOIN question q ON q.id = aa.question_id JOIN answer a ON a.question_id = q.id
    WHERE q.id = :q AND t.user_id = :user AND (aa.answered_at IS NOT NULL
        OR (t.shown_at IS NOT NULL AND t.deadline_at > turned.clock_timestamp()
            AND aa.display_order = (SELECT min(display_order) FROM attempt_answer n
                WHERE n.attempt_id = t.id AND n.answered_at IS NULL)))
"""


def may_know_all(caller: Caller, request: Request, response: TestResponse) -> bool:
    """Whether this answer is for an editor of a quiz, who may see its key."""
    if response.status_code >= 400:
        return False
    if request.operation == "create_quiz":
        return True  # it is the caller's own
    if request.operation == "get_attempt":
        return caller.edits and not caller.is_player
    return caller.edits and request.operation in {"get_quiz", "replace_quiz"}


def may_know_some(caller: Caller, request: Request, response: TestResponse) -> bool:
    """Whether this answer may tell the player of what was answered: it tells verdicts."""
    tells = request.operation in {"get_attempt", "answer_question"}
    if not caller.is_player or not tells or response.status_code >= 400:
        return False
    attempt = response.get_json()["attempt"]
    return attempt["status"] == "over" or attempt["correctCount"] is not None


def plain(response: TestResponse, known: set[str]) -> tuple[Any, ...]:
    """All that a response tells; ids that were made for it are all the same."""
    new: dict[str, str] = {}

    def known_or_new(found: re.Match[str]) -> str:
        one = found[0]
        return one if one in known else new.setdefault(one, f"new-{len(new)}")

    status, headers, _ = told(response)
    return status, headers, _UUID.sub(known_or_new, response.text)


def without_key(response: TestResponse) -> Any:
    """What a response tells besides the key of what was answered."""

    def pruned(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: pruned(one) for name, one in value.items() if name not in KEY_FIELDS}
        return [pruned(one) for one in value] if isinstance(value, list) else value

    headers = [h for h in response.headers.items() if h[0] not in IGNORED]
    return response.status_code, headers, pruned(response.get_json())


@pytest.mark.parametrize("name", STATES)
def test_nothing_tells_the_key_or_a_question_before_its_time(
    app: Flask, committed: Session, committed_clock: Clock, name: str
) -> None:
    made = Making(committed, committed_clock, STATES[name])
    everybody = callers(app, committed, made)
    world = world_of(committed, made)
    watch = Watch(name, committed, secrets(committed))
    before = ask_all(Kept(committed), world, everybody, watch)
    move_key(committed, verdicts=made.state.hidden_verdicts)
    committed.execute(sa.text("TRUNCATE rate_limit"))
    watch = Watch(name, committed, secrets(committed))
    after = ask_all(Kept(committed), world, everybody, watch)
    compare(made.state, before, after, ids_of(committed))


def compare(state: State, before: Said, after: Said, known: set[str]) -> None:
    told_apart = set()
    for asked, (caller, request, first) in before.items():
        second = after[asked][2]
        who = f"{caller.name}: {request}"
        some = may_know_some(caller, request, first)
        if first.data != second.data:
            told_apart.add((caller.name, request.operation))
        if state.shuffles and request.operation == "start_attempt" and first.status_code == 201:
            assert second.status_code == 201, who  # in an order of its own
        elif may_know_all(caller, request, first):
            assert may_know_all(caller, request, second), who
        elif some and state.hidden_verdicts:
            assert first.get_json()["attempt"]["status"] == "over", who
        elif some and state.discloses:
            assert without_key(first) == without_key(second), who
        else:
            assert plain(first, known) == plain(second, known), who
    # The other key did reach those who may know it: had it not, all of this would prove nothing.
    assert ("author", "get_quiz") in told_apart
    tells = state.discloses and not state.hidden_verdicts
    assert (("player", "get_attempt") in told_apart) == tells


def secrets(session: Session) -> dict[UUID, list[str]]:
    """What gives each question away, and what is only in the draft."""
    words = told_of_questions(session)
    words[NO_ID] = ["Secret half typ", "Secret title"]
    return words


def ids_of(session: Session) -> set[str]:
    """All ids there are."""
    found = set()
    for table in QuizAttempt.metadata.sorted_tables:
        columns = [column for column in table.columns if isinstance(column.type, sa.Uuid)]
        for row in session.execute(sa.select(*columns)) if columns else ():
            found |= {str(one) for one in row if one}
    session.commit()
    return found
