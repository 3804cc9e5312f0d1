"""What to hit: quizzes and attempts in every state, the caller's and others'."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from respondeo.domain.draft import Draft, DraftAnswer, DraftQuestion
from respondeo.models import Quiz, User
from respondeo.services import authoring
from tests.api.conftest import Program, Programs
from tests.factories import add_user, document, editor

STATES = ("published", "published", "scheduled", "unpublished", "draft")
UNFINISHED = Draft(
    max_attempts="many",
    time_limit_seconds="5:xx",
    questions=(DraftQuestion(answers=(DraftAnswer(),)),),
)


@dataclass
class Ids:
    """What a caller may name."""

    quizzes: list[str] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    unplayed: str = ""
    its_question: str = ""
    its_answer: str = ""


def furnished(session: Session, program: Programs, caller: User) -> Ids:
    """Make it all."""
    ids = Ids()
    author = add_user(session, "An Author")
    for owner in (caller, author) * 2:
        ids.quizzes += [str(quiz_of(session, owner, state).id) for state in STATES]
        ids.quizzes.append(str(authoring.create_quiz(session, owner.id, UNFINISHED).id))
    for player in (program(user=caller), program(name="A Player")):
        for until in ("question", "feedback", "over"):
            quiz = str(quiz_of(session, author, "published").id)
            ids.quizzes.append(quiz)
            play(player, quiz, until, ids)
    # The last one is the other player's: the caller may still play it. It is not to be deleted.
    ids.unplayed, ids.its_question, ids.its_answer = (
        ids.quizzes.pop(),
        ids.questions[-1],
        ids.answers[-1],
    )
    return ids


def quiz_of(session: Session, author: User, state: str) -> Quiz:
    """A quiz that is open, will be, is no more, or never was."""
    quiz = authoring.create_quiz(session, author.id, document(2, max_attempts=None))
    if state != "draft":
        authoring.publish(session, editor(author), quiz.id)
    if state == "scheduled":
        quiz.published_at = datetime.now(UTC) + timedelta(days=1)
    if state == "unpublished":
        authoring.unpublish(session, editor(author), quiz.id)
    session.commit()
    return quiz


def play(player: Program, quiz_id: str, until: str, ids: Ids) -> None:
    """An attempt that stands at its first question, at a feedback, or is over."""
    step = player.ask("POST", f"/api/quizzes/{quiz_id}/attempts/start", 201)
    path = f"/api/attempts/{step['attempt']['id']}"
    ids.attempts.append(step["attempt"]["id"])
    ids.questions.append(step["question"]["id"])
    ids.answers.append(step["question"]["answers"][0]["id"])
    while step["attempt"]["status"] != until:
        if step["question"] is None:
            step = player.ask("POST", f"{path}/next", 200)
        else:
            first = step["question"]["answers"][0]["id"]
            body = {"questionId": step["question"]["id"], "answerId": first}
            step = player.ask("POST", f"{path}/answers", 200, body)
