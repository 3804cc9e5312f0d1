"""Roles, permissions, and who may see, play and edit a quiz.

Source of the rules: "People and permissions" and "Quizzes" (visibility) in the product
description. Roles are resolved from a person's groups at every request and never stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

ADMIN, MODERATOR, CREATOR, USER, GUEST = ROLES = (
    "admin",
    "moderator",
    "creator",
    "user",
    "guest",
)
"""All roles, highest first."""

ALL = "*"

MEANINGS = {
    "quiz:browse": "see the list of quizzes",
    "quiz:view": "look at quizzes",
    "quiz:play": "play quizzes",
    "quiz:create": "make quizzes",
    "quiz:edit-own": "edit quizzes of your own",
    "quiz:edit-any": "edit other people’s quizzes",
    "quiz:delete-own": "delete quizzes of your own",
    "quiz:delete-any": "delete other people’s quizzes",
    "quiz:publish": "publish other people’s quizzes",
    "ai:quiz-generate": "have quizzes drafted by a machine",
    "leaderboard:view": "see the leaderboards",
    "leaderboard:submit": "stand on the leaderboards",
    "api-key:manage": "make keys for programs",
    "settings:manage": "change the settings of this server",
    "admin:*": "see and manage people, and see who may do what",
}
"""What each permission lets a person do, as the end of a sentence about "you"."""

PERMISSIONS = frozenset(MEANINGS)

_GUEST = frozenset({"quiz:browse", "quiz:view", "quiz:play", "leaderboard:view"})
_USER = _GUEST | {"leaderboard:submit"}
_CREATOR = _USER | {"quiz:create", "quiz:edit-own", "quiz:delete-own", "ai:quiz-generate"}
_MODERATOR = _CREATOR | {"quiz:edit-any", "quiz:delete-any", "quiz:publish"}

DEFAULT_ROLE_PERMISSIONS: dict[str, frozenset[str]] = {
    GUEST: _GUEST,
    USER: _USER,
    CREATOR: _CREATOR,
    MODERATOR: _MODERATOR,
    ADMIN: PERMISSIONS,
}


def refusal(permission: str) -> str:
    """What a person who lacks the permission is told."""
    return (
        f"Your role does not let you {MEANINGS[permission]}."
        " If you need to, ask whoever runs this server."
    )


class Offer(StrEnum):
    """What a quiz offers to a viewer."""

    START = "start"
    RESUME = "resume"
    USED_UP = "used-up"
    SIGN_IN = "sign-in"
    NOT_ALLOWED = "not-allowed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class RoleReason:
    """A person's role, and the group of theirs that gives it: None for the default role."""

    role: str
    group: str | None


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What the operator configured: which groups make a role, and what a role may do."""

    default_role: str
    role_groups: Mapping[str, frozenset[str]]
    role_permissions: Mapping[str, frozenset[str]]

    def role_of(self, groups: Iterable[str]) -> str:
        """The first role in priority order one of whose groups matches, else the default.

        Names of groups match as they are written: capitals and spaces count.
        """
        return self.why_role(groups).role

    def why_role(self, groups: Iterable[str]) -> RoleReason:
        """The role of these groups, and which of them gives it; of several the first by name."""
        held = frozenset(groups)
        for role in ROLES:
            matching = held & self.role_groups.get(role, frozenset())
            if matching:
                return RoleReason(role, min(matching))
        return RoleReason(self.default_role, None)

    def permissions_of(self, role: str) -> frozenset[str]:
        return self.role_permissions[role]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is asking: a person, or a guest with or without a token; and what they may do.

    `guest_token` is the SHA-256 of a guest's cookie, or None where there is no such cookie.
    """

    role: str
    permissions: frozenset[str]
    user_id: UUID | None = None
    guest_token: bytes | None = None

    @property
    def is_guest(self) -> bool:
        return self.user_id is None

    def may(self, permission: str) -> bool:
        return permission in self.permissions

    def may_edit(self, author_id: UUID | None) -> bool:
        return self._owns_or_any("quiz:edit", author_id)

    def may_delete(self, author_id: UUID | None) -> bool:
        return self._owns_or_any("quiz:delete", author_id)

    def may_publish(self, author_id: UUID | None) -> bool:
        """An author publishes their own; `quiz:publish` is for other people's."""
        if self.user_id is not None and self.user_id == author_id:
            return self.may("quiz:edit-own")
        return self.may("quiz:publish")

    def _owns_or_any(self, verb: str, author_id: UUID | None) -> bool:
        own = self.user_id is not None and self.user_id == author_id
        return self.may(f"{verb}-any") or (own and self.may(f"{verb}-own"))


def is_public(published_at: datetime | None, now: datetime) -> bool:
    """Whether a quiz exists for people who may not edit it."""
    return published_at is not None and published_at <= now


def may_see(
    viewer: Viewer, author_id: UUID | None, published_at: datetime | None, now: datetime
) -> bool:
    """The one rule of visibility, for pages, API, search and boards."""
    return is_public(published_at, now) or viewer.may_edit(author_id)


def offer(viewer: Viewer, *, public: bool, number: int, max_attempts: int | None) -> Offer:
    """What a viewer may do at a quiz whose attempt `number` would be their next.

    Guests have no maximum.
    """
    if not public:
        return Offer.CLOSED
    if not viewer.may("quiz:play"):
        return Offer.SIGN_IN if viewer.is_guest else Offer.NOT_ALLOWED
    if not viewer.is_guest and max_attempts is not None and number > max_attempts:
        return Offer.USED_UP
    return Offer.START


def attempt_discloses(
    viewer: Viewer, *, always: bool, number: int, max_attempts: int | None
) -> bool:
    """Whether an attempt started now shows right answers: fixed at its start.

    always: the quiz reveals always; otherwise only the last attempt allowed does, any of a quiz
    without a maximum, and never a guest's.
    """
    last_allowed = max_attempts is None or number >= max_attempts
    return always or (last_allowed and not viewer.is_guest)


def attempt_ranks(viewer: Viewer, author_id: UUID | None, *, disclosed_before: bool) -> bool:
    """Whether an attempt started now will rank: fixed at its start, never reconsidered."""
    return (
        not viewer.is_guest
        and viewer.may("leaderboard:submit")
        and not viewer.may_edit(author_id)
        and not disclosed_before
    )
