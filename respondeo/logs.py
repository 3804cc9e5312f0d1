"""Logs: one line of JSON per event in production, readable lines elsewhere. Never a secret, and
nothing about a person: respondeo/observing.py says what of a request is logged."""

from __future__ import annotations

import json
import logging
import re
from contextvars import ContextVar

import structlog
from gunicorn.config import Config
from gunicorn.glogging import Logger
from structlog.typing import EventDict, WrappedLogger

from respondeo.config import Settings

# What PostgreSQL adds to an error quotes the row: an e-mail, a name.
_DETAIL = re.compile(
    r"DETAIL:.*?(?=\n\[SQL:|\nCONTEXT:|\nHINT:|\n\n(?:The above|During)|\Z)", re.DOTALL
)
_QUERY = re.compile(r"\?\S*")
_INVALID = "Invalid request"
_FIRST = ("timestamp", "level", "event")

answering: ContextVar[str | None] = ContextVar("answering", default=None)
"""The reference of the request that is being answered; every line has it."""


def init_logs(settings: Settings) -> None:
    """Configure structlog, through which everything is logged."""
    production = settings.app_env == "production"
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            in_order,
            structlog.processors.format_exc_info,
            discreet,
            as_json if production else structlog.dev.ConsoleRenderer(colors=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[settings.log_level if production else "WARNING"]
        ),
        # A line is one write: two would mix with those of other workers.
        logger_factory=structlog.WriteLoggerFactory(),
        cache_logger_on_first_use=True,
    )


def in_order(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """What one reads first stands first: when, how bad, what, and in which request."""
    line = {name: event.pop(name) for name in _FIRST}
    reference = answering.get()
    if reference is not None:
        line["reference"] = reference
    return line | dict(event)


def discreet(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take out what others put into their messages about people: rows, addresses, queries."""
    if "exception" in event:
        event["exception"] = _DETAIL.sub("DETAIL: (not logged)", event["exception"])
    if event.get("logger") == GunicornLog.NAME:
        said = str(event["event"])
        if said.startswith(_INVALID):
            # Not HTTP: it never became a request. gunicorn quotes it, and names the address.
            event.pop("reference", None)
            said = _INVALID
        event["event"] = _QUERY.sub("", said)
    return event


_encode = json.JSONEncoder(default=repr).encode  # made once, not for each line


def as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """The line."""
    return _encode(event)


class Passing(logging.Handler):
    """Passes on what libraries log, so that it has the same form as everything."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info
        )


class GunicornLog(Logger):
    """gunicorn's log, passed on likewise. It writes no access log: every request has its line."""

    NAME = "gunicorn.error"

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        take_in_libraries()

    def _set_handler(self, log: logging.Logger, *_args: object, **_how: object) -> None:
        log.handlers = [Passing()]


def take_in_libraries() -> None:
    """From now on, warnings of libraries are lines like ours."""
    logging.basicConfig(handlers=[Passing()], level=logging.WARNING)
