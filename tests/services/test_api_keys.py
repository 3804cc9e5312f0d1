"""Keys for programs: made once, held by their owner, revoked, and noted without a crowd."""

from __future__ import annotations

import hashlib
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.domain.errors import Invalid, NotFound
from respondeo.domain.scopes import MEANINGS, SCOPES
from respondeo.models import ApiKey, User
from respondeo.services import api_keys
from respondeo.services.api_keys import MOST_KEYS
from tests.conftest import Clock
from tests.factories import add_user
from tests.services.parallel import at_once


def make(session: Session, user: User, name: str = "Importer", **changes: object) -> str:
    """A new key of this person's."""
    wishes: dict[str, object] = {"scopes": ["quizzes:read"], "expires_days": None} | changes
    key = api_keys.create_key(session, user.id, name, **wishes)  # type: ignore[arg-type]
    assert key is not None
    return key


def test_every_scope_has_a_meaning() -> None:
    assert tuple(MEANINGS) == SCOPES


def test_a_key_is_stored_as_its_digest_and_a_visible_start(session: Session) -> None:
    user = add_user(session)
    key = make(session, user, "  My \n importer ", scopes=["attempts:read", "quizzes:read"])
    assert key.startswith("rsp_")
    assert len(key) == 47
    row = session.scalars(sa.select(ApiKey)).one()
    assert (row.user_id, row.name, row.start) == (user.id, "My importer", key[:8])
    assert row.key_hash == hashlib.sha256(key.encode()).digest()
    assert row.scopes == ["quizzes:read", "attempts:read"]
    assert (row.requests_per_minute, row.expires_at, row.last_used_at) == (100, None, None)


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("name", {"name": " \t"}),
        ("name", {"name": "n" * 61}),
        ("name", {"name": "a\0b"}),
        ("name", {"name": "a\x1b[31mb"}),
        ("name", {"name": "a\udcffb"}),
        ("name", {"name": "\u200b\u2800"}),
        ("name", {"name": "Backup \u202eretropmI"}),
        ("scopes", {"scopes": []}),
        ("scopes", {"scopes": ["quizzes:read", "admin:*"]}),
        ("expires_days", {"expires_days": 0}),
        ("expires_days", {"expires_days": 3651}),
        ("requests_per_minute", {"requests_per_minute": 0}),
        ("requests_per_minute", {"requests_per_minute": 1_000_001}),
    ],
)
def test_what_cannot_be_a_key_is_refused_by_name(
    session: Session, path: str, changes: dict[str, object]
) -> None:
    with pytest.raises(Invalid) as refused:
        make(session, add_user(session), **changes)  # type: ignore[arg-type]
    assert [problem.path for problem in refused.value.problems] == [path]
    assert not session.scalars(sa.select(ApiKey)).all()


def test_the_bounds_themselves_are_taken(session: Session) -> None:
    user = add_user(session)
    make(session, user, "n" * 60, expires_days=1, requests_per_minute=1)
    make(session, user, "名", expires_days=3650, requests_per_minute=1_000_000, scopes=SCOPES)
    assert len(api_keys.keys_of(session, user.id)) == 2


def test_a_form_sent_twice_makes_one_key(session: Session) -> None:
    user, key_id = add_user(session), uuid4()
    key = make(session, user, key_id=key_id)
    again = api_keys.create_key(
        session, user.id, "Again", scopes=SCOPES, expires_days=None, key_id=key_id
    )
    assert again is None
    assert [one.name for one in api_keys.keys_of(session, user.id)] == ["Importer"]
    assert api_keys.holder_of(session, key) is not None


def test_a_form_sent_ten_times_at_once_makes_one_key(wide: Flask, committed: Session) -> None:
    user_id, key_id = add_user(committed).id, uuid4()
    committed.commit()

    def send(session: Session) -> str | None:
        return api_keys.create_key(
            session, user_id, "Twice", scopes=SCOPES, expires_days=30, key_id=key_id
        )

    made = at_once(wide, [send] * 10)
    assert sorted(type(one).__name__ for one in made) == ["NoneType"] * 9 + ["str"]


def test_a_person_has_at_most_fifty_keys_that_have_not_expired(
    session: Session, clock: Clock
) -> None:
    user, last = add_user(session), uuid4()
    clock.stop()
    for number in range(MOST_KEYS - 1):
        make(session, user, f"Key {number}", expires_days=1 + number)
    make(session, user, "The last", key_id=last)
    with pytest.raises(Invalid) as refused:
        make(session, user, "One more")
    assert [problem.path for problem in refused.value.problems] == ["key"]
    assert "Revoke one" in str(refused.value)
    sent_again = api_keys.create_key(
        session, user.id, "The last", scopes=SCOPES, expires_days=None, key_id=last
    )
    assert sent_again is None  # it was made, and nothing is refused
    make(session, add_user(session), "Somebody else’s")
    clock.advance(days=1)
    make(session, user, "In place of the one that expired")
    with pytest.raises(Invalid):
        make(session, user, "One more")
    api_keys.revoke_key(session, user.id, last)
    make(session, user, "In place of the one that was revoked")


def test_keys_made_at_once_are_not_more_than_there_may_be(wide: Flask, committed: Session) -> None:
    user = add_user(committed)
    for number in range(MOST_KEYS - 2):
        make(committed, user, f"Key {number}")
    committed.commit()
    user_id = user.id

    def make_one(session: Session) -> str | None:
        return api_keys.create_key(session, user_id, "At once", scopes=SCOPES, expires_days=None)

    made = at_once(wide, [make_one] * 8)
    assert sorted(type(one).__name__ for one in made) == ["Invalid"] * 6 + ["str"] * 2


def test_keys_are_listed_the_newest_first_and_nobody_elses(session: Session, clock: Clock) -> None:
    user, start = add_user(session), clock.stop()
    make(session, add_user(session), "Somebody else’s")
    first = make(session, user, "First", expires_days=2, requests_per_minute=7)
    clock.advance(days=1)
    make(session, user, "Second")
    second, listed = api_keys.keys_of(session, user.id)
    assert (second.name, second.expires_at, second.is_expired) == ("Second", None, False)
    assert (listed.name, listed.start, listed.scopes) == ("First", first[:8], ("quizzes:read",))
    assert (listed.requests_per_minute, listed.created_at) == (7, start)
    assert listed.last_used_at is None
    assert not listed.is_expired
    clock.advance(days=1)
    assert [one.is_expired for one in api_keys.keys_of(session, user.id)] == [False, True]


def test_whoever_holds_a_key_is_its_owner_with_its_scopes(session: Session) -> None:
    user = add_user(session, "Ada Lovelace")
    user.groups = ["teachers"]
    session.flush()
    key = make(session, user, scopes=["quizzes:read", "quizzes:write"], requests_per_minute=3)
    holder = api_keys.holder_of(session, key)
    assert holder is not None
    assert holder.scopes == {"quizzes:read", "quizzes:write"}
    assert (holder.user_id, holder.name, holder.email) == (user.id, user.name, user.email)
    assert (holder.groups, holder.requests_per_minute) == (("teachers",), 3)
    assert (holder.image, holder.expires_at, holder.note_use) == (user.image, None, True)


@pytest.mark.parametrize("wrong", ["", "rsp_", "rsp_\0", "é" * 5000])
def test_what_is_no_key_opens_nothing(session: Session, wrong: str) -> None:
    key = make(session, add_user(session))
    for guess in (wrong, key[:-1], key.swapcase(), key[:8], f" {key}"):
        assert api_keys.holder_of(session, guess) is None


def test_a_key_opens_nothing_from_the_moment_it_expires(session: Session, clock: Clock) -> None:
    clock.stop()
    key = make(session, add_user(session), expires_days=1)
    clock.advance(days=1, ms=-1)
    assert api_keys.holder_of(session, key) is not None
    clock.advance(ms=1)
    assert api_keys.holder_of(session, key) is None


def test_the_key_of_somebody_disabled_opens_nothing_until_they_are_back(session: Session) -> None:
    user = add_user(session)
    key = make(session, user)
    user.disabled_at = user.created_at
    session.flush()
    assert api_keys.holder_of(session, key) is None
    user.disabled_at = None
    session.flush()
    assert api_keys.holder_of(session, key) is not None


def test_a_revoked_key_opens_nothing_and_revoking_again_is_no_fault(session: Session) -> None:
    user = add_user(session)
    key, other = make(session, user), make(session, user, "Other")
    holder = api_keys.holder_of(session, key)
    assert holder is not None
    for _ in range(2):
        api_keys.revoke_key(session, user.id, holder.key_id)
        assert api_keys.holder_of(session, key) is None
    assert api_keys.holder_of(session, other) is not None


def test_nobody_revokes_somebody_elses_key(session: Session) -> None:
    key = make(session, add_user(session))
    holder = api_keys.holder_of(session, key)
    assert holder is not None
    with pytest.raises(NotFound):
        api_keys.revoke_key(session, add_user(session).id, holder.key_id)
    assert api_keys.holder_of(session, key) is not None


def test_the_last_use_is_noted_once_a_minute(session: Session, clock: Clock) -> None:
    user, start = add_user(session), clock.stop()
    key = make(session, user)

    def use() -> bool:
        holder = api_keys.holder_of(session, key)
        assert holder is not None
        api_keys.note_use(session, holder.key_id)
        return holder.note_use

    assert [use(), use()] == [True, False]
    clock.advance(seconds=60)
    assert not use()
    assert api_keys.keys_of(session, user.id)[0].last_used_at == start
    clock.advance(ms=1)
    assert use()
    assert api_keys.keys_of(session, user.id)[0].last_used_at == clock.now()


def test_many_uses_at_once_are_one_write_and_wait_for_nobody(
    wide: Flask, committed: Session
) -> None:
    key = make(committed, add_user(committed))
    holder = api_keys.holder_of(committed, key)
    assert holder is not None
    committed.commit()
    key_id: UUID = holder.key_id

    def written(session: Session) -> bool:
        api_keys.note_use(session, key_id)
        xmin = "SELECT xmin::text = pg_current_xact_id_if_assigned()::xid::text FROM apikey"
        return bool(session.scalar(sa.text(xmin)))

    assert at_once(wide, [written] * 30).count(True) == 1
    committed.execute(sa.select(ApiKey).with_for_update()).one()
    committed.execute(sa.update(ApiKey).values(last_used_at=None))
    assert at_once(wide, [written] * 3) == [False] * 3
