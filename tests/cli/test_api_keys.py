"""`flask api-keys`: what an operator makes, lists and revokes for somebody."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.domain.scopes import SCOPES
from respondeo.models import User
from respondeo.services import api_keys
from tests.factories import add_user

Run = Callable[..., Result]
GUIDE = (Path(__file__).parents[2] / "docs/configuration.md").read_text()


@pytest.fixture
def run(app: Flask) -> Run:
    """`flask api-keys …`"""
    return lambda *words: app.test_cli_runner().invoke(args=["api-keys", *words])


@pytest.fixture
def ada(committed: Session) -> User:
    user = add_user(committed, "Ada Lovelace")
    committed.commit()
    return user


def made(run: Run, user: User, *more: str) -> str:
    """What making a key prints."""
    result = run("create", user.email, "--name", "Importer", *more)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_making_a_key_prints_the_key_and_nothing_else(
    run: Run, ada: User, committed: Session
) -> None:
    printed = made(run, ada)
    key = printed.removesuffix("\n")
    holder = api_keys.holder_of(committed, key)
    assert holder is not None
    assert printed == f"{key}\n"
    assert (holder.user_id, holder.scopes) == (ada.id, frozenset(SCOPES))
    assert (holder.requests_per_minute, holder.expires_at) == (100, None)


def test_one_key_more_than_there_may_be_is_refused(run: Run, ada: User, committed: Session) -> None:
    for number in range(api_keys.MOST_KEYS):
        api_keys.create_key(committed, ada.id, f"Key {number}", scopes=SCOPES, expires_days=None)
    committed.commit()
    refused = run("create", ada.email, "--name", "One more")
    assert refused.exit_code == 1
    assert refused.stdout == ""
    assert refused.stderr == (
        "Error: One person may have 50 keys. Revoke one that is no longer used.\n"
    )


def test_scopes_expiry_and_limit_are_taken(run: Run, ada: User, committed: Session) -> None:
    wishes = ("--scope", "quizzes:read", "--scope", "attempts:read", "--expires", "30")
    made(run, ada, *wishes, "--limit", "7")
    (key,) = api_keys.keys_of(committed, ada.id)
    assert (key.scopes, key.requests_per_minute) == (("quizzes:read", "attempts:read"), 7)
    assert key.expires_at is not None
    assert (key.expires_at - key.created_at).days == 30


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (("--scope", "admin:*"), "Choose among quizzes:read"),
        (("--expires", "0"), "1 to 3650 days"),
        (("--limit", "0"), "from 1 to 1,000,000"),
        (("--name", " "), "Give the key a name"),
    ],
)
def test_what_cannot_be_is_said_and_makes_no_key(
    run: Run, ada: User, committed: Session, wish: tuple[str, ...], words: str
) -> None:
    result = run("create", ada.email, "--name", "Importer", *wish)
    assert result.exit_code == 1
    assert words in result.stderr
    assert not result.stdout
    assert not api_keys.keys_of(committed, ada.id)


@pytest.mark.parametrize("command", ["create", "list", "revoke"])
def test_nobody_with_that_address_is_said(run: Run, command: str, committed: Session) -> None:
    more = {"create": ["--name", "Importer"], "list": [], "revoke": ["rsp_aaaa"]}[command]
    result = run(command, "nobody@school.example", *more)
    assert result.exit_code == 1
    assert "nobody@school.example" in result.stderr


def test_the_list_tells_all_but_the_key(run: Run, ada: User) -> None:
    assert "has no keys" in run("list", ada.email).output
    key = made(run, ada, "--scope", "quizzes:read", "--limit", "7").strip()
    listed = run("list", ada.email).output
    assert f"{key[:8]}…" in listed
    assert key not in listed
    assert listed.splitlines()[1].split()[1:6] == ["Importer", "quizzes:read", "7", "never", "-"]


def test_a_key_is_revoked_by_its_start_or_its_id_and_the_others_stay(
    run: Run, ada: User, committed: Session
) -> None:
    first, second, third = (made(run, ada).strip() for _ in range(3))
    assert run("revoke", ada.email, f"{first[:8]}…").exit_code == 0
    holder = api_keys.holder_of(committed, second)
    assert holder is not None
    assert run("revoke", ada.email, str(holder.key_id)).exit_code == 0
    committed.rollback()
    found = [api_keys.holder_of(committed, key) is not None for key in (first, second, third)]
    assert found == [False, False, True]


def test_somebody_elses_key_or_none_is_not_revoked(run: Run, ada: User, committed: Session) -> None:
    other = add_user(committed, "Other")
    committed.commit()
    key = made(run, ada).strip()
    result = run("revoke", other.email, key[:8])
    assert result.exit_code == 1
    assert "There is no such key." in result.stderr
    assert api_keys.holder_of(committed, key) is not None


def test_the_commands_in_the_guide_work_as_they_stand(
    run: Run, ada: User, committed: Session
) -> None:
    (block,) = re.findall(r"^```sh\n(flask api-keys .*?)^```", GUIDE, re.M | re.S)
    create, listing, revoke = (
        shlex.split(line, comments=True)[2:] for line in block.replace("\\\n", "").splitlines()
    )
    ada.email = create[1]
    committed.commit()
    key = run(*create).stdout.strip()
    assert api_keys.holder_of(committed, key) is not None
    assert key[:8] in run(*listing).stdout
    assert len(revoke[-1]) == len(key[:8])
    assert run(*revoke[:-1], key[:8]).exit_code == 0
    committed.rollback()
    assert api_keys.holder_of(committed, key) is None
