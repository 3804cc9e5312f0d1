"""Sending files as a form does."""

from __future__ import annotations

import io
from typing import Any

from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

from tests.client import SAME_ORIGIN, Client


def send(
    client: Client,
    path: str,
    *files: bytes,
    name: str = "me.png",
    htmx: bool = False,
    **fields: Any,
) -> TestResponse:
    """Send files in a field that is called `picture`."""
    pictures = [("picture", FileStorage(io.BytesIO(data), name)) for data in files]
    boundary, body = encode_multipart(MultiDict([*fields.items(), *pictures]))
    return client.open(
        path,
        method="POST",
        data=body,
        content_type=f"multipart/form-data; boundary={boundary}",
        headers=SAME_ORIGIN | ({"HX-Request": "true"} if htmx else {}),
    )
