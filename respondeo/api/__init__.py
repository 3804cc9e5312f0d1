"""The REST API: JSON at `/api`, by the same services as the pages. docs/api.md is its guide."""

from __future__ import annotations

from flask import Flask


def init_api(app: Flask) -> None:
    """Register the operations and the document that describes them."""
    from respondeo.api import attempts, docs, endpoints, leaderboards, quizzes, session

    for module in (quizzes, attempts, leaderboards, session):
        assert module.__name__  # each adds its operations to the blueprint
    app.register_blueprint(endpoints.bp)
    app.register_blueprint(docs.bp)
