"""`flask serve`: brings the database up to date and serves with gunicorn, in this process."""

import os
import socket

import click
import structlog
from flask import Flask, current_app
from flask.cli import with_appcontext
from werkzeug.serving import is_running_from_reloader, run_simple

from respondeo import migrating
from respondeo.cli.demo import load_command
from respondeo.config import Settings
from respondeo.db import db
from respondeo.serving import Server, address, is_handed_a_socket, share_metrics


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
        if not is_handed_a_socket():
            check_port(*address(settings), again="make demo" if demo else "make serve")
        if not reload:
            share_metrics()
        _prepare_database(app, demo)
    if reload:
        run_simple(*address(settings), app, threaded=True, use_reloader=True, use_debugger=True)
    else:
        Server(app, settings).run()


def check_port(host: str, port: int, *, again: str) -> None:
    """Fail early and plainly where gunicorn would retry and then give up."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"Port {port} cannot be used: {os.strerror(error.errno or 0)}.\n"
                f"Stop what uses it, or choose another one: PORT={port + 1} {again}"
            ) from error


def _log(sentence: str) -> None:
    structlog.get_logger().info("upgrade", told=sentence)


def _prepare_database(app: Flask, demo: bool) -> None:
    """Raises MigrationError, which says what is wrong with the database."""
    settings: Settings = app.extensions["settings"]
    migrating.upgrade(app, say=_log if settings.app_env == "production" else migrating.quiet)
    if demo:
        click.get_current_context().invoke(load_command)
    # A connection must not be shared by the workers that are forked next.
    db.engine.dispose()
