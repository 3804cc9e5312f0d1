"""The browsers that a person is signed in with: which there are, and ending them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain.devices import Device, device_of
from respondeo.domain.errors import NotFound
from respondeo.models import LoginSession


@dataclass(frozen=True, slots=True)
class SignedInBrowser:
    """One session. days_ago: its last use; it is noted once a day, so 0 is "in the last day"."""

    id: UUID
    is_this: bool
    device: Device
    ip_address: str | None
    provider_id: str | None
    signed_in_at: datetime
    days_ago: int


def sessions_of(session: Session, user_id: UUID, this: UUID) -> list[SignedInBrowser]:
    """The person's sessions: this one first, then the last used."""
    now = database_time(session)
    found = session.scalars(
        sa.select(LoginSession)
        .where(LoginSession.user_id == user_id, LoginSession.expires_at > now)
        .order_by(LoginSession.id != this, LoginSession.last_seen_at.desc(), LoginSession.id)
    )
    return [
        SignedInBrowser(
            id=one.id,
            is_this=one.id == this,
            device=device_of(one.user_agent),
            ip_address=one.ip_address,
            provider_id=one.provider_id,
            signed_in_at=one.created_at,
            days_ago=(now - one.last_seen_at).days,
        )
        for one in found
    ]


def end_session(session: Session, user_id: UUID, session_id: UUID) -> None:
    """End one session of the person's; one that has ended already is no fault.

    Raises NotFound where it is somebody else's.
    """
    found = session.get(LoginSession, session_id)
    if found is not None and found.user_id != user_id:
        raise NotFound("You have no such session.")
    session.execute(
        sa.delete(LoginSession).where(
            LoginSession.id == session_id, LoginSession.user_id == user_id
        )
    )


def end_sessions(session: Session, user_id: UUID, *, but: UUID | None = None) -> None:
    """End all sessions of the person's, except the one that is named."""
    ended = sa.delete(LoginSession).where(LoginSession.user_id == user_id)
    if but is not None:
        ended = ended.where(LoginSession.id != but)
    session.execute(ended)
