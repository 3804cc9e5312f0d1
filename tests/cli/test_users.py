"""`flask users`: making, listing, changing and removing people."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.models import Account, LoginSession, Quiz, QuizAttempt, User
from respondeo.services import identity, leaderboards, passwords
from tests.conftest import Clock
from tests.factories import add_user, player, published_quiz
from tests.services.boards import assert_boards_are_right
from tests.services.plays import play

ROOT = Path(__file__).parents[2]
GOOD = "correct horse battery"
ADA = "ada@school.example"
Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    """`flask users …` without a terminal; `typed` comes on standard input."""

    def run(*words: str, typed: str | bytes = "") -> Result:
        return app.test_cli_runner().invoke(args=["users", *words], input=typed)

    return run


def create(run: Run, email: str = ADA, *more: str, typed: str | bytes = f"{GOOD}\n") -> Result:
    return run("create", email, "--name", "Ada Lovelace", *more, "--password-stdin", typed=typed)


def person(session: Session, email: str = ADA) -> User:
    session.rollback()
    found = identity.user_by_email(session, email)
    assert found is not None
    return found


def signed_in(session: Session, user: User) -> str:
    token = identity.sign_in(session, user.id, ip_address=None, user_agent=None)
    session.commit()
    return token


def test_a_person_is_made_who_can_sign_in(run: Run, committed: Session) -> None:
    result = create(run, "Ada@School.Example", "--group", "teachers", "--group", " admin ")
    assert (result.exit_code, result.stdout) == (0, f"Created {ADA}, admin.\n")
    made = person(committed)
    assert (made.name, made.groups) == ("Ada Lovelace", ["teachers", "admin"])
    assert made.email_verified
    assert passwords.verify(committed, ADA, GOOD) == made.id


def test_where_passwords_are_off_it_is_made_all_the_same_with_a_warning(
    run: Run, app: Flask, committed: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "AUTH_LOCAL=true" in create(run).stderr
    on = app.extensions["settings"].model_copy(update={"auth_local": True})
    monkeypatch.setitem(app.extensions, "settings", on)
    assert create(run, "bob@school.example").stderr == ""


def test_somebody_who_is_there_already_is_not_made_again(run: Run, committed: Session) -> None:
    create(run)
    again = create(run, ADA.upper(), typed="another password")
    assert again.exit_code == 1
    assert f"There is somebody with the e-mail {ADA.upper()} already." in again.stderr
    assert passwords.verify(committed, ADA, GOOD)


@pytest.mark.parametrize(
    "email",
    ["", "ada", "@school.example", "ada@", "a@b@c", "a b@c", "a@b c", "a\n@b", "x" * 250 + "@x.yz"],
    ids=ascii,
)
def test_what_is_no_address_is_refused(run: Run, committed: Session, email: str) -> None:
    result = create(run, email)
    assert result.exit_code == 1
    assert "e-mail address" in result.stderr
    assert committed.scalar(sa.select(sa.func.count()).select_from(User)) == 0


@pytest.mark.parametrize(
    ("more", "typed", "said"),
    [
        ([], "", "at least 10"),
        ([], "short\n", "at least 10"),
        ([], "x" * 201, "at most 200"),
        ([], "x" * 200_000, "at most 200"),
        ([], f"{ADA}\n", "your name or e-mail"),
        ([], "two lines of\npassword\n", "nothing else"),
        ([], b"\xff\xfe not text at all", "not UTF-8"),
        (["--name", " "], GOOD, "can be seen"),
        (["--name", "x" * 101], GOOD, "at most 100"),
        (["--name", "Ada\x1b[2J"], GOOD, "cannot be seen"),
        (["--name", "Ada <ada@corp.example>"], GOOD, "Leave out the e-mail address"),
        (["--group", ""], GOOD, "one line"),
        (["--group", "a,b"], GOOD, "without commas"),
    ],
)
def test_what_is_wrong_is_said_and_nobody_is_made(
    run: Run, committed: Session, more: list[str], typed: str | bytes, said: str
) -> None:
    result = create(run, ADA, *more, typed=typed)
    assert result.exit_code == 1
    assert said in result.stderr
    assert GOOD not in result.output
    committed.rollback()
    assert committed.scalar(sa.select(sa.func.count()).select_from(User)) == 0


def test_a_password_keeps_its_spaces_and_only_the_end_of_the_line_goes(
    run: Run, committed: Session
) -> None:
    create(run, typed="  spaces all around  \r\n")
    assert passwords.verify(committed, ADA, "  spaces all around  ")


def test_without_a_terminal_it_says_how_to_give_the_password(run: Run, committed: Session) -> None:
    for words in (["create", ADA, "--name", "Ada"], ["set-password", ADA]):
        if words[0] == "set-password":
            create(run)
        result = run(*words, typed=GOOD)
        assert result.exit_code == 2
        assert "--password-stdin" in result.stderr


def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown(
    database: str, app: Flask, committed: Session
) -> None:
    ours, theirs = pty.openpty()
    env = {name: value for name, value in os.environ.items() if not name.startswith("RBAC_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "users", "create", ADA, "--name", "Ada"],
        cwd=ROOT,
        env=env | {"APP_ENV": "demo", "DATABASE_URL": database, "AUTH_LOCAL": "true"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    for asked in (b"Password: ", b"confirmation: "):
        while asked not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, f"{GOOD}\n".encode())
    while b"Created" not in shown:
        shown += os.read(ours, 1000)
    assert process.wait(timeout=30) == 0
    os.close(ours)
    assert GOOD.encode() not in shown
    assert passwords.verify(committed, ADA, GOOD)


def test_the_list_says_who_is_there_with_which_role_and_how_they_sign_in(
    run: Run, committed: Session, committed_clock: Clock
) -> None:
    committed_clock.stop()
    committed.commit()
    create(run, ADA, "--group", "admin", "--group", "teachers")
    signed_in(committed, person(committed))
    bob = add_user(committed, "Bob")
    bob.email = "bob@school.example"
    committed.commit()
    run("disable", "bob@school.example")
    now = committed_clock.now()
    head, first, second = run("list").stdout.splitlines()
    assert head.split("  ")[0] == "E-mail"
    assert first.split() == [
        ADA, "Ada", "Lovelace", "admin,", "teachers", "admin", "password", f"{now:%Y-%m-%d}", "-",
    ]  # fmt: skip
    assert second.split() == [
        "bob@school.example", "Bob", "-", "user", "-", "-", f"{now:%Y-%m-%d}",
    ]  # fmt: skip
    told = json.loads(run("list", "--json").stdout)
    assert told[0] == {
        "email": ADA,
        "name": "Ada Lovelace",
        "groups": ["admin", "teachers"],
        "role": "admin",
        "providers": ["local"],
        "last_seen_at": now.isoformat(),
        "disabled_at": None,
    }


def test_an_empty_list_says_so(run: Run, committed: Session) -> None:
    assert "There is nobody yet" in run("list").stdout
    assert json.loads(run("list", "--json").stdout) == []


def test_groups_are_replaced_and_a_persons_rights_follow(run: Run, committed: Session) -> None:
    create(run, ADA, "--group", "teachers")
    assert run("set-groups", ADA, "admin", "b", "admin").stdout == f"{ADA}: admin, b, admin.\n"
    assert person(committed).groups == ["admin", "b"]
    assert run("set-groups", ADA, "a,b").exit_code == 1
    assert person(committed).groups == ["admin", "b"]
    assert run("set-groups", ADA).stdout == f"{ADA}: no groups, user.\n"
    assert person(committed).groups == []


def test_a_new_email_is_vouched_for_and_signs_in(run: Run, committed: Session) -> None:
    create(run)
    token = signed_in(committed, person(committed))
    result = run("set-email", ADA.upper(), " Countess@School.Example")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{ADA} is countess@school.example now.\n"
    changed = person(committed, "countess@school.example")
    assert changed.email_verified
    assert passwords.verify(committed, "countess@school.example", GOOD) == changed.id
    assert passwords.verify(committed, ADA, GOOD) is None
    assert identity.person_of(committed, token), "nobody is signed out by it"
    assert create(run).exit_code == 0, "the old address is free"


def test_the_same_email_again_makes_it_verified(run: Run, committed: Session) -> None:
    create(run)
    person(committed).email_verified = False
    committed.commit()
    assert run("set-email", ADA, ADA).stdout == f"{ADA} stays, and counts as verified.\n"
    assert person(committed).email_verified


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("Bob@School.example", "There is somebody with the e-mail Bob@School.example already."),
        ("bob", "'bob' is not an e-mail address."),
        ("b\0b@x.example", "is not an e-mail address."),
        ("x" * 250 + "@x.yz", "at most 254"),
    ],
    ids=["taken", "malformed", "nul", "long"],
)
def test_an_email_that_cannot_be_is_refused(
    run: Run, committed: Session, new: str, said: str
) -> None:
    create(run)
    create(run, "bob@school.example")
    result = run("set-email", ADA, new)
    assert result.exit_code == 1
    assert said in result.stderr
    assert passwords.verify(committed, ADA, GOOD) == person(committed).id


def test_a_new_name_is_told_and_open_boards_follow(run: Run, committed: Session) -> None:
    create(run)
    ada = person(committed)
    quiz = published_quiz(committed)
    play(committed, player(ada), quiz)
    committed.commit()
    before = leaderboards.quiz_board_tag(committed, quiz.id, 1, None)
    result = run("rename", ADA, " Ada  King ")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{ADA}: “Ada Lovelace” is “Ada King” now.\n"
    assert person(committed).name == "Ada King"
    assert leaderboards.quiz_board_tag(committed, quiz.id, 1, None) != before


@pytest.mark.parametrize("name", ["", "x" * 101, "Ada <ada@corp.example>", "Player", "A\x1b[2J"])
def test_a_name_that_cannot_be_is_refused(run: Run, committed: Session, name: str) -> None:
    create(run)
    assert run("rename", ADA, name).exit_code == 1
    assert person(committed).name == "Ada Lovelace"


def test_what_a_provider_may_tell_anew_is_said(run: Run, committed: Session) -> None:
    create(run)
    account = Account(user_id=person(committed).id, provider_id="school", account_id="ada")
    committed.add(account)
    committed.commit()
    for words in (["rename", ADA, "Ada King"], ["set-email", ADA, "countess@school.example"]):
        assert "identity provider, which may tell another" in run(*words).stderr


NO_ADMIN = "nobody who may sign in is an admin any more"


@pytest.mark.parametrize(
    "words",
    [["disable", ADA], ["delete", ADA, "--yes"], ["set-groups", ADA, "teachers"]],
    ids=" ".join,
)
def test_taking_away_the_last_admin_is_done_with_a_warning(
    run: Run, committed: Session, words: list[str]
) -> None:
    create(run, ADA, "--group", "admin")
    create(run, "bob@school.example", "--group", "admin")
    create(run, "cleo@school.example")
    assert NO_ADMIN not in run("disable", "bob@school.example").stderr
    last = run(*words)
    assert last.exit_code == 0
    assert NO_ADMIN in last.stderr
    assert NO_ADMIN not in run("disable", "cleo@school.example").stderr, "there was none before"


def test_a_new_password_ends_all_sessions(run: Run, committed: Session) -> None:
    create(run)
    token = signed_in(committed, person(committed))
    result = run("set-password", ADA.upper(), "--password-stdin", typed="a new password")
    assert result.exit_code == 0
    assert identity.person_of(committed, token) is None
    assert passwords.verify(committed, ADA, GOOD) is None
    assert passwords.verify(committed, ADA, "a new password")


def test_somebody_who_came_by_a_provider_can_be_given_a_password(
    run: Run, committed: Session
) -> None:
    user = add_user(committed)
    committed.commit()
    assert run("set-password", user.email, "--password-stdin", typed=GOOD).exit_code == 0
    assert passwords.verify(committed, user.email, GOOD) == user.id


def test_a_disabled_person_is_out_until_they_are_enabled(run: Run, committed: Session) -> None:
    create(run)
    token = signed_in(committed, person(committed))
    assert run("disable", ADA).exit_code == 0
    since = person(committed).disabled_at
    assert since is not None
    assert run("disable", ADA).exit_code == 0
    assert person(committed).disabled_at == since
    assert passwords.verify(committed, ADA, GOOD) is None
    assert run("enable", ADA).exit_code == 0
    assert passwords.verify(committed, ADA, GOOD)
    assert identity.person_of(committed, token) is None, "sessions from before stay ended"


def test_deleting_says_what_goes_and_stays_and_corrects_the_boards(
    run: Run, committed: Session
) -> None:
    quiz = published_quiz(committed)
    author = committed.get_one(User, quiz.author_id)
    play(committed, player(author), quiz)
    play(committed, player(add_user(committed)), quiz)
    email = author.email
    committed.commit()
    refused = run("delete", email)
    assert refused.exit_code == 2
    assert "1 attempt will go, 1 quiz will stay" in refused.stderr
    assert "--yes" in refused.stderr
    result = run("delete", email, "--yes")
    assert (result.exit_code, result.stdout) == (0, f"Deleted {email}, with 1 attempt.\n")
    committed.rollback()
    assert committed.scalars(sa.select(Quiz.author_id)).all() == [None]
    assert committed.scalar(sa.select(sa.func.count()).select_from(QuizAttempt)) == 1
    assert_boards_are_right(committed)


@pytest.mark.parametrize(
    "words",
    [
        ["set-groups", "nobody@x.example"],
        ["set-password", "nobody@x.example", "--password-stdin"],
        ["set-email", "nobody@x.example", "somebody@x.example"],
        ["rename", "nobody@x.example", "Somebody"],
        ["disable", "nobody@x.example"],
        ["enable", "nobody@x.example"],
        ["delete", "nobody@x.example", "--yes"],
        ["delete", "no\0body@x.example", "--yes"],
    ],
)
def test_who_is_not_there_is_named(run: Run, committed: Session, words: list[str]) -> None:
    result = run(*words, typed=GOOD)
    assert result.exit_code == 1
    assert f"There is nobody with the e-mail {words[1]}." in result.stderr


def test_deleting_ends_the_sessions(run: Run, committed: Session) -> None:
    create(run)
    signed_in(committed, person(committed))
    assert run("delete", ADA, "--yes").exit_code == 0
    assert committed.scalars(sa.select(LoginSession)).all() == []
    assert create(run).exit_code == 0
