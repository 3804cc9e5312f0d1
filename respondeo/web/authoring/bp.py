"""The blueprint that the authors' pages share; each page has a module of its own."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("authoring", __name__, url_prefix="/quiz")
