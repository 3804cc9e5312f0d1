"""People: what others see of a person, and for admins who is there and who may come in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain.errors import Invalid, NotAllowed, NotFound, Problem
from respondeo.domain.names import chosen_name
from respondeo.models import Account, LoginSession, User
from respondeo.models.user import LOCAL, ShownAs
from respondeo.services import media, sessions, standings, users
from respondeo.services.media import Picture

PAGE_SIZE = 30


@dataclass(frozen=True, slots=True)
class Profile:
    """What the person's own page shows. `providers`: who vouches for them, without ourselves."""

    id: UUID
    name: str
    email: str
    image: str | None
    provider_image: str | None
    shown_as: str
    display_name: str | None
    public_name: str
    public_image: str | None
    providers: tuple[str, ...]
    is_local: bool

    @property
    def may_rename(self) -> bool:
        """Whether the name is kept here, and not by a provider that would write it again."""
        return self.is_local and not self.providers


@dataclass(frozen=True, slots=True)
class Entry:
    """One person in the directory. `last_seen_at`: of the sessions that are still open."""

    id: UUID
    name: str
    public_name: str
    email: str
    image: str | None
    groups: list[str]
    disabled_at: datetime | None
    providers: list[str]
    sessions: int
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Directory:
    """One page of people."""

    people: tuple[Entry, ...]
    total: int
    page: int
    pages: int


# -- oneself ---------------------------------------------------------------------------------


def profile(session: Session, user_id: UUID) -> Profile:
    """The person's own page. Raises NotFound."""
    row = session.execute(
        sa.select(
            User.id,
            User.name,
            User.email,
            User.image,
            User.provider_image,
            User.shown_as,
            User.display_name,
            User.public_name.label("public_name"),
            User.public_image.label("public_image"),
            _providers().label("providers"),
        ).where(User.id == user_id)
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such person.")
    vouch = [name for name in row.providers if name != LOCAL]
    told = {**row._mapping, "providers": tuple(vouch), "is_local": LOCAL in row.providers}
    return Profile(**told)


def change_name(session: Session, user_id: UUID, name: str) -> None:
    """Change the real name, of people whose name is kept here. Raises Invalid, NotAllowed."""
    if not profile(session, user_id).may_rename:
        raise NotAllowed("Your name comes from where you sign in. Change it there.")
    users.rename(session, _locked(session, user_id), name)


def change_shown(session: Session, user_id: UUID, *, shown_as: str, display_name: str) -> None:
    """Choose what others see. `display_name` is read where that is the choice; else kept.

    Names need not be different from other people's: in a school two may well be called the same,
    and whoever may edit a quiz sees the real ones. Raises Invalid.
    """
    if shown_as not in list(ShownAs):
        raise Invalid(Problem("shown_as", "Choose what others see."))
    chosen = None
    if shown_as == ShownAs.DISPLAY_NAME:
        chosen = chosen_name(display_name, field="display_name")
    user = _locked(session, user_id)
    before = _look(user)
    user.display_name = chosen or user.display_name
    user.shown_as = shown_as
    _changed(session, user, before)


def use_upload(session: Session, user_id: UUID, picture: Picture) -> None:
    """Show this picture, which `media.encoded` made, with the person."""
    _use(session, user_id, media.store_picture(session, picture))


def use_provider_image(session: Session, user_id: UUID) -> None:
    """Show the picture that the identity provider tells. Raises Invalid."""
    told = profile(session, user_id).provider_image
    if told is None:
        raise Invalid(Problem("picture", "There is no picture of you where you sign in."))
    _use(session, user_id, told)


def use_initials(session: Session, user_id: UUID) -> None:
    """Show no picture."""
    _use(session, user_id, None)


def public_look_changed(session: Session, user_id: UUID) -> None:
    """Let open boards know that a person's public name or picture is another now.

    Call it after the person was changed, in the same transaction. The global board and the
    list of quizzes are known by a revision that the database renews; boards of quizzes have a
    counter.
    """
    standings.player_looks_different(session, user_id)


def _use(session: Session, user_id: UUID, image: str | None) -> None:
    user = _locked(session, user_id)
    before, unused = _look(user), user.image
    user.image = image
    _changed(session, user, before)
    if image != unused:
        media.let_go(session, unused)


def _look(user: User) -> tuple[str, str | None]:
    return user.public_name, user.public_image


def _changed(session: Session, user: User, before: tuple[str, str | None]) -> None:
    if session.is_modified(user):
        user.updated_at = database_time(session)
    session.flush()
    if _look(user) != before:
        public_look_changed(session, user.id)


def _locked(session: Session, user_id: UUID) -> User:
    """The person, kept for us alone; who records their results need not wait. Raises NotFound."""
    user = session.get(User, user_id, with_for_update={"key_share": True}, populate_existing=True)
    if user is None:
        raise NotFound("There is no such person.")
    return user


# -- for admins ------------------------------------------------------------------------------


def directory(session: Session, *, q: str = "", page: int = 1) -> Directory:
    """The people whose name, public name, e-mail or groups contain `q`, by name."""
    found = sa.select(User.id)
    if q:
        joined = sa.func.array_to_string(User.groups, ", ")
        columns = (User.name, User.public_name, User.email, joined)
        found = found.where(sa.or_(*(column.icontains(q, autoescape=True) for column in columns)))
    total = session.execute(sa.select(sa.func.count()).select_from(found.subquery())).scalar_one()
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, page), pages)
    order = (sa.func.lower(User.name), User.id)
    cut = found.order_by(*order).limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)
    # The page is cut before sessions and accounts are looked up.
    rows = session.execute(_listed().where(User.id.in_(cut)).order_by(*order)).mappings()
    return Directory(tuple(Entry(**row) for row in rows), total, page, pages)


def _listed() -> sa.Select[*tuple[object, ...]]:
    now = sa.func.clock_timestamp()
    here = sa.and_(LoginSession.user_id == User.id, LoginSession.expires_at > now)
    return sa.select(
        User.id,
        User.name,
        User.public_name.label("public_name"),
        User.email,
        User.image,
        User.groups,
        User.disabled_at,
        _providers().label("providers"),
        sa.select(sa.func.count()).where(here).scalar_subquery().label("sessions"),
        sa.select(sa.func.max(LoginSession.last_seen_at))
        .where(here)
        .scalar_subquery()
        .label("last_seen_at"),
    )


def _providers() -> sa.ScalarSelect[list[str]]:
    named = sa.func.array_agg(aggregate_order_by(Account.provider_id, Account.provider_id))
    nobody = sa.cast([], User.groups.type)
    return (
        sa.select(sa.func.coalesce(named, nobody))
        .where(Account.user_id == User.id)
        .scalar_subquery()
    )


def sign_out_everywhere(session: Session, user_id: UUID) -> None:
    """End all sessions of a person. Raises NotFound."""
    _locked(session, user_id)
    sessions.end_sessions(session, user_id)


def disable(session: Session, user_id: UUID, *, by: UUID) -> None:
    """Keep a person out until they are enabled; their results stay. Raises Invalid, NotFound.

    Nobody disables themselves: there might be no admin left to undo it.
    """
    if user_id == by:
        raise Invalid(Problem("person", "You cannot disable yourself. Ask another admin."))
    users.disable(session, _locked(session, user_id))


def enable(session: Session, user_id: UUID) -> None:
    """Let a disabled person sign in again. Raises NotFound."""
    users.enable(_locked(session, user_id))
