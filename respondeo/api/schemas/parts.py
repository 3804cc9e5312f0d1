"""What all schemas are made of: ids, moments, errors, people."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

EARLIEST, LATEST = datetime(1000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_HOUR = r"([01]\d|2[0-3]):[0-5]\d"
_MOMENT = re.compile(
    rf"\d{{4}}-\d{{2}}-\d{{2}}T{_HOUR}:\d{{2}}(\.\d+)?(Z|[+-]{_HOUR})", re.ASCII | re.IGNORECASE
)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_id(text: str) -> bool:
    """Whether this is a UUID as RFC 9562 writes it; pydantic would also take it in braces."""
    return _ID.fullmatch(text) is not None


def _id(value: Any) -> Any:
    if isinstance(value, str) and not is_id(value):
        raise ValueError("Write a UUID.")
    return value


def _moment(value: Any) -> Any:
    """A time as RFC 3339 writes it; pydantic would also take numbers and bare dates."""
    if not isinstance(value, str):
        return value
    try:
        if not _MOMENT.fullmatch(value):
            raise ValueError
        return _storable(datetime.fromisoformat(value.upper()))
    except ValueError:
        raise ValueError("Write a time like 2026-09-01T08:00:00Z.") from None


def _storable(moment: datetime) -> datetime:
    """Times that nobody lives to see are taken as the nearest that every system can tell."""
    if moment.year < EARLIEST.year:
        return EARLIEST
    return moment.astimezone(UTC) if moment.year < LATEST.year else LATEST


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(_utc, return_type=str)]
SentMoment = Annotated[datetime, BeforeValidator(_moment)]
SentId = Annotated[UUID, BeforeValidator(_id)]


class Told(BaseModel):
    """What the API gives."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, from_attributes=True, frozen=True
    )


class Sent(BaseModel):
    """What the API takes: nothing but these fields, by the names that the document has."""

    # They are only made of JSON, so their names in Python need not be taken.
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)  # type: ignore[pydantic-alias]


class Fault(Told):
    """One fault of a request: where it is, and what to do."""

    path: str = Field(examples=["questions.0.answers"])
    message: str = Field(examples=["Mark at least one answer as right."])


class Error(Told):
    """Why there is no answer."""

    error: str = Field(examples=["There is no such quiz, or it is not published."])
    details: list[Fault] | None = Field(
        None, description="Each fault of a body or query that is not valid."
    )
    reference: str | None = Field(
        None, description="Where the fault is the server's: what its operator finds it by."
    )


class User(Told):
    """A person as others see them; in a quiz's attempts its editors read the real name."""

    id: UUID
    name: str
    display_name: str | None
    image: str | None
