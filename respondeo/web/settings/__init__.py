"""A person's own settings, and for admins people and access."""

from respondeo.web.settings import (  # noqa: F401
    access_rules,
    keys,
    people,
    profile,
    providers,
    security,
)
from respondeo.web.settings.bp import bp

__all__ = ["bp"]
