"""`flask serve`: brings the database up to date and serves with gunicorn, in this process."""

import os
import signal
import socket
from collections.abc import Callable
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker
from werkzeug.serving import is_running_from_reloader, run_simple

from respondeo import migrating
from respondeo.cli.demo import load_command
from respondeo.config import Settings
from respondeo.db import db


@click.command("serve")
@click.option("--demo", is_flag=True, help="Load the demo content first (make demo).")
@click.option("--reload", is_flag=True, help="Restart when a file changes (make run).")
@with_appcontext
def serve_command(demo: bool, reload: bool) -> None:
    """Upgrade the database, then serve until Ctrl-C: with gunicorn, or for development."""
    settings: Settings = current_app.extensions["settings"]
    if demo and settings.app_env != "demo":
        raise click.UsageError("The demo needs APP_ENV=demo. `make demo` sets it.")
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if not is_running_from_reloader():
        check_port(*address(settings), again="make demo" if demo else "make serve")
        _prepare_database(app, demo)
    if reload:
        run_simple(*address(settings), app, threaded=True, use_reloader=True, use_debugger=True)
    else:
        Server(app, settings).run()


def address(settings: Settings) -> tuple[str, int]:
    """Where to listen: everywhere in production, else on this machine only."""
    host = "0.0.0.0" if settings.app_env == "production" else "127.0.0.1"  # noqa: S104 - meant
    return host, settings.port


def check_port(host: str, port: int, *, again: str) -> None:
    """Fail early and plainly where gunicorn would retry and then give up."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"Port {port} cannot be used: {os.strerror(error.errno or 0)}.\n"
                f"Stop what uses it, or choose another one: PORT={port + 1} {again}"
            ) from error


def _prepare_database(app: Flask, demo: bool) -> None:
    """Raises MigrationError, which says what is wrong with the database."""
    settings: Settings = app.extensions["settings"]
    migrating.upgrade(app, say=click.echo if settings.app_env == "production" else migrating.quiet)
    if demo:
        click.get_current_context().invoke(load_command)
    # A connection must not be shared by the workers that are forked next.
    db.engine.dispose()


class Server(BaseApplication):
    """gunicorn with our settings.

    The workers are forked with the application as it stands here: that starts them at once, and
    they use the embedded server that this process holds.
    """

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in gunicorn_settings(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:  # gunicorn's types know no Flask
        return self._app


def gunicorn_settings(settings: Settings) -> dict[str, Any]:
    """How gunicorn serves Respondeo, here and in the benchmarks."""
    host, port = address(settings)
    quiet = settings.app_env != "production"
    return {
        "bind": f"{host}:{port}",
        "worker_class": "gthread",
        "workers": settings.web_concurrency,
        "threads": settings.web_threads,
        "graceful_timeout": 30,
        "keepalive": 5,
        "control_socket_disable": True,
        # APP_URL decides the scheme, and respondeo/security.py who is a proxy: never gunicorn.
        "secure_scheme_headers": {},
        "forwarded_allow_ips": "",
        "loglevel": "error" if quiet else settings.log_level.lower(),
        "when_ready": _stop_with_the_terminal if quiet else _nothing,
        "post_worker_init": _announcer(settings),
    }


def _stop_with_the_terminal(server: Arbiter) -> None:
    """A closed terminal ends the demo; gunicorn would reload and stay."""
    signal.signal(signal.SIGHUP, lambda *_: server.signal(signal.SIGTERM, None))


def _nothing(server: Arbiter) -> None:
    """In production a hang-up reloads the workers, as everywhere with gunicorn."""


def _announcer(settings: Settings) -> Callable[[Worker], None]:
    """Says that we run when the first worker does: not before it is true."""

    def announce(worker: Worker) -> None:
        if worker.age == 1:
            click.echo(f"\nRespondeo is running at {settings.app_url}\n{_NEXT[settings.app_env]}\n")

    return announce


_NEXT = {
    "demo": "Open it, choose “Sign in” and pick a demo person. Stop with Ctrl-C; your data stays in"
    " instance/.",
    "development": "Stop with Ctrl-C; your data stays in instance/.",
    "production": "Stop with Ctrl-C.",
}
