"""The measure: a bare Flask application, on the same server settings as Respondeo."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from respondeo.config import Settings
from respondeo.db import parse_url
from respondeo.serving import Server

PAGE = """<!DOCTYPE html>
<html lang="en">
  <head><meta charset="utf-8"><title>Bare</title></head>
  <body><h1>A page</h1><p>That is always the same.</p></body>
</html>
"""


def create_bare_app(settings: Settings) -> Flask:
    """A page that is always the same, and one question to the database; and whether it runs."""
    app = Flask(__name__, static_folder=None)
    assert settings.database_url is not None
    url, _ = parse_url(settings.database_url)
    engine = sa.create_engine(url, pool_size=settings.web_threads)

    @app.get("/")
    def page() -> str:
        return PAGE

    @app.get("/database")
    def database() -> str:
        with engine.connect() as connection:
            connection.scalar(sa.text("SELECT 1"))
        return ""

    @app.get("/healthz")
    def healthz() -> str:
        return ""

    return app


if __name__ == "__main__":
    found = Settings.load(Path("instance"))
    Server(create_bare_app(found), found).run()
