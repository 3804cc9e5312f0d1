"""A person's own settings, and for admins people and access."""

from respondeo.web.settings import access_rules, people, profile, providers, security  # noqa: F401
from respondeo.web.settings.bp import bp

__all__ = ["bp"]
