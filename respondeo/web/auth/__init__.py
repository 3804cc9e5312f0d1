"""Signing in and out."""

from respondeo.web.auth import local, oidc  # noqa: F401
from respondeo.web.auth.views import bp

__all__ = ["bp"]
