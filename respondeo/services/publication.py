"""Publication: from when a quiz is open. Making versions is `authoring.publish`."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain.access import Viewer
from respondeo.domain.errors import Invalid, NotAllowed, Problem
from respondeo.services import authoring

FARTHEST = timedelta(days=10 * 366)


def schedule(
    session: Session, viewer: Viewer, quiz_id: UUID, at: datetime, *, revision: int
) -> None:
    """Publish the draft, open from `at` on. Raises as `authoring.publish` does, and Invalid
    where that moment has passed."""
    _demand_ahead(session, at)
    authoring.publish(session, viewer, quiz_id, at=at, revision=revision)


def change_date(session: Session, viewer: Viewer, quiz_id: UUID, at: datetime | None) -> None:
    """Open the version that is published from `at` on, None for now; the draft stays a draft.

    Raises Invalid, NotFound, NotAllowed (also where there is nothing to open).
    """
    if at is not None:
        _demand_ahead(session, at)
    quiz = authoring.locked(session, viewer, quiz_id)
    if not viewer.may_publish(quiz.author_id):
        raise authoring.not_allowed(viewer, quiz.author_id, "quiz:edit-own", "quiz:publish")
    if quiz.published_at is None:
        raise NotAllowed("This quiz is not published.")
    quiz.published_at = at or database_time(session)


def _demand_ahead(session: Session, at: datetime) -> None:
    now = database_time(session)
    if at <= now:
        raise Invalid(Problem("date", "This moment has passed. Choose a later one."))
    if at > now + FARTHEST:
        raise Invalid(Problem("date", "Choose a date within the next ten years."))
