"""`flask db studio`: all tables in a browser, read-only, on this machine only."""

from __future__ import annotations

import secrets
import socket

import click
from flask import current_app
from flask.cli import with_appcontext
from werkzeug.serving import WSGIRequestHandler, make_server

from respondeo.cli.database.connecting import connected

HOST = "127.0.0.1"


@click.command("studio")
@click.option("--port", default=8001, type=click.IntRange(1, 65535), show_default=True)
@with_appcontext
def studio_command(port: int) -> None:
    """Look into all tables in a browser on this machine. Nothing can be changed.

    Passwords, keys and tokens are not shown.
    """
    from respondeo.studio import create_studio

    with connected():
        pass  # what is wrong with the connection is said here, not on a page
    key = secrets.token_urlsafe(24)
    studio = create_studio(current_app.config["DATABASE_DIRECT_URL"], port, key)
    with _listening(port) as listener:
        server = make_server(
            HOST, port, studio, threaded=True, request_handler=Quiet, fd=listener.fileno()
        )
        click.echo(f"Open http://{HOST}:{port}/?key={key}\nStop with Ctrl-C.")
        server.serve_forever()
    click.echo("Stopped.")


class Quiet(WSGIRequestHandler):
    """Logs no requests: the first one has the key in its address."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise click.ClickException(
            f"Port {port} cannot be used: {error.strerror}.\n"
            f"Choose another one: flask db studio --port {port + 1}"
        ) from error
