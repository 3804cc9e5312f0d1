"""The blueprint that the settings pages share; each page has a module of its own."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("settings", __name__, url_prefix="/settings")
