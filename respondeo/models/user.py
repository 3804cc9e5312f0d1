"""People, and how they prove who they are: accounts, sessions, API keys."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from respondeo.db import Base
from respondeo.domain.names import HIDDEN_NAME
from respondeo.models.columns import CreatedAt, TimeOrderedId, one_of


class ShownAs(StrEnum):
    """Which name others see."""

    NAME = "name"
    DISPLAY_NAME = "display_name"
    HIDDEN = "hidden"


class User(Base):
    """A person. `groups` are those of the last sign-in; roles are resolved from them.

    name: the real one, from the provider or the operator. display_name: one they chose.
    image: the picture in use; provider_image: the one that the identity provider tells.
    Others see `public_name` and `public_image` only.
    """

    __tablename__ = "user"
    __table_args__ = (
        sa.CheckConstraint("email = lower(email)", name="email_lower_case"),
        sa.UniqueConstraint("email"),
        one_of("shown_as", ShownAs),
        sa.CheckConstraint(
            "shown_as <> 'display_name' OR display_name IS NOT NULL", name="shown_as_something"
        ),
    )

    id: Mapped[TimeOrderedId]
    name: Mapped[str]
    display_name: Mapped[str | None]
    shown_as: Mapped[str] = mapped_column(server_default=ShownAs.NAME)
    email: Mapped[str]
    email_verified: Mapped[bool] = mapped_column(server_default=sa.false())
    image: Mapped[str | None]
    provider_image: Mapped[str | None]
    groups: Mapped[list[str]] = mapped_column(server_default="{}")
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]

    @hybrid_property
    def public_name(self) -> str:
        """The name that others see."""
        if self.shown_as == ShownAs.HIDDEN:
            return HIDDEN_NAME
        if self.shown_as == ShownAs.DISPLAY_NAME and self.display_name is not None:
            return self.display_name
        return self.name

    @public_name.inplace.expression
    @classmethod
    def _public_name(cls) -> sa.ColumnElement[str]:
        return sa.case(
            (cls.shown_as == ShownAs.HIDDEN, HIDDEN_NAME),
            (cls.shown_as == ShownAs.DISPLAY_NAME, cls.display_name),
            else_=cls.name,
        )

    @hybrid_property
    def public_image(self) -> str | None:
        """The picture that others see."""
        return None if self.shown_as == ShownAs.HIDDEN else self.image

    @public_image.inplace.expression
    @classmethod
    def _public_image(cls) -> sa.ColumnElement[str | None]:
        return sa.case((cls.shown_as == ShownAs.HIDDEN, sa.null()), else_=cls.image)


LOCAL = "local"
"""The `provider_id` of an account with a password of ours."""


class Account(Base):
    """One way a person signs in: a provider's subject, or local with a password hash."""

    __tablename__ = "account"
    __table_args__ = (sa.UniqueConstraint("provider_id", "account_id"),)

    id: Mapped[TimeOrderedId]
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("user.id", ondelete="CASCADE"), index=True)
    provider_id: Mapped[str]
    account_id: Mapped[str]
    password_hash: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class LoginSession(Base):
    """A signed-in browser. The cookie holds the token, the table only its SHA-256.

    provider_id: the identity provider that vouched, null for others; id_token: what it said, as
    it wants to hear it again when the person signs out.
    """

    __tablename__ = "session"
    __table_args__ = (sa.UniqueConstraint("token_hash"),)

    id: Mapped[TimeOrderedId]
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("user.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes]
    ip_address: Mapped[str | None]
    user_agent: Mapped[str | None]
    provider_id: Mapped[str | None]
    id_token: Mapped[str | None] = mapped_column(deferred=True)
    created_at: Mapped[CreatedAt]
    last_seen_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ApiKey(Base):
    """A key for programs: shown once, stored as a SHA-256 with a visible start."""

    __tablename__ = "apikey"
    __table_args__ = (sa.UniqueConstraint("key_hash"),)

    id: Mapped[TimeOrderedId]
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    start: Mapped[str]
    key_hash: Mapped[bytes]
    scopes: Mapped[list[str]]
    requests_per_minute: Mapped[int] = mapped_column(server_default="100")
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
