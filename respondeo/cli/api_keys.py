"""`flask api-keys`: keys with which programs act as a person."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from respondeo.cli.users import email_argument, explained, print_table
from respondeo.db import session
from respondeo.domain.errors import DomainError, NotFound
from respondeo.domain.scopes import SCOPES
from respondeo.services import api_keys as service
from respondeo.services import users as people
from respondeo.services.api_keys import ListedKey

HEADINGS = ("Start", "Name", "Scopes", "A minute", "Expires", "Last used", "Id")

api_keys = AppGroup("api-keys", help="Keys with which programs act as a person.")


@api_keys.command("create")
@email_argument
@click.option("--name", required=True, help="What will use the key.")
@click.option("--scope", "scopes", multiple=True, help="May be repeated; all four if not given.")
@click.option("--expires", "expires_days", type=int, metavar="DAYS", help="Never if not given.")
@click.option(
    "--limit",
    type=int,
    default=service.USUAL_REQUESTS,
    show_default=True,
    help="Requests a minute.",
)
@explained
def create_command(
    email: str, name: str, scopes: tuple[str, ...], expires_days: int | None, limit: int
) -> None:
    """Make a key for the person with EMAIL, and print it: it cannot be read again."""
    user = people.user_with(session(), email)
    key = service.create_key(
        session(),
        user.id,
        name,
        scopes=scopes or SCOPES,
        expires_days=expires_days,
        requests_per_minute=limit,
    )
    session().commit()
    click.echo(key)


@api_keys.command("list")
@email_argument
@explained
def list_command(email: str) -> None:
    """List the keys of the person with EMAIL, the newest first."""
    user = people.user_with(session(), email)
    found = service.keys_of(session(), user.id)
    if found:
        print_table([HEADINGS, *map(_row, found)])
    else:
        click.echo(f"{user.email} has no keys. `flask api-keys create` makes one.")


@api_keys.command("revoke")
@email_argument
@click.argument("start_or_id")
@explained
def revoke_command(email: str, start_or_id: str) -> None:
    """Revoke a key of the person with EMAIL, by its start or its id, as `list` tells them."""
    user = people.user_with(session(), email)
    key = _named(session(), user.id, start_or_id)
    service.revoke_key(session(), user.id, key.id)
    session().commit()
    click.echo(f"Revoked “{key.name}” ({key.start}…) of {user.email}.")


def _named(session: Session, user_id: UUID, start_or_id: str) -> ListedKey:
    """The one key that is meant."""
    keys = service.keys_of(session, user_id)
    wanted = start_or_id.removesuffix("…")
    found = [key for key in keys if wanted == key.start or wanted.lower() == str(key.id)]
    if not found:
        raise NotFound("There is no such key. `flask api-keys list` tells which there are.")
    if len(found) > 1:
        raise DomainError(f"{len(found)} keys start with {wanted}: say the id of one.")
    return found[0]


def _row(one: ListedKey) -> tuple[str, ...]:
    scopes = "all" if one.scopes == SCOPES else ", ".join(one.scopes)
    expires = f"{one.expires_at:%Y-%m-%d}" if one.expires_at else "never"
    return (
        f"{one.start}…",
        one.name,
        scopes,
        str(one.requests_per_minute),
        f"{expires} (expired)" if one.is_expired else expires,
        _day(one.last_used_at),
        str(one.id),
    )


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "-"
