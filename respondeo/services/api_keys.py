"""Keys for programs: making, listing and revoking them, and who holds one."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from respondeo.db import database_time, new_id
from respondeo.domain.errors import Invalid, NotFound, Problem
from respondeo.domain.names import unseen
from respondeo.domain.scopes import SCOPES
from respondeo.models import ApiKey, User
from respondeo.prepared import Prepared, Source
from respondeo.services.identity import token_hash

PREFIX = "rsp_"
SHOWN = 8  # characters of a key that stay visible
LONGEST_NAME = 60
LONGEST_DAYS = 3650
MOST_REQUESTS = 1_000_000  # a minute
USUAL_REQUESTS = 100
MOST_KEYS = 50  # of one person's that have not expired
NOTED_AFTER = timedelta(minutes=1)
TOO_MANY = f"One person may have {MOST_KEYS} keys. Revoke one that is no longer used."


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key as its owner sees it. start: its first characters; the rest is known to nobody."""

    id: UUID
    name: str
    start: str
    scopes: tuple[str, ...]
    requests_per_minute: int
    expires_at: datetime | None
    is_expired: bool
    last_used_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A key that is valid at this request, and its owner.

    note_use: whether the last use that is noted is old enough to be noted anew.
    """

    key_id: UUID
    scopes: frozenset[str]
    requests_per_minute: int
    expires_at: datetime | None
    note_use: bool
    user_id: UUID
    name: str
    email: str
    image: str | None
    groups: tuple[str, ...]


def create_key(
    session: Session,
    user_id: UUID,
    name: str,
    *,
    scopes: Collection[str],
    expires_days: int | None,
    requests_per_minute: int = USUAL_REQUESTS,
    key_id: UUID | None = None,
) -> str | None:
    """Make a key and return it: it cannot be read again. None where `key_id` is made already.

    key_id: the id that a form was given, so that one sent twice makes one key.
    Raises Invalid naming `name`, `scopes`, `expires_days` or `requests_per_minute`, or `key` where
    the person has as many keys as there may be.
    """
    name = in_one_line(name)
    problems = list(_problems(name, scopes, expires_days, requests_per_minute))
    if problems:
        raise Invalid(*problems)
    key_id = key_id or new_id()
    now = _demand_room(session, user_id, key_id)
    key = PREFIX + secrets.token_urlsafe(32)
    made = session.scalar(
        insert(ApiKey)
        .values(
            id=key_id,
            user_id=user_id,
            name=name,
            start=key[:SHOWN],
            key_hash=token_hash(key),
            scopes=[scope for scope in SCOPES if scope in scopes],
            requests_per_minute=requests_per_minute,
            expires_at=None if expires_days is None else now + timedelta(days=expires_days),
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=[ApiKey.id])
        .returning(ApiKey.id)
    )
    return key if made else None


def _demand_room(session: Session, user_id: UUID, key_id: UUID) -> datetime:
    """The database's time, at which the person may have this key too.

    It locks the person, so that keys made at once are counted one after another. Raises Invalid.
    """
    owner = sa.select(User.id).where(User.id == user_id)
    session.execute(owner.with_for_update(key_share=True))
    now = database_time(session)
    others = sa.select(sa.func.count()).where(
        ApiKey.user_id == user_id,
        ApiKey.id != key_id,
        ApiKey.expires_at.is_(None) | (ApiKey.expires_at > now),
    )
    if session.execute(others).scalar_one() >= MOST_KEYS:
        raise Invalid(Problem("key", TOO_MANY))
    return now


def _problems(
    name: str, scopes: Collection[str], expires_days: int | None, requests_per_minute: int
) -> Iterator[Problem]:
    if problem := problem_of_name(name):
        yield Problem("name", problem)
    if problem := problem_of_scopes(scopes):
        yield Problem("scopes", problem)
    if expires_days is not None and not 1 <= expires_days <= LONGEST_DAYS:
        yield Problem("expires_days", f"A key lasts 1 to {LONGEST_DAYS} days, or has no end.")
    if not 1 <= requests_per_minute <= MOST_REQUESTS:
        yield Problem("requests_per_minute", f"Write a number from 1 to {MOST_REQUESTS:,}.")


def in_one_line(name: str) -> str:
    """The name as it is stored."""
    return " ".join(name.split())


def problem_of_name(name: str) -> str | None:
    """What keeps a key from having this name."""
    name = in_one_line(name)
    return unseen(name, LONGEST_NAME) if name else "Give the key a name that tells what uses it."


def problem_of_scopes(scopes: Collection[str]) -> str | None:
    """What keeps a key from having these scopes."""
    if not scopes:
        return "Choose at least one thing that the key may do."
    return None if set(scopes) <= set(SCOPES) else f"Choose among {', '.join(SCOPES)}."


def keys_of(session: Session, user_id: UUID) -> list[ListedKey]:
    """The person's keys, the newest first; expired ones too."""
    expired = sa.func.coalesce(ApiKey.expires_at <= sa.func.clock_timestamp(), sa.false())
    found = session.execute(
        sa.select(
            ApiKey.id,
            ApiKey.name,
            ApiKey.start,
            ApiKey.scopes,
            ApiKey.requests_per_minute,
            ApiKey.expires_at,
            expired.label("is_expired"),
            ApiKey.last_used_at,
            ApiKey.created_at,
        )
        .where(ApiKey.user_id == user_id)
        .order_by(ApiKey.created_at.desc(), ApiKey.id.desc())
    )
    return [ListedKey(**{**row._mapping, "scopes": tuple(row.scopes)}) for row in found]


def revoke_key(session: Session, user_id: UUID, key_id: UUID) -> None:
    """Let a key of the person's open nothing more; one that is gone already is no fault.

    Raises NotFound where it is somebody else's.
    """
    owner = session.scalar(sa.select(ApiKey.user_id).where(ApiKey.id == key_id))
    if owner not in (None, user_id):
        raise NotFound("You have no such key.")
    session.execute(
        sa.delete(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.user_id == user_id)
        .execution_options(synchronize_session=False)
    )


def holder_of(source: Source, key: str) -> KeyHolder | None:
    """Who holds this key, if it is valid and its owner is not disabled."""
    found = _HOLDER.one_with_ahead(source, key_hash=token_hash(key))
    if found is None:
        return None
    told = {"scopes": frozenset(found.scopes), "groups": tuple(found.groups)}
    return KeyHolder(**{**found._asdict(), **told})


def _holder() -> sa.Select[*tuple[Any, ...]]:
    now = sa.func.clock_timestamp()
    unnoted = ApiKey.last_used_at.is_(None) | (ApiKey.last_used_at < now - NOTED_AFTER)
    return (
        sa.select(
            ApiKey.id.label("key_id"),
            ApiKey.scopes,
            ApiKey.requests_per_minute,
            ApiKey.expires_at,
            unnoted.label("note_use"),
            User.id.label("user_id"),
            User.name,
            User.email,
            User.image,
            User.groups,
        )
        .join(User, User.id == ApiKey.user_id)
        .where(
            ApiKey.key_hash == sa.bindparam("key_hash"),
            ApiKey.expires_at.is_(None) | (ApiKey.expires_at > now),
            User.disabled_at.is_(None),
        )
    )


_HOLDER = Prepared(_holder())


def note_use(session: Session, key_id: UUID) -> None:
    """Note that the key is used now: once a minute, and nobody waits for who is noting it."""
    now = sa.func.clock_timestamp()
    unnoted = (
        sa.select(ApiKey.id)
        .where(
            ApiKey.id == key_id,
            ApiKey.last_used_at.is_(None) | (ApiKey.last_used_at < now - NOTED_AFTER),
        )
        .with_for_update(skip_locked=True)
        .cte("unnoted")
    )
    session.execute(
        sa.update(ApiKey)
        .where(ApiKey.id.in_(sa.select(unnoted.c.id)))
        .values(last_used_at=now)
        .execution_options(synchronize_session=False)
    )
