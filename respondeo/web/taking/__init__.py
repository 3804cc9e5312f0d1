"""Taking a quiz: its page, playing it, the result."""

from respondeo.web.taking.views import bp

__all__ = ["bp"]
