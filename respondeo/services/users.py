"""The people of this server, as its operator makes, lists, disables and removes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain.claims import LONGEST_EMAIL, LONGEST_GROUP
from respondeo.domain.errors import Invalid, NotFound, Problem
from respondeo.domain.names import LONGEST_REAL, chosen_name
from respondeo.models import Account, LoginSession, Quiz, QuizAttempt, User
from respondeo.models.user import LOCAL
from respondeo.services import identity, sessions, standings


@dataclass(frozen=True, slots=True)
class Listed:
    """A person in the operator's list. providers: how they can sign in."""

    email: str
    name: str
    groups: tuple[str, ...]
    providers: tuple[str, ...]
    last_seen_at: datetime | None
    disabled_at: datetime | None


def create_user(session: Session, email: str, name: str, groups: Iterable[str] = ()) -> User:
    """A new person, whose address the operator vouches for. Raises Invalid."""
    values = {
        "email": checked_email(email),
        "name": chosen_name(name, field="name", longest=LONGEST_REAL),
        "groups": checked_groups(groups),
        "email_verified": True,
    }
    made: User | None = session.scalar(
        insert(User).values(values).on_conflict_do_nothing(index_elements=["email"]).returning(User)
    )
    if made is None:
        raise _taken(email)
    return made


def free_email(session: Session, email: str) -> None:
    """Raises Invalid where the address is none, or is somebody's."""
    if identity.user_by_email(session, checked_email(email)) is not None:
        raise _taken(email)


def user_with(session: Session, email: str) -> User:
    """The person with this address, locked. Raises NotFound."""
    found = None if "\0" in email else identity.user_by_email(session, email.strip())
    if found is None:
        raise NotFound(f"There is nobody with the e-mail {email}.")
    session.refresh(found, with_for_update={"key_share": True})
    return found


def everybody(session: Session) -> list[Listed]:
    """Everybody, by address."""
    providers = (
        sa.select(sa.func.array_agg(Account.provider_id.distinct()))
        .where(Account.user_id == User.id)
        .scalar_subquery()
    )
    seen = (
        sa.select(sa.func.max(LoginSession.last_seen_at))
        .where(LoginSession.user_id == User.id)
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(User.email, User.name, User.groups, providers, seen, User.disabled_at).order_by(
            User.email
        )
    )
    return [
        Listed(email, name, tuple(groups), tuple(by or ()), last_seen_at, disabled_at)
        for email, name, groups, by, last_seen_at, disabled_at in rows
    ]


def set_email(session: Session, user: User, email: str) -> None:
    """This address, which the operator vouches for as at `create_user`. Raises Invalid.

    It counts as proven: who has proved it to an identity provider is this person.
    """
    stored = checked_email(email)
    try:
        with session.begin_nested():
            user.email, user.email_verified = stored, True
            user.updated_at = database_time(session)
    except IntegrityError as error:
        raise _taken(email) from error


def rename(session: Session, user: User, name: str) -> None:
    """The real name; boards that show it follow. Raises Invalid."""
    shown = user.public_name
    user.name = chosen_name(name, field="name", longest=LONGEST_REAL)
    user.updated_at = database_time(session)
    session.flush()
    if user.public_name != shown:
        standings.player_looks_different(session, user.id)


def is_known_elsewhere(session: Session, user: User) -> bool:
    """Whether an identity provider vouches for the person, and may tell name and e-mail anew."""
    known = sa.exists().where(Account.user_id == user.id, Account.provider_id != LOCAL)
    return bool(session.scalar(sa.select(known)))


def groups_of_the_enabled(session: Session) -> list[list[str]]:
    """Each set of groups that somebody has who may sign in."""
    found = sa.select(User.groups).where(User.disabled_at.is_(None)).distinct()
    return list(session.scalars(found))


def set_groups(user: User, groups: Iterable[str]) -> None:
    """These and no others. Raises Invalid."""
    user.groups = checked_groups(groups)


def disable(session: Session, user: User) -> None:
    """Let the person in no more, and end their sessions."""
    user.disabled_at = user.disabled_at or database_time(session)
    sessions.end_sessions(session, user.id)


def enable(user: User) -> None:
    """Let the person in again."""
    user.disabled_at = None


def delete_user(session: Session, user_id: UUID) -> None:
    """Delete a person: their attempts go, the boards are corrected, their quizzes stay.

    Raises NotFound.
    """
    standings.lock_open_attempts(session, QuizAttempt.user_id == user_id)
    if session.get(User, user_id, with_for_update=True) is None:
        raise NotFound("There is no such person.")
    standings.forget_player(session, user_id)
    session.execute(
        sa.delete(User).where(User.id == user_id).execution_options(synchronize_session=False)
    )
    session.expire_all()


def belongings(session: Session, user_id: UUID) -> tuple[int, int]:
    """How many attempts and how many quizzes are the person's."""
    attempts = sa.select(sa.func.count()).where(QuizAttempt.user_id == user_id)
    quizzes = sa.select(sa.func.count()).where(Quiz.author_id == user_id)
    return session.scalar(attempts) or 0, session.scalar(quizzes) or 0


def checked_email(email: str) -> str:
    """The address as it is stored: in small letters. Raises Invalid."""
    stored = email.strip().lower()
    before, _, after = stored.partition("@")
    if not before or not after or "@" in after or " " in stored or not stored.isprintable():
        raise Invalid(Problem("email", f"{email!a} is not an e-mail address."))
    if len(stored) > LONGEST_EMAIL:
        raise Invalid(
            Problem("email", f"An e-mail address has at most {LONGEST_EMAIL} characters.")
        )
    return stored


def checked_groups(groups: Iterable[str]) -> list[str]:
    """Each once, in order. Raises Invalid."""
    return list(dict.fromkeys(map(_checked_group, groups)))


def _taken(email: str) -> Invalid:
    return Invalid(Problem("email", f"There is somebody with the e-mail {email} already."))


def _checked_group(group: str) -> str:
    name = group.strip()
    if not name or len(name) > LONGEST_GROUP or not name.isprintable():
        problem = f"A group is one line of 1 to {LONGEST_GROUP} characters."
    elif "," in name:
        problem = "Name each group on its own, without commas."
    else:
        return name
    raise Invalid(Problem("groups", problem))
