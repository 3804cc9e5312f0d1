"""Who may do what, for admins: the rules as they are in force, and where each comes from."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, render_template, request

from respondeo.config import Settings
from respondeo.domain.access import (
    DEFAULT_ROLE_PERMISSIONS,
    GUEST,
    MEANINGS,
    PERMISSIONS,
    ROLES,
    RoleReason,
)
from respondeo.web import access
from respondeo.web.settings.bp import bp

LONGEST_LIST = 2000  # characters
PUBLIC = (
    ("RBAC_PUBLIC_BROWSE_QUIZZES", "Guests see the list of quizzes"),
    ("RBAC_PUBLIC_VIEW_QUIZ", "Guests see a quiz’s own page"),
    ("RBAC_PUBLIC_PLAY_QUIZ", "Guests play"),
    ("RBAC_PUBLIC_LEADERBOARD", "Guests see the boards"),
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One setting in force: the variable, what it means, its value, whether anybody set it."""

    variable: str
    meaning: str
    value: str
    is_set: bool


def rule_of(settings: Settings, variable: str, meaning: str) -> Rule:
    """A variable as it is in force."""
    name = variable.lower()
    value = getattr(settings, name)
    if isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, frozenset):
        value = ", ".join(sorted(value)) or "none"
    # Switched on by APP_ENV=demo counts as set by nobody.
    is_set = name in settings.model_fields_set and not (
        settings.app_env == "demo" and name.startswith("rbac_public_") and value == "yes"
    )
    return Rule(variable, meaning, str(value), is_set)


@bp.get("/access")
@access.allow("admin:*")
def access_rules() -> str:
    """The resolved rules, and the role of somebody with the groups in the address."""
    settings, rules = current_app.extensions["settings"], current_app.extensions["access_rules"]
    asked = request.args.get("groups", "").replace("\0", " ")[:LONGEST_LIST]
    groups = [part.strip() for part in asked.split(",") if part.strip()]
    answer: RoleReason | None = rules.why_role(groups) if "groups" in request.args else None
    named = [role for role in ROLES if role != GUEST]
    return render_template(
        "settings/access_rules.html",
        roles=ROLES,
        permissions=in_order(),
        allowed={role: rules.permissions_of(role) for role in ROLES},
        groups_of=[rule_of(settings, f"RBAC_ROLE_{r.upper()}_GROUPS", r) for r in named],
        meanings=MEANINGS,
        permissions_of=[rule_of(settings, f"RBAC_ROLE_{r.upper()}_PERMISSIONS", r) for r in ROLES],
        default=rule_of(settings, "RBAC_DEFAULT_ROLE", "Everybody else who is signed in"),
        public=[rule_of(settings, variable, meaning) for variable, meaning in PUBLIC],
        asked=asked,
        answer=answer,
    )


def in_order() -> list[str]:
    """All permissions: what the lowest role has by default first."""

    def place(permission: str) -> tuple[int, str]:
        held = sum(permission in allowed for allowed in DEFAULT_ROLE_PERMISSIONS.values())
        return (-held, permission)

    return sorted(PERMISSIONS, key=place)
