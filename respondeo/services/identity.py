"""Sessions: beginning and ending them, and who a request comes from."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.models import LoginSession, User
from respondeo.prepared import Prepared, Source

SESSION_LIFETIME = timedelta(days=7)
RENEWED_AFTER = timedelta(days=1)
FORGOTTEN_AT_ONCE = 100
KEPT_USER_AGENT = 300  # characters


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in person, as read at this request."""

    id: UUID
    name: str
    email: str
    image: str | None
    groups: tuple[str, ...]
    session_id: UUID
    expires_at: datetime
    renew: bool

    @property
    def initials(self) -> str:
        """One or two letters to stand for a picture."""
        return initials(self.name)


@dataclass(frozen=True, slots=True)
class Ended:
    """A session that was ended: the provider that vouched for it, and its word."""

    provider_id: str | None
    id_token: str | None


def initials(name: str) -> str:
    """The first letters of the first and the last word of a name."""
    words = name.split()
    return (
        "".join(word[0] for word in dict.fromkeys((words[0], words[-1])))[:2].upper()
        if words
        else "?"
    )


def token_hash(token: str) -> bytes:
    """What is stored of a secret token: its SHA-256."""
    return hashlib.sha256(token.encode()).digest()


def sign_in(
    session: Session,
    user_id: UUID,
    *,
    ip_address: str | None,
    user_agent: str | None,
    provider_id: str | None = None,
    id_token: str | None = None,
) -> str:
    """Begin a session for this person and return its token, to be put into a cookie.

    provider_id, id_token: the identity provider that vouched for them, and its word.
    """
    token = secrets.token_urlsafe(32)
    now = database_time(session)
    session.add(
        LoginSession(
            user_id=user_id,
            token_hash=token_hash(token),
            ip_address=ip_address,
            user_agent=(user_agent or "")[:KEPT_USER_AGENT] or None,
            provider_id=provider_id,
            id_token=id_token,
            created_at=now,
            last_seen_at=now,
            expires_at=now + SESSION_LIFETIME,
        )
    )
    _forget_some_expired(session, now)
    return token


def _forget_some_expired(session: Session, now: datetime) -> None:
    """More than a sign-in adds; nobody waits for what somebody else is removing."""
    expired = (
        sa.select(LoginSession.id)
        .where(LoginSession.expires_at < now)
        .limit(FORGOTTEN_AT_ONCE)
        .with_for_update(skip_locked=True)
        .cte("expired")
    )
    session.execute(
        sa.delete(LoginSession)
        .where(LoginSession.id.in_(sa.select(expired.c.id)))
        .execution_options(synchronize_session=False)
    )


def person_of(source: Source, token: str) -> Person | None:
    """Who holds this session token, if it is valid and the person is not disabled."""
    found = _PERSON.one_with_ahead(source, token_hash=token_hash(token))
    if found is None:
        return None
    return Person(**{**found._asdict(), "groups": tuple(found.groups)})


def _person() -> sa.Select[*tuple[Any, ...]]:
    now = sa.func.clock_timestamp()
    return (
        sa.select(
            User.id,
            User.name,
            User.email,
            User.image,
            User.groups,
            LoginSession.id.label("session_id"),
            LoginSession.expires_at,
            (LoginSession.last_seen_at < now - RENEWED_AFTER).label("renew"),
        )
        .join(LoginSession, LoginSession.user_id == User.id)
        .where(
            LoginSession.token_hash == sa.bindparam("token_hash"),
            LoginSession.expires_at > now,
            User.disabled_at.is_(None),
        )
    )


_PERSON = Prepared(_person())


def renew_session(session: Session, session_id: UUID) -> bool:
    """Let a session that is in use live its full time again; whether it was there still."""
    now = database_time(session)
    renewed = session.scalar(
        sa.update(LoginSession)
        .where(LoginSession.id == session_id)
        .values(last_seen_at=now, expires_at=now + SESSION_LIFETIME)
        .returning(LoginSession.id)
    )
    return renewed is not None


def sign_out(session: Session, session_id: UUID) -> Ended | None:
    """End a session: its cookie means nothing from now on. None where it has ended already."""
    ended = session.execute(
        sa.delete(LoginSession)
        .where(LoginSession.id == session_id)
        .returning(LoginSession.provider_id, LoginSession.id_token)
    ).one_or_none()
    return Ended(*ended) if ended else None


def user_by_email(session: Session, email: str) -> User | None:
    """The person with this address, whatever its case."""
    return session.scalar(sa.select(User).where(User.email == email.lower()))
