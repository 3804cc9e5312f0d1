"""Who may look: whoever was told the key, in a browser on this machine, by reading only."""

from __future__ import annotations

import hmac

from flask import Flask, Response, abort, redirect, request
from werkzeug.wrappers import Response as AnyResponse

COOKIE = "respondeo_studio"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def init_guard(app: Flask, port: int, key: str) -> None:
    """Guard every request.

    The key keeps out the other people of this machine, who reach its loopback too; the name of the
    host keeps out pages of other sites whose name was made to lead here.
    """
    app.config.from_mapping(
        MAX_CONTENT_LENGTH=0,
        SESSION_COOKIE_NAME=f"{COOKIE}_session",
        SESSION_COOKIE_SAMESITE="Strict",
    )
    names = {f"127.0.0.1:{port}", f"localhost:{port}"}

    @app.before_request
    def keep_others_out() -> AnyResponse | None:
        if request.headers.get("Host") not in names:
            abort(400, "The studio answers on this machine only.")
        if request.method not in {"GET", "HEAD"}:
            abort(405, "The studio changes nothing.")
        if any("\0" in value for value in request.args.values()):
            abort(400, "No text in PostgreSQL holds a NUL.")
        if _same(request.args.get("key", ""), key):
            return _remembering(key)
        if not _same(request.cookies.get(COOKIE, ""), key):
            abort(403, "Open the address that `flask db studio` shows at its start.")
        return None

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response


def _remembering(key: str) -> AnyResponse:
    """Out of the address at once: addresses are kept and shown."""
    response = redirect(request.path)
    response.set_cookie(COOKIE, key, httponly=True, samesite="Strict")
    return response


def _same(said: str, key: str) -> bool:
    return hmac.compare_digest(said.encode(), key.encode())
