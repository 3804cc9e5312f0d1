"""From what an identity provider says to a person here: found, linked by e-mail, or new."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain.claims import Identity
from respondeo.domain.errors import SignInRefused
from respondeo.models import Account, User
from respondeo.oidc.providers import TAKEN, Provider
from respondeo.services import people


def person_vouched_for(session: Session, provider: Provider, identity: Identity) -> UUID:
    """The person whom the provider vouches for, brought up to date; made if they are new.

    Raises SignInRefused where there is no e-mail, the e-mail is somebody else's, or the person
    has been switched off.
    """
    user = _known(session, provider, identity)
    if user is None:
        # Two first sign-ins of one person at once make one person.
        key = sa.func.hashtextextended(f"{provider.id} {identity.subject}", 0)
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
        user = _known(session, provider, identity) or _new_or_linked(session, provider, identity)
    if user.disabled_at is not None:
        raise SignInRefused(
            "Your account here has been switched off. Ask whoever runs this server.",
            "the person is disabled",
        )
    _refresh(session, user, identity)
    return user.id


def _known(session: Session, provider: Provider, identity: Identity) -> User | None:
    """Who has signed in with this subject before, locked."""
    return session.scalar(
        sa.select(User)
        .join(Account, Account.user_id == User.id)
        .where(Account.provider_id == provider.id, Account.account_id == identity.subject)
        .with_for_update(of=User, key_share=True)
        .execution_options(populate_existing=True)
    )


def _new_or_linked(session: Session, provider: Provider, identity: Identity) -> User:
    if identity.email is None:
        raise SignInRefused(
            f"{provider.label} did not tell your e-mail address, which is needed here. Ask whoever"
            " runs this server.",
            "there is no e-mail",
        )
    new_id = session.scalar(
        insert(User)
        .values(
            name=identity.name,
            email=identity.email,
            email_verified=identity.email_verified,
            image=identity.picture,
            provider_image=identity.picture,
        )
        .on_conflict_do_nothing(index_elements=[User.email])
        .returning(User.id)
    )
    user = session.scalars(
        sa.select(User)
        .where(User.email == identity.email)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    if new_id is None:
        _demand_proof(session, provider, identity, user)
    session.add(Account(user_id=user.id, provider_id=provider.id, account_id=identity.subject))
    session.flush()
    return user


def _demand_proof(session: Session, provider: Provider, identity: Identity, user: User) -> None:
    """An account is joined by e-mail only if the e-mail is proven, on both sides.

    Whoever came first through a provider that proved nothing may not be who the address belongs
    to; they would keep their way into the account that its owner now uses.
    """
    if not identity.email_verified:
        raise SignInRefused(
            f"There is an account with your e-mail address here, but {provider.label} has not"
            " verified that the address is yours. Verify it there, then sign in again.",
            "the e-mail is somebody's and not verified",
        )
    came_before = session.scalar(
        sa.select(sa.exists().where(Account.user_id == user.id, Account.provider_id.not_in(TAKEN)))
    )
    if came_before and not user.email_verified:
        raise SignInRefused(
            "Somebody uses your e-mail address here without having proved that it is theirs. Ask"
            " whoever runs this server.",
            "the e-mail is that of a person who came from a provider that did not verify it",
        )


def _refresh(session: Session, user: User, identity: Identity) -> None:
    """Take over what the provider says today."""
    before = (user.public_name, user.public_image)
    user.name = identity.name
    if identity.groups is not None:
        user.groups = list(identity.groups)
    if identity.picture is not None:
        if user.image == user.provider_image:
            user.image = identity.picture
        user.provider_image = identity.picture
    if session.is_modified(user):
        user.updated_at = database_time(session)
    session.flush()
    if (user.public_name, user.public_image) != before:
        people.public_look_changed(session, user.id)
    if identity.email_verified:
        # Last: it locks the person's key, and who records a result of theirs needs that after
        # the locks that the line above waits for.
        _take_email(session, user, identity)


def _take_email(session: Session, user: User, identity: Identity) -> None:
    """A verified e-mail replaces the old one, unless somebody else has it."""
    if (user.email, user.email_verified) == (identity.email, True):
        return
    try:
        with session.begin_nested():
            session.execute(
                sa.update(User)
                .where(User.id == user.id)
                .values(email=identity.email, email_verified=True)
            )
    except IntegrityError:
        session.refresh(user)
