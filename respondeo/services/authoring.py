"""Authoring: the draft of a quiz, publishing it as the next version, publication, deleting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from respondeo.db import database_time, new_id
from respondeo.domain.access import Viewer, may_see, refusal
from respondeo.domain.completeness import complete
from respondeo.domain.document import Document
from respondeo.domain.draft import Draft
from respondeo.domain.errors import (
    Invalid,
    NewerRevision,
    NotAllowed,
    NotFound,
    Problem,
    SignInRequired,
)
from respondeo.models import Quiz, QuizAttempt, QuizBoard, QuizDraft, QuizVersion, User
from respondeo.services import pictures, standings
from respondeo.services.versions import published_document, version_of

LARGEST_DRAFT = 2_000_000  # bytes of JSON


class When(Enum):
    """From when a published quiz is open, where it is no date."""

    KEEP = "keep the date there is, else now"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class Editing:
    """What an author needs to see of a quiz besides its draft.

    played: completed attempts at the version that is published, guests' among them.
    """

    quiz_id: UUID
    author_id: UUID | None
    author_name: str | None
    draft: Draft
    revision: int
    saved_at: datetime
    saved_by: str | None
    published_at: datetime | None
    now: datetime
    version: int | None
    published: Document | None
    played: int


def create_quiz(
    session: Session, author_id: UUID, document: Draft | Document, *, quiz_id: UUID | None = None
) -> Quiz:
    """A new quiz with this draft; nobody else sees it until it is published.

    quiz_id: the id that a form was given, so that a form sent twice makes one quiz.
    Raises Invalid where the draft is too large.
    """
    quiz_id = quiz_id or new_id()
    made = insert(Quiz).values(id=quiz_id, author_id=author_id).on_conflict_do_nothing()
    if session.scalar(made.returning(Quiz.id)) is None:  # waits for whoever is making it
        quiz = session.get_one(Quiz, quiz_id)
        return quiz if quiz.author_id == author_id else create_quiz(session, author_id, document)
    quiz = session.get_one(Quiz, quiz_id)
    session.add(QuizBoard(quiz_id=quiz.id))
    session.add(
        QuizDraft(quiz_id=quiz.id, document=_stored(document), updated_by=author_id, revision=1)
    )
    session.flush()
    return quiz


def duplicate_quiz(
    session: Session, viewer: Viewer, quiz_id: UUID, *, copy_id: UUID | None = None
) -> Quiz:
    """A new quiz of the viewer's with the same draft; `copy_id` as in `create_quiz`.

    Raises NotFound, SignInRequired, NotAllowed.
    """
    original = editable(session, viewer, quiz_id)
    if viewer.user_id is None:
        raise SignInRequired
    if not viewer.may("quiz:create"):
        raise NotAllowed(refusal("quiz:create"))
    stored = session.get(QuizDraft, original.id)
    if stored is None:
        raise NotFound
    draft = Draft.model_validate(stored.document)
    title = f"Copy of {draft.title.strip()}"[:70].strip()
    copy = draft.model_copy(update={"title": title})
    return create_quiz(session, viewer.user_id, copy, quiz_id=copy_id)


def editable(session: Session, viewer: Viewer, quiz_id: UUID) -> Quiz:
    """The quiz, for somebody who may edit it. Raises NotFound, SignInRequired, NotAllowed."""
    quiz = session.get(Quiz, quiz_id)
    if quiz is None or not may_see(
        viewer, quiz.author_id, quiz.published_at, database_time(session)
    ):
        raise NotFound
    if not viewer.may_edit(quiz.author_id):
        raise not_allowed(viewer, quiz.author_id, "quiz:edit-own", "quiz:edit-any")
    return quiz


def editing(session: Session, viewer: Viewer, quiz_id: UUID) -> Editing:
    """The draft, and what is published. Raises NotFound, SignInRequired, NotAllowed."""
    # Whoever is deleting the quiz goes first or waits, or half of it would be read.
    whole = {"read": True, "key_share": True}  # FOR KEY SHARE
    session.get(Quiz, quiz_id, with_for_update=whole, populate_existing=True)
    quiz = editable(session, viewer, quiz_id)
    draft, saved_by = session.execute(
        sa.select(QuizDraft, User.name)
        .outerjoin(User, User.id == QuizDraft.updated_by)
        .where(QuizDraft.quiz_id == quiz.id)
        .execution_options(populate_existing=True)
    ).one()
    current = quiz.current_version_id
    return Editing(
        quiz_id=quiz.id,
        author_id=quiz.author_id,
        author_name=session.scalar(sa.select(User.name).where(User.id == quiz.author_id)),
        draft=Draft.model_validate(draft.document),
        revision=draft.revision,
        saved_at=draft.updated_at,
        saved_by=saved_by,
        published_at=quiz.published_at,
        now=database_time(session),
        version=session.get_one(QuizVersion, current).number if current else None,
        published=published_document(session, current) if current else None,
        played=_played(session, current) if current else 0,
    )


def _played(session: Session, version_id: UUID) -> int:
    attempts = sa.select(sa.func.count()).where(
        QuizAttempt.quiz_version_id == version_id, QuizAttempt.completed_at.is_not(None)
    )
    return session.scalar(attempts) or 0


def change_draft(
    session: Session,
    viewer: Viewer,
    quiz_id: UUID,
    change: Callable[[Draft], Draft],
    *,
    revision: int | None,
) -> QuizDraft:
    """Save the draft as `change` makes it; what changes nothing makes no revision.

    revision: the one that the author has seen, None to save whatever was saved since. An older
    one is refused even where the change is there already: the author has not seen the rest.
    Raises NewerRevision, Invalid, NotFound, SignInRequired, NotAllowed.
    """
    quiz = editable(session, viewer, quiz_id)
    draft = _draft_for_us(session, quiz.id)
    before = Draft.model_validate(draft.document)
    after = change(before)
    if revision is not None and revision != draft.revision:
        raise NewerRevision
    if after == before:
        return draft
    new, now = _stored(after), database_time(session)
    pictures.let_go(session, draft.document, new)
    # In one UPDATE: a second one would look for the quiz, which who deletes it holds already.
    draft.document, draft.updated_by, draft.updated_at = new, viewer.user_id, now
    draft.revision += 1
    return draft


def _draft_for_us(session: Session, quiz_id: UUID) -> QuizDraft:
    """The draft, kept for us alone. Raises NotFound where the quiz was deleted just now."""
    draft = session.get(QuizDraft, quiz_id, with_for_update=True, populate_existing=True)
    if draft is None:
        raise NotFound
    return draft


def save_draft(
    session: Session,
    viewer: Viewer,
    quiz_id: UUID,
    document: Draft | Document,
    *,
    revision: int | None = None,
) -> QuizDraft:
    """Replace the whole draft. Raises as `change_draft` does."""
    new = Draft.model_validate(document.model_dump())
    return change_draft(session, viewer, quiz_id, lambda _: new, revision=revision)


def publish(
    session: Session,
    viewer: Viewer,
    quiz_id: UUID,
    *,
    at: datetime | When = When.KEEP,
    revision: int | None = None,
) -> QuizVersion:
    """Make the draft the next version, visible from `at`.

    A draft that says what the current version says makes no version. Open attempts keep theirs.
    revision: the draft that the author has seen, None for whatever it is.
    Raises NewerRevision, Invalid (all that is missing), NotFound, SignInRequired, NotAllowed.
    """
    quiz = locked(session, viewer, quiz_id)
    if not viewer.may_publish(quiz.author_id):
        raise not_allowed(viewer, quiz.author_id, "quiz:edit-own", "quiz:publish")
    draft = _draft_for_us(session, quiz.id)
    if revision is not None and revision != draft.revision:
        raise NewerRevision
    version = version_of(session, quiz, complete(Draft.model_validate(draft.document)))
    now = database_time(session)
    quiz.current_version_id = version.id
    if isinstance(at, datetime):
        quiz.published_at = at
    elif at is When.NOW or quiz.published_at is None:
        quiz.published_at = now
    quiz.updated_at = now
    return version


def unpublish(session: Session, viewer: Viewer, quiz_id: UUID) -> None:
    """Take the quiz out of sight; attempts and points stay.

    Raises NotFound, SignInRequired, NotAllowed.
    """
    quiz = locked(session, viewer, quiz_id)
    if not viewer.may_publish(quiz.author_id):
        raise not_allowed(viewer, quiz.author_id, "quiz:edit-own", "quiz:publish")
    quiz.published_at = None


def delete_quiz(session: Session, viewer: Viewer, quiz_id: UUID) -> None:
    """Delete the quiz with its attempts and correct the boards.

    Raises NotFound, SignInRequired, NotAllowed.
    """
    quiz = locked(session, viewer, quiz_id)
    if not viewer.may_delete(quiz.author_id):
        raise not_allowed(viewer, quiz.author_id, "quiz:delete-own", "quiz:delete-any")
    standings.lock_open_attempts(session, QuizAttempt.quiz_id == quiz_id)
    standings.forget_quiz(session, quiz_id)
    pictures.let_go_of_quiz(session, quiz_id)
    session.execute(
        sa.delete(Quiz).where(Quiz.id == quiz_id).execution_options(synchronize_session=False)
    )
    session.expire_all()


def locked(session: Session, viewer: Viewer, quiz_id: UUID) -> Quiz:
    """The quiz, if it exists for this viewer, kept for us alone. Raises NotFound."""
    # Keeps everybody from starting, but lets those who are completing refer to the quiz: they
    # hold their attempt, and deleting waits for it next.
    lock = {"key_share": True}  # FOR NO KEY UPDATE
    quiz = session.get(Quiz, quiz_id, with_for_update=lock, populate_existing=True)
    now = database_time(session)
    if quiz is None or not may_see(viewer, quiz.author_id, quiz.published_at, now):
        raise NotFound
    return quiz


def not_allowed(viewer: Viewer, author_id: UUID | None, own: str, others: str) -> NotAllowed:
    """Why this viewer may not do that to a quiz of this author: the permission they lack."""
    if viewer.is_guest:
        return SignInRequired()
    return NotAllowed(refusal(own if viewer.user_id == author_id else others))


def _stored(document: Draft | Document) -> dict[str, object]:
    """The document as its column holds it. Raises Invalid where it is too large."""
    if len(document.model_dump_json(by_alias=True).encode()) > LARGEST_DRAFT:
        raise Invalid(Problem("questions", "This quiz is too long: its texts exceed 2 MB."))
    return document.model_dump(mode="json", by_alias=True)
