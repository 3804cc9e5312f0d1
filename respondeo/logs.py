"""Logs: one line of JSON per event in production, readable lines elsewhere. Never a secret."""

from __future__ import annotations

import logging
import time

import structlog
from flask import Flask, Response, g, request

from respondeo.config import Settings


def init_logs(app: Flask, settings: Settings) -> None:
    """Configure structlog, and log every request without its query or its form."""
    production = settings.app_env == "production"
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer()
            if production
            else structlog.dev.ConsoleRenderer(colors=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[settings.log_level if production else "WARNING"]
        ),
        cache_logger_on_first_use=True,
    )

    @app.before_request
    def note_the_time() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def log_request(response: Response) -> Response:
        took = time.perf_counter() - g.get("started", time.perf_counter())
        structlog.get_logger().info(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            ms=round(took * 1000, 1),
        )
        return response
