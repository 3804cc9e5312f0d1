"""Talking to a provider within bounds: a limited time, a limited size, no redirects."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import requests
import urllib3
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]

CONNECT_S, READ_S = 3.0, 5.0
LARGEST_BYTES = 1_000_000
_until: ContextVar[float | None] = ContextVar("until", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """All that is asked of a provider inside of this takes so long at most, taken together."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def _left() -> float:
    until = _until.get()
    return READ_S if until is None else until - time.monotonic()


class BoundedSession(OAuth2Session):  # type: ignore[misc]  # Authlib has no types
    """Authlib's session, which by itself would wait, read and follow redirects without end."""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        left = _left()
        if left <= 0:
            raise requests.Timeout("the time for this sign-in is over")
        kwargs |= {
            "allow_redirects": False,
            "stream": True,
            "timeout": (min(CONNECT_S, left), min(READ_S, left)),
        }
        response: requests.Response = super().request(method, url, *args, **kwargs)
        with response:
            _read(response, time.monotonic() + min(READ_S, left))
        if 300 <= response.status_code < 400:
            raise requests.TooManyRedirects(f"it answered {response.status_code}, a redirect")
        return response


def _read(response: requests.Response, until: float) -> None:
    """Take in the body piece by piece, as it comes, and no longer or more than is bearable."""
    body = bytearray()
    try:
        while piece := response.raw.read1(65_536, decode_content=True):
            body += piece
            if len(body) > LARGEST_BYTES:
                raise ValueError("its answer is too large")
            if time.monotonic() > until:
                raise requests.Timeout("its answer came too slowly")
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(f"its answer broke off: {error}") from error
    response._content = bytes(body)  # where requests keeps what it has read itself
    response._content_consumed = True  # type: ignore[attr-defined]
