"""Every role, permission, public switch, owner and state of a quiz, against the product's words.

What is expected is worked out here from a plain copy of the product description's table, without
a look at what the code takes for granted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respondeo.config import Settings
from respondeo.domain import access
from respondeo.domain.access import AccessRules, Offer, Viewer

# -- the product description, copied ---------------------------------------------------------

ORDER = "Roles, highest first: `admin`, `moderator`, `creator`, `user`, `guest`."

TABLE = """
| guest | `quiz:browse` `quiz:view` `quiz:play` `leaderboard:view` (each only where its public switch is on) |
| user | `quiz:browse` `quiz:view` `quiz:play` `leaderboard:view` `leaderboard:submit` |
| creator | those of user, and `quiz:create` `quiz:edit-own` `quiz:delete-own` `ai:quiz-generate` |
| moderator | those of creator, and `quiz:edit-any` `quiz:delete-any` `quiz:publish` |
| admin | `*` |
"""  # noqa: E501 - as it stands there

EVERY = """All permissions: `quiz:browse` `quiz:view` `quiz:play` `quiz:create` `quiz:edit-own`
`quiz:edit-any` `quiz:delete-own` `quiz:delete-any` `quiz:publish` `ai:quiz-generate`
`leaderboard:view` `leaderboard:submit` `api-key:manage` `settings:manage` `admin:*`."""

SWITCHES = {
    "RBAC_PUBLIC_BROWSE_QUIZZES": "quiz:browse",
    "RBAC_PUBLIC_VIEW_QUIZ": "quiz:view",
    "RBAC_PUBLIC_PLAY_QUIZ": "quiz:play",
    "RBAC_PUBLIC_LEADERBOARD": "leaderboard:view",
}


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


ROLES = quoted(ORDER)
PERMISSIONS = quoted(EVERY)


def table() -> dict[str, set[str]]:
    """What each role may, read from the copy."""
    found: dict[str, set[str]] = {}
    for line in TABLE.strip().splitlines():
        _, role, words, _ = (part.strip() for part in line.split("|"))
        named = set(quoted(words))
        inherited = re.match(r"those of (\w+), and", words)
        found[role] = set(PERMISSIONS) if named == {"*"} else named
        if inherited:
            found[role] |= found[inherited[1]]
    return found


MAY = table()

# -- roles, permissions and switches ---------------------------------------------------------


def settings(**changes: object) -> Settings:
    values: dict[str, object] = {
        "app_env": "production",
        "secret_key": "only-for-tests-0123456789-abcdefghij",
        "app_url": "https://quiz.example",
        "database_url": "postgresql:///none",
    }
    return Settings(**(values | changes))  # type: ignore[arg-type]


ALL_SWITCHES = [dict(zip(SWITCHES, on, strict=True)) for on in product((False, True), repeat=4)]


def rules_with(switches: dict[str, bool]) -> AccessRules:
    return settings(**{name.lower(): on for name, on in switches.items()}).access_rules()


def expected(role: str, permission: str, switches: dict[str, bool]) -> bool:
    """Whether the role holds the permission, by the words alone."""
    if role == "guest":
        open_ = {SWITCHES[name] for name, on in switches.items() if on}
        return permission in MAY["guest"] and permission in open_
    return permission in MAY[role]


def test_the_copy_is_read_as_it_was_meant() -> None:
    assert ROLES == ["admin", "moderator", "creator", "user", "guest"]
    assert len(PERMISSIONS) == len(set(PERMISSIONS)) == 15
    assert [len(MAY[role]) for role in ROLES] == [15, 12, 9, 5, 4]


def test_the_code_knows_these_roles_and_permissions_and_no_others() -> None:
    assert list(access.ROLES) == ROLES
    assert set(PERMISSIONS) == access.PERMISSIONS


@pytest.mark.parametrize("role", ROLES)
def test_every_role_holds_every_permission_just_where_the_table_and_the_switches_say(
    role: str,
) -> None:
    for switches in ALL_SWITCHES:
        rules = rules_with(switches)
        who = Viewer(role, rules.permissions_of(role), None if role == "guest" else uuid4())
        for permission in PERMISSIONS:
            assert who.may(permission) is expected(role, permission, switches), (
                permission,
                switches,
            )


def test_a_switch_opens_nothing_that_a_role_of_guests_was_not_given() -> None:
    everything_on = dict.fromkeys((name.lower() for name in SWITCHES), True)
    narrow = settings(**everything_on, rbac_role_guest_permissions="quiz:view").access_rules()
    assert narrow.permissions_of("guest") == {"quiz:view"}
    closed = settings(rbac_role_guest_permissions="*").access_rules()
    assert not closed.permissions_of("guest") & set(SWITCHES.values())


def test_a_person_whose_role_is_guest_is_bound_by_the_switches_like_a_guest() -> None:
    rules = settings(rbac_default_role="guest", rbac_public_view_quiz=True).access_rules()
    assert rules.role_of([]) == "guest"
    assert rules.permissions_of("guest") == {"quiz:view"}


def test_each_permission_has_words_for_whoever_lacks_it() -> None:
    said = {access.refusal(permission) for permission in PERMISSIONS}
    assert len(said) == len(PERMISSIONS)
    assert all(sentence.startswith("Your role does not let you ") for sentence in said)


# -- ownership and the state of a quiz -------------------------------------------------------

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ME, SOMEBODY = uuid4(), uuid4()

STATES: dict[str, datetime | None] = {
    "draft": None,
    "scheduled": NOW + timedelta(days=1),
    "published": NOW - timedelta(days=1),
    "unpublished again": None,
}
OWNERS: dict[str, UUID | None] = {"mine": ME, "somebody's": SOMEBODY, "nobody's": None}


@dataclass(frozen=True)
class Verdict:
    edits: bool
    deletes: bool
    publishes: bool
    sees: bool
    starts: bool
    ranks: bool


def verdict_of_words(role: str, owner: str, state: str, switches: dict[str, bool]) -> Verdict:
    """An author publishes and unpublishes their own quizzes; `quiz:publish` is for other
    people's. Quizzes that are not (yet) published exist only for people who may edit them;
    nobody starts one. An attempt ranks whose player holds `leaderboard:submit`, may not edit the
    quiz, is no guest."""

    def may(permission: str) -> bool:
        return expected(role, permission, switches)

    own = owner == "mine" and role != "guest"
    edits = may("quiz:edit-any") or (own and may("quiz:edit-own"))
    return Verdict(
        edits=edits,
        deletes=may("quiz:delete-any") or (own and may("quiz:delete-own")),
        publishes=may("quiz:edit-own") if own else may("quiz:publish"),
        sees=state == "published" or edits,
        starts=state == "published" and may("quiz:play"),
        ranks=may("leaderboard:submit") and not edits and role != "guest",
    )


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("state", STATES)
def test_who_sees_starts_edits_deletes_publishes_and_ranks(
    role: str, owner: str, state: str
) -> None:
    for switches in ALL_SWITCHES:
        permissions = rules_with(switches).permissions_of(role)
        who = Viewer(role, permissions, None if role == "guest" else ME)
        author, published_at = OWNERS[owner], STATES[state]
        public = access.is_public(published_at, NOW)
        offered = access.offer(who, public=public, number=1, max_attempts=1)
        assert Verdict(
            edits=who.may_edit(author),
            deletes=who.may_delete(author),
            publishes=who.may_publish(author),
            sees=access.may_see(who, author, published_at, NOW),
            starts=offered == Offer.START,
            ranks=access.attempt_ranks(who, author, disclosed_before=False),
        ) == verdict_of_words(role, owner, state, switches), switches


# -- which role a person has -----------------------------------------------------------------

GROUPS = st.text("aAbB ß", max_size=3)  # few enough to meet, in any case and with spaces
GROUPED = st.fixed_dictionaries(
    dict.fromkeys(("admin", "moderator", "creator", "user"), st.frozensets(GROUPS, max_size=3))
)


def rules_of(role_groups: dict[str, frozenset[str]], default: str = "user") -> AccessRules:
    return AccessRules(default, role_groups, access.DEFAULT_ROLE_PERMISSIONS)


@given(GROUPED, st.lists(GROUPS, max_size=5), st.sampled_from(ROLES))
def test_the_role_is_the_first_in_order_that_a_group_names_exactly_else_the_default(
    role_groups: dict[str, frozenset[str]], held: list[str], default: str
) -> None:
    named = [role for role in ROLES if any(group in held for group in role_groups.get(role, ()))]
    assert rules_of(role_groups, default).role_of(held) == (named[0] if named else default)


@given(GROUPED, st.lists(GROUPS, max_size=5), st.lists(GROUPS, max_size=3))
def test_another_group_never_lowers_a_role_that_a_group_gave(
    role_groups: dict[str, frozenset[str]], held: list[str], more: list[str]
) -> None:
    rules = rules_of(role_groups, default="guest")
    assert ROLES.index(rules.role_of([*held, *more])) <= ROLES.index(rules.role_of(held))


@given(GROUPED, st.lists(GROUPS, max_size=5))
def test_neither_order_nor_repetition_of_groups_matters(
    role_groups: dict[str, frozenset[str]], held: list[str]
) -> None:
    rules = rules_of(role_groups)
    assert rules.role_of(held) == rules.role_of(sorted([*held, *held], reverse=True))


@pytest.mark.parametrize(
    "group",
    [
        "Teachers",
        "TEACHERS",
        " teachers",
        "teachers ",
        "teacher",
        "teachers,staff",
        "/teachers",
        "",
    ],
)
def test_a_group_that_is_not_written_the_same_names_no_role(group: str) -> None:
    rules = settings(rbac_role_creator_groups=" teachers , staff,,").access_rules()
    assert rules.role_of([group]) == "user"
    assert rules.role_of([group, "teachers"]) == "creator"


def test_a_thousand_groups_are_no_trouble() -> None:
    rules = settings(rbac_role_creator_groups="group-999").access_rules()
    assert rules.role_of([f"group-{number}" for number in range(1000)]) == "creator"
