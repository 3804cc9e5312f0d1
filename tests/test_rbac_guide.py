"""The guide to roles: its ready-made set-ups are loaded as they stand, and tried."""

from __future__ import annotations

import os
import re
from pathlib import Path
from uuid import uuid4

import pytest
from dotenv import dotenv_values

from respondeo.config import Settings
from respondeo.domain.access import MEANINGS, AccessRules, Viewer

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "rbac.md").read_text()
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()

REQUIRED = {
    "SECRET_KEY": "a secret of the test, long enough: 0123456789",
    "APP_URL": "https://quiz.example.org",
    "DATABASE_URL": "postgresql://quiz_app:hushhush@localhost:5432/quiz_app",
}


def blocks() -> dict[str, str]:
    """The blocks to copy, by the name in their first line."""
    found = re.findall(r"^```ini\n# ([\w ]+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    return dict(found)


@pytest.fixture
def rules(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):  # type: ignore[no-untyped-def]
    """The rules that a block of the guide makes, copied into a .env with what is required."""
    for name in list(os.environ):
        if name.lower() in Settings.model_fields or name.startswith("RBAC_"):
            monkeypatch.delenv(name)
    file = tmp_path / ".env"
    file.write_text(
        "".join(f'{name}="{value}"\n' for name, value in REQUIRED.items()) + blocks()[request.param]
    )
    for name, value in dotenv_values(file).items():
        monkeypatch.setenv(name, value or "")
    return Settings.load(tmp_path).access_rules()


BROWSE, VIEW, PLAY, BOARDS = "quiz:browse", "quiz:view", "quiz:play", "leaderboard:view"
LOOK = {BROWSE, VIEW, PLAY}
PLAYER = LOOK | {BOARDS, "leaderboard:submit"}
AUTHOR = PLAYER | {"quiz:create", "quiz:edit-own", "quiz:delete-own", "ai:quiz-generate"}
EDITOR = AUTHOR | {"quiz:edit-any", "quiz:delete-any", "quiz:publish"}
EVERYTHING = EDITOR | {"api-key:manage", "settings:manage", "admin:*"}
NOTHING: set[str] = set()

# For each set-up: the groups of a person (None: signed out), their role, what they may.
SET_UPS = {
    "private team": [
        (None, "guest", NOTHING),
        ([], "creator", AUTHOR),
        (["sales"], "creator", AUTHOR),
        (["quiz-editors"], "moderator", EDITOR),
        (["quiz-editors", "it-admins"], "admin", EVERYTHING),
        (["admin"], "creator", AUTHOR),
    ],
    "public quiz site": [
        (None, "guest", LOOK | {BOARDS}),
        ([], "user", PLAYER),
        (["editors"], "creator", AUTHOR),
        (["chief-editors"], "moderator", EDITOR),
        (["site-admins"], "admin", EVERYTHING),
        (["admin"], "user", PLAYER),
    ],
    "classroom": [
        (None, "guest", NOTHING),
        ([], "guest", NOTHING),
        (["parents"], "guest", NOTHING),
        (["pupils"], "user", LOOK | {"leaderboard:submit"}),
        (["pupils", "teachers"], "creator", AUTHOR),
        (["teachers"], "creator", AUTHOR),
        (["teachers", "heads-of-department"], "moderator", EDITOR),
        (["school-it"], "admin", EVERYTHING),
    ],
}


def test_the_guide_has_the_three_usual_set_ups_and_each_is_tried() -> None:
    assert blocks().keys() == SET_UPS.keys()
    assert GUIDE.count("```") == 2 * len(SET_UPS)


@pytest.mark.parametrize(("rules", "people"), SET_UPS.items(), ids=SET_UPS, indirect=["rules"])
def test_in_each_set_up_everybody_may_do_what_the_guide_means(
    rules: AccessRules, people: list[tuple[list[str] | None, str, set[str]]]
) -> None:
    for groups, role, may in people:
        found = "guest" if groups is None else rules.role_of(groups)
        assert found == role, groups
        assert set(rules.permissions_of(found)) == may, groups


@pytest.mark.parametrize(("rules", "people"), SET_UPS.items(), ids=SET_UPS, indirect=["rules"])
def test_in_each_set_up_drafts_are_for_those_who_edit_them(
    rules: AccessRules, people: list[tuple[list[str] | None, str, set[str]]]
) -> None:
    for groups, role, may in people:
        me = None if groups is None else uuid4()
        who = Viewer(role, rules.permissions_of(role), me)
        assert who.may_edit(uuid4()) is ("quiz:edit-any" in may)
        assert who.may_edit(me or uuid4()) is ("quiz:edit-own" in may)


def test_the_guide_explains_every_permission_and_names_the_variables() -> None:
    explained = re.findall(r"^\| `([a-z:*-]+)` \| ", GUIDE, re.MULTILINE)
    assert explained == list(MEANINGS)
    for name in Settings.model_fields:
        if name.startswith("rbac_public"):
            assert f"`{name.upper()}`" in GUIDE
    for name in re.findall(r"RBAC_[A-Z_]+[A-Z]", GUIDE):
        if "<" not in name and name not in {"RBAC_ROLE"}:
            assert name.lower() in Settings.model_fields, name


def test_both_guides_have_the_same_table_of_roles() -> None:
    def rows(text: str) -> list[str]:
        return re.findall(r"^\| (?:admin|moderator|creator|guest) \| .*$", text, re.MULTILINE)

    told = [row.replace("switch above", "switch") for row in rows(CONFIGURATION)]
    assert rows(GUIDE) == told
    assert len(told) == 4


def test_the_guide_is_found_from_where_people_look() -> None:
    assert "(docs/rbac.md)" in (ROOT / "README.md").read_text()
    assert "(rbac.md)" in CONFIGURATION
