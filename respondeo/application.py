"""The Flask application, with what all of it shares."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import Flask


class Application(Flask):
    """Flask, which remembers addresses: they depend on nothing but what they are made of."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._address_of = lru_cache(20_000)(self._address)

    def url_for(self, endpoint: str, **values: Any) -> str:
        """The path of an endpoint with these values; see Flask."""
        if endpoint.startswith("."):  # depends on the request
            return super().url_for(endpoint, **values)
        return self._address_of(endpoint, *values.items())

    def _address(self, endpoint: str, *values: tuple[str, Any]) -> str:
        return super().url_for(endpoint, **dict(values))
