"""What the API answers with: made from a model, and kept where the model has a name."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import brotli
from pydantic import BaseModel
from werkzeug.http import generate_etag

from respondeo.kept import Kept

MOST = 16_000_000  # bytes
WORTH_COMPRESSING = 500  # bytes; as for pages


@dataclass(slots=True)
class Body:
    """The bytes of an answer, its tag, and the same bytes compressed for whoever asks."""

    data: bytes
    tag: str
    compressed: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, model: BaseModel | None) -> Body:
        """The answer that says this; None says null."""
        data = model.model_dump_json(by_alias=True).encode() if model is not None else b"null"
        return cls(data, generate_etag(data))

    def encoded(self, encoding: str) -> bytes:
        """As `br` or `gzip`."""
        if encoding not in self.compressed:
            self.compressed[encoding] = (
                brotli.compress(self.data, quality=4)
                if encoding == "br"
                else gzip.compress(self.data, 6, mtime=0)
            )
        return self.compressed[encoding]


_bodies: Kept[Body] = Kept(MOST, size=lambda body: 2 * len(body.data) + 200)


def body(name: Hashable | None, make: Callable[[], BaseModel]) -> Body:
    """The answer that `make` makes of what has this name; None is not kept."""
    return _bodies.made(name, lambda: Body.of(make()))
