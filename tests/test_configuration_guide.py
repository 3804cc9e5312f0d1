"""docs/configuration.md has every variable, its type and default; .env.example has it too."""

from __future__ import annotations

import re
import types
import typing
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from respondeo.config import Settings
from respondeo.domain.access import ROLES
from respondeo.oidc import providers

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "configuration.md").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
FIELDS = {name: field for name, field in Settings.model_fields.items() if name != "oidc_providers"}
"""The providers have variables of their own, read by respondeo/oidc/providers.py."""
ROW = re.compile(r"^\| `([A-Z_]+)` \| (\w+) \| (.+?) \| (.+) \|$", re.MULTILINE)
TOLD = {name: (kind, default) for name, kind, default, _ in ROW.findall(GUIDE)}
OIDC = dict.fromkeys(providers.ONE, "text") | {
    "OIDC_CLIENT_SECRET": "secret",
    providers.SEVERAL: "list",
}
# Where the class says "none", and something else follows from that.
FOLLOWS = {
    "DATABASE_DIRECT_URL": "the same as `DATABASE_URL`",
    "WEB_HOST": "every IPv4 address in production; else `127.0.0.1`",
}


def kind(name: str, field: FieldInfo) -> str:
    """The guide's word for a setting's type."""
    plain = field.annotation
    if typing.get_origin(plain) is types.UnionType:
        plain = next(one for one in typing.get_args(plain) if one is not type(None))
    if typing.get_origin(plain) is typing.Literal or name == "rbac_default_role":
        return "choice"
    if typing.get_origin(plain) in {tuple, frozenset}:
        return "list"
    if plain is str:
        return "text" if field.repr else "secret"
    return {bool: "switch", int: "number"}[typing.cast("type", plain)]


def default(name: str, field: FieldInfo) -> str:
    """How the guide's cell for a default begins."""
    if name.endswith("_permissions"):
        return "as in the table above"
    if field.is_required():
        return "required in production"
    value = field.default
    if value in (None, "", (), frozenset()):
        return FOLLOWS.get(name.upper(), "none")
    if isinstance(value, frozenset):
        return f"`{', '.join(sorted(value))}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_is_there_with_its_type_and_default(name: str) -> None:
    told_kind, told_default = TOLD[name.upper()]
    field = FIELDS[name]
    assert told_kind == kind(name, field)
    assert told_default.startswith(default(name, field))


def test_no_variable_is_told_that_there_is_not() -> None:
    assert set(TOLD) == {name.upper() for name in FIELDS} | set(OIDC)


def test_the_variables_of_providers_have_their_types_and_defaults() -> None:
    for name, type_ in OIDC.items():
        assert TOLD[name][0] == type_, name
    for part in providers.REQUIRED:
        assert TOLD[f"OIDC_{part}"][1] == "required with the id"
    assert TOLD["OIDC_SCOPES"][1] == f"`{providers.SCOPES}`"
    assert TOLD["OIDC_GROUPS_CLAIM"][1] == f"`{providers.GROUPS_CLAIM}`"


def test_a_choice_names_what_may_be_chosen() -> None:
    meanings = {name: meaning for name, _, _, meaning in ROW.findall(GUIDE)}
    for name, field in FIELDS.items():
        if typing.get_origin(field.annotation) is typing.Literal:
            for word in typing.get_args(field.annotation):
                assert f"`{word}`" in meanings[name.upper()]
    for role in ROLES:
        assert re.search(rf"^\| {role} \| ", GUIDE, re.MULTILINE)


@pytest.mark.parametrize("name", [*(name.upper() for name in FIELDS), *OIDC])
def test_the_example_has_every_variable_with_its_default(name: str) -> None:
    found = re.search(rf"^(# )?{name}=(.*)$", EXAMPLE, re.MULTILINE)
    assert found, f"{name} is missing in .env.example"
    field = FIELDS.get(name.lower())
    # What is behind a # shows the default; what is not has to be filled in.
    assert bool(found[1]) != bool(field and field.is_required())
    shown = TOLD[name][1].partition("`")[2].partition("`")[0]
    if found[2]:
        assert found[2] == shown
