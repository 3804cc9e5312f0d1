"""People, and how they prove who they are: accounts, sessions, API keys."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from respondeo.db import Base
from respondeo.models.columns import CreatedAt, TimeOrderedId


class User(Base):
    """A person. `groups` are those of the last sign-in; roles are resolved from them."""

    __tablename__ = "user"
    __table_args__ = (
        sa.CheckConstraint("email = lower(email)", name="email_lower_case"),
        sa.UniqueConstraint("email"),
    )

    id: Mapped[TimeOrderedId]
    name: Mapped[str]
    display_name: Mapped[str | None]
    email: Mapped[str]
    email_verified: Mapped[bool] = mapped_column(server_default=sa.false())
    image: Mapped[str | None]
    groups: Mapped[list[str]] = mapped_column(server_default="{}")
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


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
    """A signed-in browser. The cookie holds the token, the table only its SHA-256."""

    __tablename__ = "session"
    __table_args__ = (sa.UniqueConstraint("token_hash"),)

    id: Mapped[TimeOrderedId]
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("user.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes]
    ip_address: Mapped[str | None]
    user_agent: Mapped[str | None]
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
