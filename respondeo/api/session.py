"""Who is calling."""

from __future__ import annotations

from respondeo.api import asking
from respondeo.api.endpoints import Operation, serves
from respondeo.api.schemas.session import Me, SessionTold, SignedIn


@serves(
    Operation(
        "get_session",
        "GET",
        "/auth/get-session",
        "Read who is calling",
        "`null` for who is signed out.",
        "Session",
        None,
        None,
        {200: (SignedIn, None)},
        open_to_all=True,
    )
)
def get_session() -> SignedIn | None:
    asks = asking.caller()
    if asks is None or asks.viewer.user_id is None:
        return None
    me = Me(
        id=asks.viewer.user_id,
        name=asks.name,
        email=asks.email,
        image=asks.image,
        role=asks.viewer.role,
        groups=list(asks.groups),
    )
    told = None
    if asks.session_id is not None and asks.expires_at is not None:
        told = SessionTold(id=asks.session_id, expires_at=asks.expires_at)
    return SignedIn(user=me, session=told)
