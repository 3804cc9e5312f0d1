"""Columns and checks that several tables share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import mapped_column

from respondeo.db import new_id

TimeOrderedId = Annotated[UUID, mapped_column(primary_key=True, default=new_id)]
RandomId = Annotated[UUID, mapped_column(primary_key=True, default=uuid4)]
CreatedAt = Annotated[datetime, mapped_column(server_default=sa.func.now())]


def one_of(column: str, values: Iterable[str]) -> sa.CheckConstraint:
    """An enumeration: text that must be one of the values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)
