"""What tests of leaks share: all that a response tells, and what gives a question away."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.models import Answer, Question
from respondeo.services import content, versions


def forget_content() -> None:
    """Empty the caches of what never changes: here it did."""
    content.version_details.cache_clear()
    content.questions_for_players.cache_clear()
    content.answer_keys.cache_clear()
    versions.published_document.cache_clear()


def told(response: TestResponse) -> tuple[object, ...]:
    """All that a response tells: status, headers, body. Neither the date nor gzip's is ours, and
    what the request is called is chance."""
    told = response.headers.items()
    headers = sorted((k, v) for k, v in told if k not in {"Date", "X-Request-ID"})
    body = response.get_data()
    if response.content_encoding == "gzip":
        body = body[:4] + body[8:]
    return response.status_code, tuple(headers), body


def told_of_questions(session: Session) -> dict[UUID, list[str]]:
    """What gives a question away: its words, picture, explanation, and every id."""
    found: dict[UUID, list[str]] = {}
    for q in session.scalars(sa.select(Question)):
        answers = session.scalars(sa.select(Answer).where(Answer.question_id == q.id)).all()
        found[q.id] = [q.text, str(q.image_url), str(q.explanation), str(q.uid), str(q.id)]
        found[q.id] += [text for a in answers for text in (str(a.uid), str(a.id), a.text)]
    session.commit()
    return found
