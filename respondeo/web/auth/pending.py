"""Sign-ins that were begun in this browser: kept in Flask's signed cookie until they come back."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import Any

from flask import session as cookie

KEY = "sign_ins"
MOST = 4
MOST_BYTES = 2400  # signed and encoded that is some 3300, and browsers keep 4096
LONGEST_TARGET = 1200  # bytes as JSON
LASTS_S = 600


@dataclass(frozen=True, slots=True)
class Pending:
    """What the answer of the provider must fit, and the page that was wanted."""

    provider_id: str
    state: str
    nonce: str
    code_verifier: str
    target: str


def keep(pending: Pending) -> None:
    """Remember a sign-in; the oldest are forgotten where there are too many."""
    if len(json.dumps(pending.target)) > LONGEST_TARGET:
        pending = Pending(**(asdict(pending) | {"target": "/"}))
    kept = [*_all(), asdict(pending) | {"at": int(time.time())}][-MOST:]
    while len(json.dumps(kept)) > MOST_BYTES:
        kept = kept[1:]
    cookie[KEY] = kept


def take(provider_id: str, state: str) -> Pending | None:
    """The sign-in at this provider with this state, once; None where there is none."""
    kept = _all()
    found = [one for one in kept if one["state"] == state and one["provider_id"] == provider_id]
    left = [one for one in kept if one not in found]
    if left:
        cookie[KEY] = left
    else:
        cookie.pop(KEY, None)
    return next((Pending(**{k: v for k, v in one.items() if k != "at"}) for one in found), None)


def _all() -> list[dict[str, Any]]:
    return [one for one in cookie.get(KEY, []) if one["at"] > time.time() - LASTS_S]
