"""The studio: all tables in a browser, to be read and never written, on this machine only.

A small application of its own, with Flask-Admin. Nothing can be changed because of three things,
each of which would do: no view offers it, no method but GET is answered, and PostgreSQL lets its
connections only read.
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask, render_template
from flask_admin import Admin, AdminIndexView, expose
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from respondeo.database_trouble import explain
from respondeo.db import abandon, db, init_read_only_db
from respondeo.studio import guard
from respondeo.studio.tables import TableView, counts, models

ROOT = Path(__file__).parents[2]


def create_studio(url: str, port: int, key: str) -> Flask:
    """The application for `http://127.0.0.1:<port>/?key=<key>`. `url` leads past any pooler."""
    app = Flask(
        __name__,
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
        static_url_path="/files",
    )
    app.config["SECRET_KEY"] = key
    init_read_only_db(app, url)
    guard.init_guard(app, port, key)
    for error in (DBAPIError, PoolTimeout):
        app.register_error_handler(error, _explained)
    admin = Admin(app, name="Respondeo studio", index_view=Overview(url="/"))
    for model in models():
        admin.add_view(TableView(model))
    return app


class Overview(AdminIndexView):  # type: ignore[misc]  # Flask-Admin tells mypy nothing
    """All tables, what each is for, and how much it holds."""

    @expose("/")  # type: ignore[untyped-decorator]
    def index(self) -> str:
        return str(self.render("studio/overview.html", counts=counts(db.session())))


def _explained(error: DBAPIError | PoolTimeout) -> tuple[str, int]:
    """The database is in trouble; or it was asked for something senseless by hand."""
    abandon()
    trouble = explain(error)
    said = str(getattr(error, "orig", error)).strip().splitlines()[0]
    page = render_template("studio/error.html", trouble=trouble, said=said)
    return page, 503 if trouble else 400
