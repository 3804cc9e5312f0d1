"""Passwords: what may be one, who they let in, and what happens to sessions when they change."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar
from uuid import UUID

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.domain.errors import Invalid, NotFound
from respondeo.models import Account, LoginSession, User
from respondeo.services import identity, passwords
from tests.conftest import Clock
from tests.factories import add_user
from tests.services.parallel import in_transaction, until_waiting

T = TypeVar("T")
GOOD = "correct horse battery"


def person_with(session: Session, password: str = GOOD, name: str = "Ada Lovelace") -> User:
    user = add_user(session, name)
    passwords.set_password(session, user.id, password)
    session.flush()
    return user


def signed_in(session: Session, user_id: UUID) -> UUID:
    """A new session of the person's; its id."""
    token = identity.sign_in(session, user_id, ip_address=None, user_agent=None)
    person = identity.person_of(session, token)
    assert person is not None
    return person.session_id


def open_sessions(session: Session) -> set[UUID]:
    return set(session.scalars(sa.select(LoginSession.id)))


def account_of(session: Session, user: User) -> Account:
    return session.scalars(sa.select(Account).where(Account.user_id == user.id)).one()


def test_the_table_holds_an_argon2id_hash_and_no_address(session: Session) -> None:
    user = person_with(session)
    account = account_of(session, user)
    assert (account.provider_id, account.account_id) == ("local", str(user.id))
    assert account.password_hash is not None
    assert GOOD not in account.password_hash
    kept = extract_parameters(account.password_hash)
    assert kept.type is Type.ID
    assert not PasswordHasher().check_needs_rehash(account.password_hash)


def test_the_right_password_tells_who_it_is_and_any_other_nobody(session: Session) -> None:
    user = person_with(session)
    assert passwords.verify(session, user.email, GOOD) == user.id
    assert passwords.verify(session, f" {user.email.upper()} ", GOOD) == user.id
    for wrong in (
        "",
        " ",
        GOOD.upper(),
        f" {GOOD}",
        f"{GOOD} ",
        f"{GOOD}\0",
        GOOD[:-1],
        "x" * 9999,
    ):
        assert passwords.verify(session, user.email, wrong) is None


def test_nobody_is_let_in_who_is_unknown_disabled_or_has_no_password(session: Session) -> None:
    disabled, without = person_with(session), add_user(session)
    disabled.disabled_at = sa.func.now()
    session.flush()
    for email in (disabled.email, without.email, "nobody@people.example", "", "\0", "x" * 9999):
        assert passwords.verify(session, email, GOOD) is None
        assert passwords.verify(session, email, "") is None


def test_what_is_checked_for_nobody_costs_what_a_persons_password_costs(session: Session) -> None:
    account = account_of(session, person_with(session))
    assert account.password_hash is not None
    nobodys = extract_parameters(passwords.nobodys_hash())
    assert nobodys == extract_parameters(account.password_hash)
    assert passwords.nobodys_hash() is passwords.nobodys_hash(), "made once"


def test_an_account_at_a_provider_is_no_password(session: Session) -> None:
    user = add_user(session)
    session.add(
        Account(
            user_id=user.id,
            provider_id="school",
            account_id="1",
            password_hash=PasswordHasher().hash(GOOD),
        )
    )
    session.flush()
    assert passwords.verify(session, user.email, GOOD) is None
    assert not passwords.has_password(session, user.id)


@pytest.mark.parametrize(
    "password",
    [
        "ten chars!",
        "          ",
        "  leading and trailing  ",
        "with\0a\0nul\0inside",
        "🐎🔋🖇️ " * 10,
        "密碼密碼密碼密碼密碼",
        "e\u0301" * 200,  # 200 letters once they are composed
        "x" * 200,
    ],
    ids=ascii,
)
def test_what_may_be_a_password_lets_its_owner_in(session: Session, password: str) -> None:
    user = person_with(session, password)
    assert passwords.verify(session, user.email, password) == user.id
    assert passwords.verify(session, user.email, password[:-1]) is None


def test_the_same_letters_are_the_same_password_however_they_are_typed(session: Session) -> None:
    composed = unicodedata.normalize("NFC", "crème brûlée à la carte")
    user = person_with(session, composed)
    apart = unicodedata.normalize("NFD", composed)
    assert apart != composed
    assert passwords.verify(session, user.email, apart) == user.id


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "at least 10"),
        ("nine char", "at least 10"),
        ("e\u0301" * 9, "at least 10"),
        ("x" * 201, "at most 200"),
        ("x" * 10_000_000, "at most 200"),
        ("half a character \udc80", "no text"),
        ("Augusta Ada King", "your name or e-mail"),
        ("augusta ADA king", "your name or e-mail"),
    ],
    ids=lambda value: ascii(value[:20]),
)
def test_what_may_not_be_a_password_is_explained(
    session: Session, password: str, said: str
) -> None:
    user = add_user(session, "Augusta Ada King")
    with pytest.raises(Invalid, match=said) as refused:
        passwords.set_password(session, user.id, password)
    assert [problem.path for problem in refused.value.problems] == ["password"]
    with pytest.raises(Invalid, match="your name or e-mail"):
        passwords.set_password(session, user.id, user.email.upper())
    assert not passwords.has_password(session, user.id)


def test_a_hash_of_older_strength_is_renewed_when_its_owner_signs_in(session: Session) -> None:
    user = person_with(session)
    account = account_of(session, user)
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(GOOD)
    account.password_hash = weak
    session.flush()
    assert passwords.verify(session, user.email, "something else") is None
    assert account.password_hash == weak
    assert passwords.verify(session, user.email, GOOD) == user.id
    assert account.password_hash != weak
    assert not PasswordHasher().check_needs_rehash(account.password_hash)
    assert passwords.verify(session, user.email, GOOD) == user.id


@pytest.mark.parametrize("broken", ["", "x", "$argon2id$broken", "plain " + GOOD])
def test_a_hash_that_is_none_lets_nobody_in(session: Session, broken: str) -> None:
    user = person_with(session)
    account_of(session, user).password_hash = broken
    session.flush()
    assert passwords.verify(session, user.email, GOOD) is None


def test_changing_it_needs_the_current_one_and_ends_the_other_sessions(
    session: Session, clock: Clock
) -> None:
    user, other = person_with(session), person_with(session)
    here, there, others = (signed_in(session, one.id) for one in (user, user, other))
    with pytest.raises(Invalid) as refused:
        passwords.change_password(session, user.id, "wrong", "a new password", session_id=here)
    assert [problem.path for problem in refused.value.problems] == ["current"]
    with pytest.raises(Invalid) as refused:
        passwords.change_password(session, user.id, GOOD, "short", session_id=here)
    assert [problem.path for problem in refused.value.problems] == ["new"]
    assert open_sessions(session) == {here, there, others}
    passwords.change_password(session, user.id, GOOD, "a new password", session_id=here)
    assert open_sessions(session) == {here, others}
    assert passwords.verify(session, user.email, GOOD) is None
    assert passwords.verify(session, user.email, "a new password") == user.id


def test_setting_it_ends_all_sessions_and_keeps_one_account(session: Session, clock: Clock) -> None:
    user, other = person_with(session), person_with(session)
    signed_in(session, user.id)
    others = signed_in(session, other.id)
    passwords.set_password(session, user.id, "a new password")
    assert open_sessions(session) == {others}
    assert account_of(session, user).updated_at == clock.now()
    assert passwords.verify(session, user.email, "a new password") == user.id


def test_who_has_no_password_or_is_not_there_cannot_change_it(session: Session) -> None:
    user = add_user(session)
    with pytest.raises(NotFound):
        passwords.change_password(session, user.id, "", GOOD, session_id=user.id)
    with pytest.raises(NotFound):
        passwords.set_password(session, UUID(int=0), GOOD)


# -- at the same time -----------------------------------------------------------------------------


@contextmanager
def meanwhile(app: Flask, committed: Session, job: Callable[[Session], T]) -> Iterator[Future[T]]:
    """Start something in a transaction of its own; it waits for ours, which ends with the block."""
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(in_transaction, app, job)
        until_waiting(committed, 1)
        yield running
        committed.commit()
        running.exception(timeout=30)


def test_a_sign_in_with_the_old_password_does_not_outlive_its_change(
    app: Flask, committed: Session
) -> None:
    """The sign-in has checked the password and not yet begun its session: the change waits."""
    user = person_with(committed)
    committed.commit()
    user_id, email = user.id, user.email
    assert passwords.verify(committed, email, GOOD) == user_id

    def change(session: Session) -> None:
        passwords.set_password(session, user_id, "a new password")

    with meanwhile(app, committed, change):
        signed_in(committed, user_id)
    committed.rollback()
    assert open_sessions(committed) == set()


def test_a_sign_in_that_comes_while_the_password_changes_is_refused(
    app: Flask, committed: Session
) -> None:
    user = person_with(committed)
    committed.commit()
    email = user.email
    passwords.set_password(committed, user.id, "a new password")
    with meanwhile(
        app, committed, lambda session: passwords.verify(session, email, GOOD)
    ) as running:
        pass
    assert running.result() is None


def test_of_two_changes_at_once_the_second_finds_its_current_password_wrong(
    app: Flask, committed: Session
) -> None:
    user = person_with(committed)
    committed.commit()
    user_id, here = user.id, UUID(int=1)
    passwords.change_password(committed, user_id, GOOD, "first password", session_id=here)

    def second(session: Session) -> None:
        passwords.change_password(session, user_id, GOOD, "second password", session_id=here)

    with meanwhile(app, committed, second) as running:
        pass
    assert isinstance(running.exception(), Invalid)
    assert passwords.verify(committed, user.email, "first password") == user_id
