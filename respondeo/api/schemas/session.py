"""Who is calling."""

from __future__ import annotations

from uuid import UUID

from respondeo.api.schemas.parts import Moment, Told


class Me(Told):
    """The caller."""

    id: UUID
    name: str
    email: str
    image: str | None
    role: str
    groups: list[str]


class SessionTold(Told):
    """A browser's session."""

    id: UUID
    expires_at: Moment


class SignedIn(Told):
    """Who is calling. `session` is null for a key."""

    user: Me
    session: SessionTold | None
