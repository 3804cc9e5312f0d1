"""Local accounts: setting, checking and changing a password (Argon2id)."""

from __future__ import annotations

import unicodedata
from functools import cache
from threading import BoundedSemaphore
from uuid import UUID

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain.errors import Invalid, NotFound, Problem
from respondeo.models import Account, User
from respondeo.models.user import LOCAL
from respondeo.services import sessions

"""The provider of accounts with a password."""

SHORTEST, LONGEST = 10, 200  # characters
MORE_THAN_ANYBODY_TYPES = 4 * LONGEST  # characters, before they are put into one form

_hasher = PasswordHasher()
# Each takes 64 MiB and all processors: a class that signs in at once takes turns.
_turns = BoundedSemaphore(2)


def verify(session: Session, email: str, password: str) -> UUID | None:
    """Who signs in with these; None whatever is wrong, after the same work.

    The person stays locked until the end of the transaction, so that a session that begins in it
    is seen, and ended, by whoever changes the password or disables the person at the same time.
    """
    row = session.execute(_local().where(User.email == _findable(email))).one_or_none()
    known = row.password_hash if row else None
    if not _matches(known, password) or row is None:
        return None
    user = _locked(session, row.id)
    account = _account(session, row.id)
    if user is None or user.disabled_at is not None:
        return None
    if account is None or known is None or account.password_hash != known:
        return None
    if _hasher.check_needs_rehash(known):
        account.password_hash = _hash(_normal(password))
    return user.id


def has_password(session: Session, user_id: UUID) -> bool:
    """Whether the person has a local account."""
    return _account(session, user_id) is not None


def set_password(session: Session, user_id: UUID, password: str) -> None:
    """Give the person this password and end all their sessions.

    Raises Invalid, naming `password`; NotFound.
    """
    user = _locked(session, user_id)
    if user is None:
        raise NotFound("There is no such person.")
    hashed = _hash(_checked(password, user, "password"))
    account = _account(session, user_id)
    if account is None:
        account = Account(user_id=user_id, provider_id=LOCAL, account_id=str(user_id))
        session.add(account)
    account.password_hash = hashed
    account.updated_at = database_time(session)
    sessions.end_sessions(session, user_id)


def change_password(
    session: Session, user_id: UUID, current: str, new: str, *, session_id: UUID
) -> None:
    """Change one's own password and end all one's sessions but this one.

    Raises Invalid, naming `current` or `new`; NotFound where there is no local account.
    """
    user = _locked(session, user_id)
    account = _account(session, user_id)
    if user is None or account is None:
        raise NotFound("You have no password here.")
    if not _matches(account.password_hash, current):
        raise Invalid(Problem("current", "This is not your password."))
    account.password_hash = _hash(_checked(new, user, "new"))
    account.updated_at = database_time(session)
    sessions.end_sessions(session, user_id, but=session_id)


def _local() -> sa.Select[UUID, str | None]:
    """Those who can sign in with a password."""
    return (
        sa.select(User.id, Account.password_hash)
        .join(Account, Account.user_id == User.id)
        .where(Account.provider_id == LOCAL, User.disabled_at.is_(None))
    )


def _findable(email: str) -> str:
    """An address as it is stored; what PostgreSQL cannot hold is nobody's."""
    return "" if "\0" in email else email.strip().lower()


def _locked(session: Session, user_id: UUID) -> User | None:
    return session.get(User, user_id, populate_existing=True, with_for_update={"key_share": True})


def _account(session: Session, user_id: UUID) -> Account | None:
    return session.scalars(
        sa.select(Account)
        .where(Account.user_id == user_id, Account.provider_id == LOCAL)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _normal(password: str) -> str:
    """The same letters are the same password, however a keyboard composes them."""
    return unicodedata.normalize("NFC", password)


def _checked(password: str, user: User, field: str) -> str:
    """The password as it is hashed. Raises Invalid."""
    if len(password) > MORE_THAN_ANYBODY_TYPES or len(_normal(password)) > LONGEST:
        raise Invalid(Problem(field, f"Use at most {LONGEST} characters."))
    normal = _normal(password)
    if len(normal) < SHORTEST:
        raise Invalid(Problem(field, f"Use at least {SHORTEST} characters."))
    if any("\ud800" <= character <= "\udfff" for character in normal):
        raise Invalid(Problem(field, "This is no text that a keyboard can type."))
    if normal.casefold() in {user.email.casefold(), _normal(user.name).casefold()}:
        raise Invalid(Problem(field, "Use something else than your name or e-mail."))
    return normal


def _hash(password: str) -> str:
    with _turns:
        return _hasher.hash(password)


@cache
def nobodys_hash() -> str:
    """What is checked for people who have no password: nothing matches, and it takes as long."""
    return _hash("")


def _matches(known: str | None, password: str) -> bool:
    nobodys = nobodys_hash()
    too_long = len(password) > MORE_THAN_ANYBODY_TYPES or len(_normal(password)) > LONGEST
    with _turns:
        try:
            _hasher.verify(known or nobodys, "" if too_long else _normal(password))
        except (VerificationError, InvalidHashError):
            return False
    return known is not None and not too_long
