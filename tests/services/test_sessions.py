"""The browsers that a person is signed in with: listed, and ended."""

from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.errors import NotFound
from respondeo.models import LoginSession, User
from respondeo.services import identity, sessions
from tests.conftest import Clock
from tests.factories import add_user

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"


def begin(
    session: Session,
    user: User,
    *,
    ip_address: str | None = None,
    user_agent: str | None = None,
    provider_id: str | None = None,
) -> UUID:
    """A new session; its id."""
    token = identity.sign_in(
        session,
        user.id,
        ip_address=ip_address,
        user_agent=user_agent,
        provider_id=provider_id,
    )
    person = identity.person_of(session, token)
    assert person is not None
    return person.session_id


def left(session: Session) -> set[UUID]:
    return set(session.scalars(sa.select(LoginSession.id)))


def test_this_one_comes_first_then_the_last_used_and_nobody_elses(
    session: Session, clock: Clock
) -> None:
    user = add_user(session)
    begin(session, add_user(session))
    began = clock.now()
    this = begin(session, user, ip_address="192.0.2.1", user_agent=FIREFOX, provider_id="local")
    clock.advance(days=1.5)
    older = begin(session, user)
    clock.advance(days=1.5)
    newer = begin(session, user)
    found = sessions.sessions_of(session, user.id, this)
    assert [one.id for one in found] == [this, newer, older]
    assert [one.is_this for one in found] == [True, False, False]
    assert [one.days_ago for one in found] == [3, 0, 1]
    first = found[0]
    assert first.device.name == "Firefox on Linux"
    assert (first.ip_address, first.provider_id) == ("192.0.2.1", "local")
    assert first.signed_in_at == began


def test_one_that_has_expired_is_not_listed(session: Session, clock: Clock) -> None:
    user = add_user(session)
    begin(session, user)
    clock.advance(days=7)
    assert sessions.sessions_of(session, user.id, UUID(int=0)) == []


def test_ending_one_ends_no_other_and_twice_is_no_fault(session: Session, clock: Clock) -> None:
    user = add_user(session)
    one, other = begin(session, user), begin(session, user)
    sessions.end_session(session, user.id, one)
    sessions.end_session(session, user.id, one)
    assert left(session) == {other}


def test_somebody_elses_session_cannot_be_ended(session: Session, clock: Clock) -> None:
    user, other = add_user(session), add_user(session)
    theirs = begin(session, other)
    with pytest.raises(NotFound):
        sessions.end_session(session, user.id, theirs)
    assert left(session) == {theirs}


def test_ending_all_spares_the_one_that_is_named_and_other_people(
    session: Session, clock: Clock
) -> None:
    user, other = add_user(session), add_user(session)
    theirs = begin(session, other)
    kept, *_ = (begin(session, user) for _ in range(3))
    sessions.end_sessions(session, user.id, but=kept)
    assert left(session) == {kept, theirs}
    sessions.end_sessions(session, user.id)
    assert left(session) == {theirs}
