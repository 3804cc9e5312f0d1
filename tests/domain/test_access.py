"""Who may do what: the tables of the product description, written out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from respondeo.domain import access
from respondeo.domain.access import DEFAULT_ROLE_PERMISSIONS, AccessRules, Offer, RoleReason, Viewer

NOW = datetime(2026, 5, 1, tzinfo=UTC)
AUTHOR, SOMEBODY = uuid4(), uuid4()

GUEST = {"quiz:browse", "quiz:view", "quiz:play", "leaderboard:view"}
USER = GUEST | {"leaderboard:submit"}
CREATOR = USER | {"quiz:create", "quiz:edit-own", "quiz:delete-own", "ai:quiz-generate"}
MODERATOR = CREATOR | {"quiz:edit-any", "quiz:delete-any", "quiz:publish"}
ADMIN = MODERATOR | {"api-key:manage", "settings:manage", "admin:*"}


def test_roles_hold_the_permissions_of_the_table() -> None:
    assert DEFAULT_ROLE_PERMISSIONS == {
        "guest": GUEST,
        "user": USER,
        "creator": CREATOR,
        "moderator": MODERATOR,
        "admin": ADMIN,
    }


RULES = AccessRules(
    default_role="user",
    role_groups={
        "admin": frozenset({"admin", "staff"}),
        "moderator": frozenset({"staff", "teachers"}),
        "creator": frozenset({"teachers", "authors"}),
    },
    role_permissions=DEFAULT_ROLE_PERMISSIONS,
)


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ([], "user"),
        (["unknown"], "user"),
        (["authors"], "creator"),
        (["teachers"], "moderator"),
        (["staff"], "admin"),
        (["authors", "admin"], "admin"),
        (["authors", "teachers"], "moderator"),
        (["Admin"], "user"),
    ],
)
def test_the_highest_role_one_of_whose_groups_matches_is_taken(
    groups: list[str], role: str
) -> None:
    assert RULES.role_of(groups) == role
    assert RULES.permissions_of(role) == DEFAULT_ROLE_PERMISSIONS[role]


def viewer(role: str, user_id: UUID | None = SOMEBODY) -> Viewer:
    return Viewer(role, DEFAULT_ROLE_PERMISSIONS[role], user_id)


@pytest.mark.parametrize(
    ("who", "author", "edits", "deletes", "publishes"),
    [
        (viewer("guest", None), AUTHOR, False, False, False),
        (viewer("guest", None), None, False, False, False),
        (viewer("user"), SOMEBODY, False, False, False),
        (viewer("creator"), SOMEBODY, True, True, True),
        (viewer("creator"), AUTHOR, False, False, False),
        (viewer("creator"), None, False, False, False),
        (viewer("moderator"), AUTHOR, True, True, True),
        (viewer("moderator"), None, True, True, True),
        (viewer("admin"), AUTHOR, True, True, True),
        (Viewer("user", frozenset({"quiz:edit-own"}), SOMEBODY), SOMEBODY, True, False, True),
        (Viewer("user", frozenset({"quiz:delete-own"}), SOMEBODY), SOMEBODY, False, True, False),
        (Viewer("user", frozenset({"quiz:edit-any"}), SOMEBODY), AUTHOR, True, False, False),
        (Viewer("user", frozenset({"quiz:publish"}), SOMEBODY), AUTHOR, False, False, True),
        (Viewer("user", frozenset({"quiz:publish"}), SOMEBODY), SOMEBODY, False, False, False),
    ],
)
def test_who_edits_deletes_and_publishes(
    who: Viewer, author: UUID | None, *, edits: bool, deletes: bool, publishes: bool
) -> None:
    assert who.may_edit(author) is edits
    assert who.may_delete(author) is deletes
    assert who.may_publish(author) is publishes


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("published_at", "public"),
    [(None, False), (NOW - SECOND, True), (NOW, True), (NOW + SECOND, False)],
)
def test_a_quiz_is_there_for_everybody_from_its_date_and_before_for_its_editors(
    published_at: datetime | None, *, public: bool
) -> None:
    seen = {
        name: access.may_see(who, AUTHOR, published_at, NOW)
        for name, who in {
            "guest": viewer("guest", None),
            "player": viewer("user"),
            "other author": viewer("creator"),
            "author": viewer("creator", AUTHOR),
            "moderator": viewer("moderator"),
        }.items()
    }
    assert seen == {
        "guest": public,
        "player": public,
        "other author": public,
        "author": True,
        "moderator": True,
    }


@pytest.mark.parametrize(
    ("who", "disclosed_before", "ranks"),
    [
        (viewer("user"), False, True),
        (viewer("user"), True, False),
        (viewer("creator"), False, True),
        (viewer("creator", AUTHOR), False, False),
        (viewer("moderator"), False, False),
        (viewer("guest", None), False, False),
        (Viewer("guest", frozenset(USER)), False, False),
        (Viewer("user", frozenset(GUEST), SOMEBODY), False, False),
    ],
)
def test_an_attempt_ranks_unless_its_player_knows_or_may_not(
    who: Viewer, *, disclosed_before: bool, ranks: bool
) -> None:
    assert access.attempt_ranks(who, AUTHOR, disclosed_before=disclosed_before) is ranks


@pytest.mark.parametrize(
    ("always", "number", "maximum", "to_a_player", "to_a_guest"),
    [
        (False, 1, 1, True, False),
        (False, 1, 3, False, False),
        (False, 2, 3, False, False),
        (False, 3, 3, True, False),
        (False, 4, 3, True, False),  # the maximum was lowered
        (False, 1, None, True, False),
        (True, 1, 3, True, True),
        (True, 9, None, True, True),
    ],
)
def test_the_last_attempt_allowed_discloses_and_so_does_every_one_of_an_unlimited_quiz(
    *, always: bool, number: int, maximum: int | None, to_a_player: bool, to_a_guest: bool
) -> None:
    for who, discloses in ((viewer("user"), to_a_player), (viewer("guest", None), to_a_guest)):
        found = access.attempt_discloses(who, always=always, number=number, max_attempts=maximum)
        assert found is discloses


ONLY_LOOK = frozenset({"quiz:view"})


@pytest.mark.parametrize(
    ("who", "public", "number", "maximum", "offered"),
    [
        (viewer("user"), True, 1, 1, Offer.START),
        (viewer("user"), True, 2, 1, Offer.USED_UP),
        (viewer("user"), True, 99, None, Offer.START),
        (viewer("guest", None), True, 2, 1, Offer.START),
        (viewer("moderator"), False, 1, None, Offer.CLOSED),
        (viewer("moderator"), True, 3, 2, Offer.USED_UP),
        (Viewer("guest", ONLY_LOOK), True, 1, 1, Offer.SIGN_IN),
        (Viewer("user", ONLY_LOOK, SOMEBODY), True, 1, 1, Offer.NOT_ALLOWED),
    ],
)
def test_what_a_quiz_offers(
    who: Viewer, *, public: bool, number: int, maximum: int | None, offered: Offer
) -> None:
    assert access.offer(who, public=public, number=number, max_attempts=maximum) is offered


@pytest.mark.parametrize(
    ("groups", "role", "group"),
    [
        ([], "user", None),
        (["nothing", "Staff"], "user", None),
        (["staff"], "creator", "staff"),
        (["teachers", "staff", "heads"], "creator", "staff"),
        (["teachers", "root", "staff"], "admin", "root"),
    ],
)
def test_a_role_has_a_reason(groups: list[str], role: str, group: str | None) -> None:
    rules = AccessRules(
        "user",
        {"admin": frozenset({"root"}), "creator": frozenset({"teachers", "staff"})},
        DEFAULT_ROLE_PERMISSIONS,
    )
    assert rules.why_role(groups) == RoleReason(role, group)
    assert rules.role_of(groups) == role
