"""`flask serve`: brings the database up to date and serves with gunicorn, in this process."""

import os
import socket

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade
from sqlalchemy.exc import OperationalError
from werkzeug.serving import is_running_from_reloader, run_simple

from respondeo.cli.demo import load_command
from respondeo.config import Settings
from respondeo.database_trouble import explain
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
        try:
            _prepare_database(demo)
        except OperationalError as error:
            raise _database_away(error) from error
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


def _prepare_database(demo: bool) -> None:
    upgrade()
    if demo:
        click.get_current_context().invoke(load_command)
    # A connection must not be shared by the workers that are forked next.
    db.engine.dispose()


def _database_away(error: OperationalError) -> click.ClickException:
    trouble = explain(error)
    said = str(error.orig).strip().splitlines()[0]
    if trouble is None:
        return click.ClickException(f"The database could not be brought up to date: {said}")
    return click.ClickException(f"{trouble.title}. Check DATABASE_URL.\nIt said: {said}")
