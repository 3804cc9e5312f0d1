"""`flask users`: the people of this server, and their passwords."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import wraps
from typing import ParamSpec, TypeVar

import click
from flask import current_app
from flask.cli import AppGroup

from respondeo.db import session
from respondeo.domain.access import AccessRules
from respondeo.domain.errors import DomainError
from respondeo.models import User
from respondeo.models.user import LOCAL
from respondeo.services import passwords
from respondeo.services import users as people
from respondeo.services.users import Listed

P = ParamSpec("P")
R = TypeVar("R")

LONGEST_INPUT = 64_000  # bytes


@contextmanager
def warned_of_no_admin() -> Iterator[None]:
    """The operator may take away the last admin, but is told so."""
    had = _has_admin()
    yield
    if had and not _has_admin():
        click.echo(
            "Warning: nobody who may sign in is an admin any more. `flask users set-groups` or the"
            " groups at the identity provider make one.",
            err=True,
        )


def _has_admin() -> bool:
    rules: AccessRules = current_app.extensions["access_rules"]
    sets = people.groups_of_the_enabled(session())
    return any("admin:*" in rules.permissions_of(rules.role_of(groups)) for groups in sets)


users = AppGroup("users", help="People and their passwords.")
email_argument = click.argument("email")
password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)


def explained(command: Callable[P, R]) -> Callable[P, R]:
    """What a rule refuses is a message on the terminal, and status 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except DomainError as refused:
            raise click.ClickException(str(refused)) from refused

    return run


@users.command("create")
@email_argument
@click.option("--name", required=True, help="The person's name.")
@click.option("--group", "groups", multiple=True, help="A group; may be repeated.")
@password_stdin
@explained
def create_command(email: str, name: str, groups: tuple[str, ...], password_stdin: bool) -> None:
    """Make a person who signs in with EMAIL and a password."""
    people.free_email(session(), email)
    session().rollback()  # nobody waits while a password is typed
    password = _new_password(password_stdin)
    user = people.create_user(session(), email, name, groups)
    passwords.set_password(session(), user.id, password)
    session().commit()
    click.echo(f"Created {user.email}, {_role(user.groups)}.")
    if not current_app.extensions["settings"].auth_local:
        click.echo("Nobody signs in with a password until AUTH_LOCAL=true is set.", err=True)


@users.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """List everybody: groups, role, ways of signing in, last seen, disabled."""
    found = people.everybody(session())
    if as_json:
        told = [asdict(one) | {"role": _role(one.groups)} for one in found]
        click.echo(json.dumps(told, indent=2, default=lambda moment: moment.isoformat()))
    elif found:
        print_table([HEADINGS, *map(_row, found)])
    else:
        click.echo("There is nobody yet. `flask users create` makes somebody.")


@users.command("set-email")
@email_argument
@click.argument("new")
@explained
def set_email_command(email: str, new: str) -> None:
    """Give the person with EMAIL the address NEW, which you vouch for.

    They sign in with it from now on; who comes through an identity provider with this address,
    verified, is the same person.
    """
    user = people.user_with(session(), email)
    before = user.email
    people.set_email(session(), user, new)
    session().commit()
    if user.email == before:
        click.echo(f"{user.email} stays, and counts as verified.")
    else:
        click.echo(f"{before} is {user.email} now.")
    _note_of_provider(user, "e-mail")


@users.command("rename")
@email_argument
@click.argument("name")
@explained
def rename_command(email: str, name: str) -> None:
    """Change the real name of the person with EMAIL to NAME."""
    user = people.user_with(session(), email)
    before = user.name
    people.rename(session(), user, name)
    session().commit()
    click.echo(f"{user.email}: “{before}” is “{user.name}” now.")
    _note_of_provider(user, "name")


def _note_of_provider(user: User, what: str) -> None:
    if people.is_known_elsewhere(session(), user):
        click.echo(
            f"{user.email} comes through an identity provider, which may tell another {what} at the"
            " next sign-in. Change it there as well.",
            err=True,
        )


@users.command("set-groups")
@email_argument
@click.argument("groups", nargs=-1)
@explained
def set_groups_command(email: str, groups: tuple[str, ...]) -> None:
    """Put the person into these GROUPS and no others; with none, into none.

    An identity provider that tells groups replaces them at the next sign-in.
    """
    user = people.user_with(session(), email)
    with warned_of_no_admin():
        people.set_groups(user, groups)
        session().commit()
    click.echo(f"{user.email}: {', '.join(user.groups) or 'no groups'}, {_role(user.groups)}.")


@users.command("set-password")
@email_argument
@password_stdin
@explained
def set_password_command(email: str, password_stdin: bool) -> None:
    """Set a new password and sign the person out everywhere."""
    user = people.user_with(session(), email)
    user_id = user.id
    session().rollback()  # nobody waits while a password is typed
    passwords.set_password(session(), user_id, _new_password(password_stdin))
    session().commit()
    click.echo("The password is set. The person is signed out everywhere.")


@users.command("disable")
@email_argument
@explained
def disable_command(email: str) -> None:
    """Let the person in no more, and sign them out everywhere. Their results stay."""
    user = people.user_with(session(), email)
    with warned_of_no_admin():
        people.disable(session(), user)
        session().commit()
    click.echo(f"{user.email} is disabled and signed out everywhere.")


@users.command("enable")
@email_argument
@explained
def enable_command(email: str) -> None:
    """Let a disabled person in again."""
    user = people.user_with(session(), email)
    people.enable(user)
    session().commit()
    click.echo(f"{user.email} may sign in again.")


@users.command("delete")
@email_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@explained
def delete_command(email: str, yes: bool) -> None:
    """Delete the person and their attempts. Their quizzes stay, without an author."""
    user = people.user_with(session(), email)
    user_id, name = user.id, user.name
    attempts, quizzes = people.belongings(session(), user_id)
    session().rollback()  # nobody waits while the question stands
    what = f"{_many(attempts, 'attempt')} will go, {_many(quizzes, 'quiz', 'quizzes')} will stay"
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(f"{what}. Say --yes to delete {email} without a question.")
        click.confirm(f"Delete {name} ({email})? {what}.", abort=True)
    with warned_of_no_admin():
        people.delete_user(session(), user_id)
        session().commit()
    click.echo(f"Deleted {email}, with {_many(attempts, 'attempt')}.")


def _many(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _role(groups: Sequence[str]) -> str:
    rules: AccessRules = current_app.extensions["access_rules"]
    return rules.role_of(groups)


def _new_password(from_stdin: bool) -> str:
    """What is typed twice and not shown, or the one line of standard input."""
    if from_stdin:
        return _piped()
    if not sys.stdin.isatty():
        raise click.UsageError(
            "There is no terminal to ask for the password: use --password-stdin."
        )
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _piped() -> str:
    try:
        text = sys.stdin.buffer.read(LONGEST_INPUT).decode()
    except UnicodeDecodeError as error:
        raise click.ClickException("The password on standard input is not UTF-8.") from error
    line, _, rest = text.partition("\n")
    if rest:
        raise click.ClickException("Standard input must hold the password and nothing else.")
    return line.removesuffix("\r")


HEADINGS = ("E-mail", "Name", "Groups", "Role", "Signs in by", "Last seen", "Disabled")


def _row(one: Listed) -> tuple[str, ...]:
    ways = ("password" if way == LOCAL else way for way in one.providers)
    seen = f"{one.last_seen_at:%Y-%m-%d}" if one.last_seen_at else "-"
    disabled = f"{one.disabled_at:%Y-%m-%d}" if one.disabled_at else "-"
    groups = ", ".join(one.groups) or "-"
    return one.email, one.name, groups, _role(one.groups), ", ".join(ways) or "-", seen, disabled


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Rows under one another, the columns as wide as they need to be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
