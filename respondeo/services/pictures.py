"""Pictures of quizzes: how large they are kept, and when a quiz no longer needs one."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.models import Question, QuizDraft, QuizVersion
from respondeo.services import media
from respondeo.services.media import Fit


class Use(StrEnum):
    """What a picture is for."""

    QUESTION = "question"
    HERO = "hero"


# Twice what a page shows at most, for screens with two pixels where others have one: a question
# fills the 42 rem of a play, and a cover the 52 rem of a quiz's page that has no second column yet.
FITS = {Use.QUESTION: Fit(1344), Use.HERO: Fit(1664)}

_OURS = re.compile(r"/media/[0-9a-f]{64}\.webp")


def stored(session: Session, upload: bytes, use: Use, *, field: str = "picture") -> str:
    """Store what was uploaded for a quiz; returns the path to refer to it by.

    Takes a moment: call it before anything is locked. What nothing refers to is gone after a day.
    Raises Invalid, naming `field`.
    """
    return media.store_picture(session, media.encoded(upload, fit=FITS[use], field=field))


def let_go(session: Session, before: object, after: object = None) -> None:
    """A document (as JSON) was replaced: pictures that it no longer names get a last day.

    So that whoever takes the change back, or keeps the older text, finds them.
    """
    for path in sorted(_named(before) - _named(after)):
        media.let_go(session, path)


def let_go_of_quiz(session: Session, quiz_id: UUID) -> None:
    """A quiz is about to be deleted: the pictures of its draft and versions get a last day."""
    draft = sa.select(sa.cast(QuizDraft.document, sa.Text)).where(QuizDraft.quiz_id == quiz_id)
    heroes = sa.select(QuizVersion.hero_image_url).where(QuizVersion.quiz_id == quiz_id)
    asked = sa.select(Question.image_url).where(Question.quiz_id == quiz_id)
    let_go(session, session.scalars(sa.union_all(draft, heroes, asked)).all())


def _named(document: object) -> set[str]:
    return set(_OURS.findall(json.dumps(document)))
