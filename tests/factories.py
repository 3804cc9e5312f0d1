"""People, documents and published quizzes for tests."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from respondeo.domain.access import DEFAULT_ROLE_PERMISSIONS, GUEST, MODERATOR, USER, Viewer
from respondeo.domain.document import Answer, Document, Question
from respondeo.models import Quiz, User
from respondeo.services import authoring, identity


def add_user(session: Session, name: str = "A Player", *, groups: list[str] | None = None) -> User:
    """A person, with an address nobody else has."""
    user = User(name=name, email=f"{uuid4().hex}@people.example", groups=groups or [])
    session.add(user)
    session.flush()
    return user


def question(
    number: int, *, right: int | set[int] = 0, answers: int = 4, **changes: Any
) -> Question:
    """A question whose right answer is at the given place (or places), from 0."""
    places = {right} if isinstance(right, int) else right
    return Question(
        text=changes.pop("text", f"Question {number}?"),
        explanation=changes.pop("explanation", f"Because of {number}."),
        answers=tuple(
            Answer(text=f"Answer {letter} of {number}", is_correct=place in places)
            for place, letter in enumerate("ABCDEF"[:answers])
        ),
        **changes,
    )


def document(questions: int = 3, **changes: Any) -> Document:
    """A document: the right answer of each question is its first, unless `questions` says."""
    values: dict[str, Any] = {
        "title": "A quiz",
        "description": "About something.",
        "questions": tuple(question(number) for number in range(1, questions + 1)),
    }
    return Document(**(values | changes))


def editor(user: User | None = None) -> Viewer:
    """Somebody who may edit and publish everything."""
    return Viewer(MODERATOR, DEFAULT_ROLE_PERMISSIONS[MODERATOR], user.id if user else None)


def player(user: User) -> Viewer:
    """A person with the default role."""
    return Viewer(USER, DEFAULT_ROLE_PERMISSIONS[USER], user.id)


def guest(cookie: str = "a guest's cookie that is long enough") -> Viewer:
    """A guest where everything is public."""
    return Viewer(GUEST, DEFAULT_ROLE_PERMISSIONS[GUEST], guest_token=identity.token_hash(cookie))


def published_quiz(session: Session, doc: Document | None = None, **changes: Any) -> Quiz:
    """A published quiz by a new author."""
    author = add_user(session, "An Author")
    quiz = authoring.create_quiz(session, author.id, doc or document(**changes))
    authoring.publish(session, editor(author), quiz.id)
    session.flush()
    return quiz
