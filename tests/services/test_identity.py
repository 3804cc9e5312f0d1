"""Sessions: an opaque token, seven days, revocable at once."""

from __future__ import annotations

import hashlib

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.domain.errors import NotFound
from respondeo.models import LoginSession, User
from respondeo.services import identity, users
from tests.conftest import Clock
from tests.factories import add_user

WEEK_S = 7 * 24 * 3600


def signed_in(session: Session, user: User) -> str:
    token = identity.sign_in(session, user.id, ip_address="192.0.2.1", user_agent="x" * 1000)
    session.flush()
    return token


def test_the_token_is_not_stored_and_finds_its_person(session: Session, clock: Clock) -> None:
    user = add_user(session, "Ada Lovelace", groups=["teachers"])
    token = signed_in(session, user)
    kept = session.scalars(sa.select(LoginSession)).one()
    assert kept.token_hash == hashlib.sha256(token.encode()).digest()
    assert (kept.ip_address, kept.user_agent) == ("192.0.2.1", "x" * 300)
    person = identity.person_of(session, token)
    assert person is not None
    assert (person.id, person.name, person.groups) == (user.id, "Ada Lovelace", ("teachers",))
    assert person.initials == "AL"
    assert identity.person_of(session, token + "x") is None


def test_a_session_lives_seven_days_from_its_last_renewal(session: Session, clock: Clock) -> None:
    token = signed_in(session, add_user(session))
    clock.advance(seconds=24 * 3600)
    person = identity.person_of(session, token)
    assert person is not None
    assert not person.renew  # at most daily
    clock.advance(seconds=1)
    person = identity.person_of(session, token)
    assert person is not None
    assert person.renew
    identity.renew_session(session, person.session_id)
    clock.advance(seconds=WEEK_S - 1)
    assert identity.person_of(session, token) is not None
    clock.advance(seconds=1)
    assert identity.person_of(session, token) is None


@pytest.mark.parametrize("end", ["signed out", "disabled", "deleted"])
def test_a_session_that_was_ended_is_nobodys_at_once(
    session: Session, clock: Clock, end: str
) -> None:
    user = add_user(session)
    token, other = signed_in(session, user), signed_in(session, user)
    person = identity.person_of(session, token)
    assert person is not None
    if end == "signed out":
        identity.sign_out(session, person.session_id)
        assert identity.person_of(session, other) is not None
    elif end == "disabled":
        user.disabled_at = clock.now()
        session.flush()
    else:
        users.delete_user(session, user.id)
    assert identity.person_of(session, token) is None


def test_signing_in_clears_sessions_that_have_ended(session: Session, clock: Clock) -> None:
    signed_in(session, add_user(session))
    clock.advance(seconds=WEEK_S + 1)
    signed_in(session, add_user(session))
    assert session.execute(sa.select(sa.func.count(LoginSession.id))).scalar_one() == 1


def test_who_is_not_there_cannot_be_deleted(session: Session) -> None:
    user_id = add_user(session).id
    users.delete_user(session, user_id)
    with pytest.raises(NotFound):
        users.delete_user(session, user_id)


def test_an_address_is_found_in_any_case(session: Session) -> None:
    user = add_user(session)
    assert identity.user_by_email(session, user.email.upper()) is user
    assert identity.user_by_email(session, "nobody@people.example") is None
