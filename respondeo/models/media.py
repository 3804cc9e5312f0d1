"""Uploaded pictures, by content hash."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from respondeo.db import Base
from respondeo.models.columns import CreatedAt, TimeOrderedId


class Media(Base):
    """A picture: kept while a version, draft or profile refers to it, and a day longer."""

    __tablename__ = "media"
    __table_args__ = (
        sa.UniqueConstraint("sha256"),
        sa.CheckConstraint("width > 0 AND height > 0", name="size"),
    )

    id: Mapped[TimeOrderedId]
    sha256: Mapped[bytes]
    content_type: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    data: Mapped[bytes] = mapped_column(deferred=True)
    created_at: Mapped[CreatedAt]
