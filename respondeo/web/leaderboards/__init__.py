"""The boards."""

from respondeo.web.leaderboards.views import bp

__all__ = ["bp"]
