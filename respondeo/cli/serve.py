"""`flask serve`: brings the database up to date and serves with gunicorn, in this process."""

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from respondeo import embedded
from respondeo.config import Settings

BACKLOG = 2048


@click.command("serve")
@click.option("--demo", is_flag=True, help="Load the demo content first (make demo).")
@with_appcontext
def serve_command(demo: bool) -> None:
    """Upgrade the database, then serve with gunicorn until Ctrl-C."""
    settings = Settings.load(Path(current_app.instance_path))
    if demo and settings.app_env != "demo":
        raise click.UsageError("The demo needs APP_ENV=demo. `make demo` sets it.")
    check_port(*address(settings))
    if settings.database_url is None:
        # The workers, and whatever they start, find the server that this process holds.
        os.environ["DATABASE_URL"] = embedded.ensure(Path(current_app.instance_path))
    _prepare_database(demo)
    Server(settings).run()


def address(settings: Settings) -> tuple[str, int]:
    """Where to listen: everywhere in production, else on this machine only."""
    host = "0.0.0.0" if settings.app_env == "production" else "127.0.0.1"  # noqa: S104 - meant
    return host, settings.port


def check_port(host: str, port: int) -> None:
    """Fail early and plainly where gunicorn would retry and then give up."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"Port {port} cannot be used: {os.strerror(error.errno or 0)}.\n"
                f"Stop what uses it, or choose another one: PORT={port + 1} make demo"
            ) from error


def _prepare_database(demo: bool) -> None:
    from flask_migrate import upgrade

    from respondeo.db import db

    upgrade()
    if demo:
        context = click.get_current_context()
        group = current_app.cli.commands["demo"]
        assert isinstance(group, click.Group)
        context.invoke(group.commands["load"])
    # A connection must not be shared with the workers that are forked next.
    db.engine.dispose()


class Server(BaseApplication):
    """gunicorn with our settings; each worker makes its own application."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in gunicorn_settings(self.settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:  # a Flask; gunicorn's types know no WSGI application
        from respondeo import create_app

        return create_app()


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
        "loglevel": "warning" if quiet else settings.log_level.lower(),
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
