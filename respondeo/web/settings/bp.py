"""The blueprint that the settings pages share; each page has a module of its own."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, request

bp = Blueprint("settings", __name__, url_prefix="/settings")


def done(sentences: Mapping[str, str]) -> str | None:
    """What was just done, by `?done=`: only sentences of ours are shown."""
    return sentences.get(request.args.get("done", ""))
