"""The Flask extensions: made here, bound in `create_app`."""

from __future__ import annotations

from collections.abc import Mapping
from os import stat_result
from pathlib import Path
from wsgiref.headers import Headers

from flask import Flask, Response, request
from flask_compress import Compress
from flask_limiter import Limiter
from flask_login import LoginManager
from flask_migrate import Migrate
from whitenoise import WhiteNoise
from whitenoise.responders import StaticFile

from respondeo import precompress
from respondeo.config import Settings
from respondeo.db import db, init_db, parse_url
from respondeo.precompress import STATIC
from respondeo.rate_limits import make_room_to_count, network_of, postgres


def whose_address() -> str:
    """Who counts as one, asked just before it is counted; see `make_room_to_count`."""
    make_room_to_count()
    return network_of(request.remote_addr)


class LimiterOfViews(Limiter):
    """Our limits stand on the views that they limit: before and after all others nothing is done,
    which costs a fifth of a request that does nothing. So there are no default limits, none that
    count by the answer, and no headers."""

    def init_app(self, app: Flask) -> None:
        """Bind it as if its functions were among those that each request calls."""
        app.extensions.setdefault("limiter", set()).add(self)
        super().init_app(app)


class LoginByRow(LoginManager):  # type: ignore[misc]  # it has no types
    """Who is signed in says a row of ours that the request names. Neither Flask's session nor a
    cookie of Flask-Login's own is asked, which we do not have."""

    def init_app(self, app: Flask) -> None:
        """Bind it without a function that renews such a cookie after each request."""
        app.login_manager = self  # type: ignore[attr-defined]

    def _load_user(self) -> None:
        self._update_request_context_with_user(self._load_user_from_request(request))


class CompressRest(Compress):
    """Compresses what was not sent compressed already."""

    def after_request(self, response: Response | None) -> Response:
        """The response, compressed where it is worth it; see Flask-Compress."""
        if response is not None and "Content-Encoding" in response.headers:
            return response
        return super().after_request(response)


compress = CompressRest()
limiter = LimiterOfViews(key_func=whose_address)
login_manager = LoginByRow()
migrate = Migrate()


def init_extensions(app: Flask, settings: Settings) -> None:
    """Bind the database, migrations, sign-in, limits, compression and static files."""
    init_db(app, app.config["DATABASE_URL"], connections=settings.web_threads)
    migrate.init_app(app, db, directory=str(Path(app.root_path).parent / "migrations"))
    login_manager.init_app(app)
    app.config.from_mapping(
        RATELIMIT_STORAGE_URI=_counters(app, settings),
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
        RATELIMIT_HEADERS_ENABLED=False,
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_BR_LEVEL=1,  # a page is a seventh larger than by 4, and costs a fifth less
        COMPRESS_EVALUATE_CONDITIONAL_REQUEST=False,  # whoever sets a tag looks at it
        COMPRESS_MIN_SIZE=500,
        COMPRESS_MIMETYPES=["text/html", "image/svg+xml", "application/json"],
    )
    limiter.init_app(app)
    app.extensions["key_limits"] = limiter.storage  # this application's, whichever is made next
    compress.init_app(app)
    # Pages ask for static files by a name that changes with their content, so browsers may keep
    # them for good.
    development = app.debug
    if not development:
        precompress.compress(STATIC)
    app.wsgi_app = StaticFiles(  # type: ignore[method-assign]
        app.wsgi_app,
        root=STATIC,
        prefix="static/",
        autorefresh=development,
        add_headers_function=_refresh if development else None,
        immutable_file_test=lambda _path, _url: not development,
    )


class StaticFiles(WhiteNoise):  # type: ignore[misc]  # it has no types
    """Static files. A copy that is of an older file is taken for none: its name promises the new
    one, for good."""

    def get_static_file(
        self, path: str, url: str, stat_cache: Mapping[str, stat_result] | None = None
    ) -> StaticFile:
        if stat_cache is not None:
            found = stat_cache[path]
            near = {name: stat_cache.get(path + name) for name in ("", ".br", ".gz")}
            stat_cache = {
                path + name: copy
                for name, copy in near.items()
                if copy is not None and precompress.is_of(copy, found)
            }
        return super().get_static_file(path, url, stat_cache=stat_cache)


def _counters(app: Flask, settings: Settings) -> str:
    """Where limits are counted: in Valkey where it has an address, else in PostgreSQL."""
    if settings.valkey_url is not None:
        from respondeo.rate_limits import valkey

        return valkey.share_server(settings.valkey_url, threads=settings.web_threads)
    with app.app_context():
        _, pooled = parse_url(app.config["DATABASE_URL"])
        return postgres.share_engine(db.engine, pooled=pooled)


def _refresh(_headers: Headers, path: str, _url: str) -> None:
    """In development a file may have changed since its compressed copies were made."""
    precompress.refresh(Path(path))
