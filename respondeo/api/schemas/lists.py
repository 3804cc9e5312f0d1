"""Lists, and which part of one is wanted."""

from __future__ import annotations

import re
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from respondeo.api.schemas.parts import Told

T = TypeVar("T")


def _whole(value: Any) -> Any:
    """A whole number of any size, as a query has it."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,4000}", value):
        return max(-(10**9), min(int(value), 10**9))
    raise ValueError("Write a whole number.")


class Window(BaseModel):
    """Which part of a list is wanted."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    page: Annotated[int, BeforeValidator(_whole)] = Field(
        1, description="From 1; less is taken as 1."
    )
    limit: Annotated[int, BeforeValidator(_whole)] = Field(
        30, description="Items on a page; taken as 1 to 100."
    )

    @property
    def number(self) -> int:
        """The page, from 1."""
        return max(1, self.page)

    @property
    def size(self) -> int:
        """How many items, 1 to 100."""
        return min(max(1, self.limit), 100)

    @property
    def offset(self) -> int:
        """How many items come before."""
        return (self.number - 1) * self.size


class Listed(Told, Generic[T]):
    """One page of a list."""

    items: list[T]
    total_count: int
    total_pages: int
    current_page: int
    has_more: bool

    @classmethod
    def of(cls, items: list[T], total: int, window: Window) -> Self:
        """The page that the window cuts out of `total` items."""
        pages = -(-total // window.size)
        return cls(
            items=items,
            total_count=total,
            total_pages=pages,
            current_page=window.number,
            has_more=window.number < pages,
        )
