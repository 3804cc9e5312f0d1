"""Writing quizzes: the editor, publication, pictures, preview, and what came of them."""

from respondeo.web.authoring import exchange, managing, pictures, publication  # noqa: F401
from respondeo.web.authoring.bp import bp

__all__ = ["bp"]
