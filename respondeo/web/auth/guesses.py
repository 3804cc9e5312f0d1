"""How often a password may be guessed: by address, and by account whether it exists or not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import structlog
from flask import current_app

from respondeo.extensions import limiter

View = TypeVar("View", bound=Callable[..., object])

BY_ADDRESS = "60 per minute"
"""More than a server checks at once: a whole class may sign in from one address."""

BY_ACCOUNT = "20 per 15 minutes"
CHANGES = "10 per 15 minutes"


def limit_guesses(email: Callable[[], str]) -> Callable[[View], View]:
    """Count what the view does as a guess at the password of `email()`.

    It is counted before it is checked, so that guesses at the same time cannot outrun the limit;
    `was_no_guess` takes it back.
    """

    def decorate(view: View) -> View:
        by_account = limiter.shared_limit(
            BY_ACCOUNT, scope="password of an account", key_func=lambda: _unreadable(email())
        )
        by_address = limiter.shared_limit(BY_ADDRESS, scope="passwords from an address")
        return by_address(by_account(view))  # type: ignore[return-value]

    return decorate


def limit_own_guesses(person_id: Callable[[], UUID]) -> Callable[[View], View]:
    """Count what the view does as a guess of somebody's who is signed in at their own password.

    On a counter of its own: strangers who guess at the sign-in keep nobody from changing theirs.
    """

    def decorate(view: View) -> View:
        limited = limiter.shared_limit(
            CHANGES, scope="changes of a password", key_func=lambda: str(person_id())
        )
        return limited(view)  # type: ignore[return-value]

    return decorate


def was_no_guess() -> None:
    """Take this request's counts back: the password was right."""
    storage_errors = limiter.storage.base_exceptions
    for counted in limiter.current_limits:
        try:
            limiter.limiter.hit(counted.limit, *counted.request_args, cost=-1)
        except storage_errors:
            structlog.get_logger().warning("a right password stays counted as a guess")


def _unreadable(email: str) -> str:
    """A key for counting that tells nobody the address."""
    secret = str(current_app.config["SECRET_KEY"]).encode()
    key = hashlib.sha256(secret).digest()
    address = email.strip().lower().encode(errors="replace")
    return hashlib.blake2b(address, key=key, digest_size=16).hexdigest()
