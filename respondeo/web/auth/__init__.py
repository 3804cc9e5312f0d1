"""Signing in and out."""

from respondeo.web.auth.views import bp

__all__ = ["bp"]
