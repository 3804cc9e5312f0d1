"""From claims to a person: found, linked, new or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain.claims import Identity, identity_of
from respondeo.domain.errors import SignInRefused
from respondeo.models import Account, QuizBoard, User
from respondeo.oidc.providers import Provider
from respondeo.services import sign_in, users
from tests.factories import add_user
from tests.services.parallel import at_once
from tests.services.world import World

SCHOOL = Provider("school", "School", "https://school.example", "id", "secret")
CLUB = Provider("club", "Club", "https://club.example", "id", "secret")


def ada(**changes: object) -> Identity:
    claims = {
        "sub": "ada", "email": "ada@school.example", "email_verified": True, "name": "Ada Lovelace",
        "groups": ["teachers"],
    }  # fmt: skip
    return identity_of({k: v for k, v in (claims | changes).items() if v is not None}, "groups")


def arrives(session: Session, provider: Provider = SCHOOL, **changes: Any) -> User:
    user_id = sign_in.person_vouched_for(session, provider, ada(**changes))
    session.expire_all()
    return session.get_one(User, user_id)


def count(session: Session, kind: type[User] | type[Account]) -> int:
    return session.execute(sa.select(sa.func.count()).select_from(kind)).scalar_one()


def test_a_known_subject_wins_over_an_email_that_is_somebody_elses(session: Session) -> None:
    first = arrives(session)
    other = add_user(session, "Other")
    other.email = "other@school.example"
    session.flush()
    again = arrives(session, email="other@school.example")
    assert again.id == first.id
    assert again.email == "ada@school.example"


def test_a_verified_email_links_to_who_has_it(session: Session) -> None:
    made = add_user(session, "Made Here", groups=["old"])
    made.email = "ada@school.example"
    session.flush()
    user = arrives(session, email="ADA@School.Example", email_verified="true")
    assert user.id == made.id
    assert (user.name, user.groups, user.email_verified) == ("Ada Lovelace", ["teachers"], True)


def test_an_address_that_the_operator_set_is_proven_and_links_to_its_person(
    session: Session,
) -> None:
    came = arrives(session, CLUB, email="old@club.example", email_verified=False)
    users.set_email(session, came, "ada@school.example")
    assert arrives(session).id == came.id
    with pytest.raises(SignInRefused):
        arrives(session, sub="another", email_verified=False)
    assert arrives(session, CLUB, sub="third", email="old@club.example").id != came.id


@pytest.mark.parametrize("verified", [False, None, "false", "yes", 1.5, "TRUE", [True], {}])
def test_an_email_that_is_not_verified_links_to_nobody(session: Session, verified: object) -> None:
    made = add_user(session, "Made Here")
    made.email = "ada@school.example"
    session.flush()
    with pytest.raises(SignInRefused, match="has not verified that the address is yours"):
        arrives(session, email_verified=verified)
    assert count(session, Account) == 0


def test_an_email_that_somebody_took_without_proof_is_not_joined(session: Session) -> None:
    thief = arrives(session, CLUB, sub="thief", email_verified=False)
    assert not thief.email_verified
    with pytest.raises(SignInRefused, match="without having proved that it is theirs"):
        arrives(session)
    arrives(session, CLUB, sub="thief", email_verified=True)
    assert arrives(session).id == thief.id


@pytest.mark.parametrize(
    "email",
    [None, "", "ada", "ada@", "@school.example", "a da@school.example", "a@b@c", 7, ["a@b"],
     "ada@school.example\0", "ada@school.example\nx", "ada\ud800@x.y", "a@" + "b" * 300,
     "\u212aim@school.example"],
)  # fmt: skip
def test_who_is_new_needs_an_email(session: Session, email: object) -> None:
    with pytest.raises(SignInRefused, match="did not tell your e-mail address"):
        arrives(session, email=email)
    assert count(session, User) == 0


def test_who_is_known_needs_none(session: Session) -> None:
    first = arrives(session)
    assert arrives(session, email=None, name="Ada King").id == first.id


def test_an_email_changes_only_if_it_is_verified_and_free(session: Session) -> None:
    taken = add_user(session, "Other").email
    arrives(session)
    assert arrives(session, email="x@y.example", email_verified=False).email == "ada@school.example"
    assert arrives(session, email=taken).email == "ada@school.example"
    assert arrives(session, email="X@y.example").email == "x@y.example"


def test_who_was_switched_off_is_refused(session: Session) -> None:
    user = arrives(session)
    user.disabled_at = database_time(session)
    session.flush()
    with pytest.raises(SignInRefused, match="has been switched off"):
        arrives(session)
    with pytest.raises(SignInRefused, match="has been switched off"):
        arrives(session, CLUB)


@pytest.mark.parametrize(
    ("claim", "stored"),
    [
        (None, ["before"]),
        ([], []),
        (["a", "b", "a"], ["a", "b"]),
        ("only", ["only"]),
        ([f"group {n}" for n in range(1000)], [f"group {n}" for n in range(1000)]),
        (["good", "ad\0min", "", "x\ud800", "y" * 5000], ["good"]),
        (["Übung", "教師"], ["Übung", "教師"]),
        ({"a": 1}, ["before"]),
        (7, ["before"]),
        (True, ["before"]),
        (["a", 7], ["before"]),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_groups_follow_what_the_provider_says(
    session: Session, claim: object, stored: list[str]
) -> None:
    arrives(session, groups=["before"])
    assert arrives(session, groups=claim).groups == stored


@pytest.mark.parametrize(
    ("path", "claims", "groups"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["a"]}}, ("a",)),
        ("realm_access.roles", {"realm_access": {}}, None),
        ("realm_access.roles", {"realm_access": ["roles"]}, None),
        ("realm_access.roles", {"realm_access.roles": ["b"], "realm_access": {}}, ("b",)),
        ("https://quiz.example/groups", {"https://quiz.example/groups": ["c"]}, ("c",)),
        ("https://quiz.example/groups", {"https://quiz": {"example/groups": ["d"]}}, ("d",)),
    ],
)
def test_the_groups_claim_may_be_a_name_or_a_path(
    path: str, claims: dict[str, object], groups: tuple[str, ...] | None
) -> None:
    assert identity_of({"sub": "x"} | claims, path).groups == groups


def test_claims_of_no_use_are_told(session: Session) -> None:
    odd = ada(groups={"a": 1}, email=7, picture="http://plain.example/x.png")
    assert odd.ignored == ("email", "groups", "picture")
    overage = ada(groups=None, _claim_names={"groups": "src1"})
    assert overage.ignored == ("groups",)
    assert ada().ignored == ()


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Ada"}, "Ada"),
        ({"name": "  Ada \n Lovelace\t"}, "Ada Lovelace"),
        ({"name": "", "display_name": "Countess"}, "Countess"),
        ({"name": 7, "given_name": "Ada", "family_name": "King"}, "Ada King"),
        ({"name": None, "family_name": "King"}, "King"),
        ({"name": None, "preferred_username": "ada"}, "ada"),
        ({"name": None, "preferred_username": "ada@school.example"}, "Player"),
        ({"name": "ada@school.example", "given_name": "Ada"}, "Ada"),
        ({"name": "Doe, Jane <jane@corp.example>"}, "Doe, Jane"),
        ({"name": '"Doe, Jane" <jane@corp.example>'}, "Doe, Jane"),
        ({"name": "Jane Doe (jane@corp.example)"}, "Jane Doe"),
        ({"name": "jane@corp.example - Jane (Sales)"}, "Jane (Sales)"),
        ({"name": "Jane jane\u202e@corp.example"}, "Jane"),
        ({"name": "jane＠corp.example Jane"}, "Jane"),
        ({"name": "Jane " + "x" * 90 + " jane@corp.example"}, "Jane " + "x" * 90),
        ({"name": "jane@corp.example (Contractor)", "given_name": "Jane"}, "Jane"),
        ({"name": "jane@corp.example (Contractor)"}, "Player"),
        ({"name": "<jane@corp.example> <jd@corp.example>"}, "Player"),
        ({"name": "@home"}, "@home"),
        ({"name": "Jane @ Home (Sales)"}, "Jane @ Home (Sales)"),
        ({"name": "(Jane)"}, "(Jane)"),
        ({"name": "\0\x07\u202e\u200b\ud800"}, "Player"),
        ({"name": "A\0d\x07a\u202e\x85\ud800"}, "Ada"),
        ({"name": "أحمد محمود"}, "أحمد محمود"),
        ({"name": "山田 太郎"}, "山田 太郎"),
        ({"name": "👩‍🚀"}, "👩‍🚀"),
        ({"name": "नमस्ते"}, "नमस्ते"),
        ({"name": "<b>&amp;"}, "<b>&amp;"),
        ({"name": "x" * 5000}, "x" * 100),
        ({"name": None}, "Player"),
    ],
)
def test_a_name_is_taken_from_where_it_is_and_made_fit_to_be_shown(
    session: Session, claims: dict[str, Any], name: str
) -> None:
    assert arrives(session, **claims).name == name


def test_a_picture_follows_the_provider_until_somebody_chooses_another(session: Session) -> None:
    first, second = "https://school.example/1.png", "https://school.example/2.png"
    assert arrives(session, picture=first).image == first
    assert arrives(session).image == first
    assert arrives(session, picture=second).image == second
    user = arrives(session)
    user.image = "/media/own"
    session.flush()
    user = arrives(session, picture=first)
    assert (user.image, user.provider_image) == ("/media/own", first)
    user.image = None
    session.flush()
    assert arrives(session, picture=second).image is None


@pytest.mark.parametrize(
    "picture",
    ["http://school.example/1.png", "javascript:alert(1)", "https://", "https://[", 7, "//x/y",
     "https://school.example/" + "a" * 500, "https://school.example/a b", "https://x/\0"],
)  # fmt: skip
def test_a_picture_must_be_an_https_address(session: Session, picture: object) -> None:
    assert arrives(session, picture=picture).provider_image is None


def test_a_new_name_or_picture_reaches_open_boards_and_nothing_else_does(
    session: Session, world: World
) -> None:
    user = arrives(session)
    world.people["ada"] = user
    world.plays("ada", world.here, 2, 2)

    def revisions() -> dict[UUID, int]:
        session.expire_all()
        return {b.quiz_id: b.revision for b in session.scalars(sa.select(QuizBoard))}

    changes: list[tuple[dict[str, Any], int]] = [
        ({}, 0),
        ({"groups": ["x"]}, 0),
        ({"email": "ada@new.example"}, 0),
        ({"name": "Ada King"}, 1),
        ({"name": "Ada King", "picture": "https://x.example/1.png"}, 1),
    ]
    for change, raised in changes:
        before = revisions()
        arrives(session, **change)
        after = revisions()
        assert after[world.here.id] == before[world.here.id] + raised, change
        assert after[world.there.id] == before[world.there.id]
    user.shown_as = "hidden"
    session.flush()
    before = revisions()
    arrives(session, name="Somebody Else")
    assert revisions() == before


@pytest.mark.parametrize("threads", [2, 12])
def test_two_first_sign_ins_at_once_make_one_person(
    wide: Flask, committed: Session, threads: int
) -> None:
    def arrive(**changes: object) -> Callable[[Session], UUID]:
        return lambda session: sign_in.person_vouched_for(session, SCHOOL, ada(**changes))

    came = at_once(wide, [arrive()] * threads)
    assert len(set(came)) == 1, came
    assert count(committed, User) == count(committed, Account) == 1
    emails = [arrive(sub="grace", email=f"grace{n}@x.example") for n in range(threads)]
    assert len(set(at_once(wide, emails))) == 1
    same = [arrive(sub=f"twin {n}", email="twin@x.example") for n in range(threads)]
    assert len(set(at_once(wide, same))) == 1
    committed.rollback()
    assert count(committed, User) == 3
