"""Writing quizzes: the editor, publication, pictures, preview, and what came of them."""

from respondeo.web.authoring import (  # noqa: F401
    editor,
    exchange,
    managing,
    pictures,
    preview,
    publication,
    statistics,
)
from respondeo.web.authoring.bp import bp

__all__ = ["bp"]
