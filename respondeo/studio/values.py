"""Values of a row as people read them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from markupsafe import Markup

LONGEST = 80  # characters of a value in a list


def shown(value: object, *, short: bool) -> Markup:
    """The value, safe to be put into a page; in a list cut to what fits."""
    if value is None:
        return Markup('<span class="muted">null</span>')
    if isinstance(value, UUID):
        return _uuid(value, short=short)
    text = _text(value, short=short)
    if short and len(text) > LONGEST:
        text = f"{text[:LONGEST]}…"
    return Markup('<bdi class="{}">{}</bdi>').format("" if isinstance(value, str) else "code", text)


def _uuid(value: UUID, *, short: bool) -> Markup:
    """By their beginnings they would look alike: those are times."""
    if not short:
        return Markup('<span class="code">{}</span>').format(value)
    return Markup('<span class="code" title="{}">…{}</span>').format(value, str(value)[-12:])


def _text(value: Any, *, short: bool) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds" if short else "microseconds")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, indent=None if short else 2)
    return str(value)
