"""Who is calling: the holder of an API key, or a signed-in browser."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from flask import Response, current_app, g, request
from flask_login import current_user

from respondeo import rate_limits
from respondeo.application import vary_by
from respondeo.db import reader, session
from respondeo.domain.access import Viewer, refusal
from respondeo.domain.errors import KeyRefused, NotAllowed, SignInRequired, TooMany
from respondeo.rate_limits import KEY_WINDOW_S, Counted
from respondeo.services import api_keys
from respondeo.services.api_keys import KeyHolder
from respondeo.services.identity import Person

KEY_HEADER = "x-api-key"
SIGN_IN = f"Send an API key in the header {KEY_HEADER}, or sign in."


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling. scopes: None where a browser calls, which is not narrowed."""

    viewer: Viewer
    name: str
    email: str
    image: str | None
    groups: tuple[str, ...]
    scopes: frozenset[str] | None
    session_id: UUID | None
    expires_at: datetime | None


def caller() -> Caller | None:
    """Who is calling, None where nobody says; read once a request.

    A key overrides any cookie. Raises KeyRefused, TooMany.
    """
    if "api_caller" not in g:
        if KEY_HEADER in request.headers:
            g.api_caller = _holder(request.headers[KEY_HEADER])
        else:
            g.api_caller = _signed_in()
    return cast("Caller | None", g.api_caller)


def demand(scope: str | None, permission: str | None) -> Caller:
    """The caller, if they may do this. Raises SignInRequired, NotAllowed, KeyRefused, TooMany."""
    asking = caller()
    if asking is None:
        raise SignInRequired(SIGN_IN)
    if scope is not None and asking.scopes is not None and scope not in asking.scopes:
        raise NotAllowed(f"This key does not have the scope {scope}.")
    if permission is not None and not asking.viewer.may(permission):
        raise NotAllowed(refusal(permission))
    return asking


def viewer() -> Viewer:
    """What the caller may do. Raises as `demand` does."""
    return demand(None, None).viewer


def _holder(key: str) -> Caller:
    holder = api_keys.holder_of(reader(), key)
    if holder is None:
        raise KeyRefused
    counted = rate_limits.count_key(holder.key_id, holder.requests_per_minute)
    g.api_counted = counted
    if counted is not None and not counted.passes:
        raise TooMany(
            f"This key may ask {counted.limit} times a minute. Wait, then try again.",
            min(max(1, counted.resets_at - int(time.time())), KEY_WINDOW_S),
        )
    if holder.note_use:
        api_keys.note_use(session(), holder.key_id)
        session().commit()
    return _caller_of(holder)


def _caller_of(holder: KeyHolder) -> Caller:
    return Caller(
        _viewer(holder.user_id, holder.groups),
        holder.name,
        holder.email,
        holder.image,
        holder.groups,
        holder.scopes,
        None,
        None,
    )


def _signed_in() -> Caller | None:
    person: Person | None = getattr(current_user, "person", None)
    if person is None:
        return None
    return Caller(
        _viewer(person.id, person.groups),
        person.name,
        person.email,
        person.image,
        person.groups,
        None,
        person.session_id,
        person.expires_at,
    )


def _viewer(user_id: UUID, groups: tuple[str, ...]) -> Viewer:
    rules = current_app.extensions["access_rules"]
    role = rules.role_of(groups)
    return Viewer(role, rules.permissions_of(role), user_id)


def tell_limit(response: Response) -> Response:
    """How much of its limit a key has left."""
    counted: Counted | None = g.get("api_counted")
    if counted is not None:
        response.headers["X-RateLimit-Limit"] = str(counted.limit)
        response.headers["X-RateLimit-Remaining"] = str(counted.remaining)
        response.headers["X-RateLimit-Reset"] = str(counted.resets_at)
    return response


def tell_by_what(response: Response) -> Response:
    """A cache must not take what one caller was told for what another is."""
    vary_by(response, KEY_HEADER, "Cookie")
    return response
