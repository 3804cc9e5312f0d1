"""The commands of Dockerfile and compose.yaml, each run as it is written, in its own folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from tests.cli.test_serve import wait_for
from tests.conftest import run_on_server, url_of
from tests.dockerfile import ROOT, stages
from tests.ports import free_port
from tests.test_container import SERVICES


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """The folder /app of the image, built by the Dockerfile's own steps; nobody may write there."""
    builder, _ = stages()
    with TemporaryDirectory(prefix="respondeo-image-", dir="/tmp") as folder:
        app = Path(folder) / "app"
        app.mkdir()
        # The image's python is on the PATH by this name.
        (Path(folder) / "bin").mkdir()
        (Path(folder) / "bin/python").symlink_to(Path(sys.executable).resolve())
        path = f"{folder}/bin:{os.environ['PATH']}"
        for one in builder.instructions:
            if one.word == "COPY":
                copy(one.rest.split(), app)
            elif one.word == "RUN":
                environment = {**os.environ, "PATH": path}
                subprocess.run(["sh", "-c", one.rest], cwd=app, check=True, env=environment)
        Path(folder).chmod(0o755)
        subprocess.run(["chmod", "-R", "a-w,a+rX", app], check=True)
        yield app
        subprocess.run(["chmod", "-R", "u+w", app], check=True)


def copy(words: list[str], app: Path) -> None:
    """COPY, with what .dockerignore leaves out left out."""
    *sources, target = words
    for source in sources:
        into = app / target / source if target.endswith("/") else app / target
        into.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.py[cod]", "*.br", "*.gz")
            shutil.copytree(ROOT / source, into, ignore=ignored)
        else:
            shutil.copy(ROOT / source, into)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    name = f"container_{os.getpid()}"
    run_on_server(f"CREATE DATABASE {name}")
    yield url_of(name, turned=False)
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


def environment(image: Path, database: str, port: int) -> dict[str, str]:
    """What the image and compose.yaml set, with a database and a port that this machine has."""
    *_, result = stages()
    own = {name: value.replace("/app", str(image)) for name, value in result.environment.items()}
    own["PATH"] = own["PATH"].replace("$PATH", os.environ["PATH"])
    compose = {name: str(value) for name, value in SERVICES["web"]["environment"].items()}
    return (
        own
        | compose
        | {
            "APP_URL": "https://quiz.example.org",
            "SECRET_KEY": "of the test, long enough: 0123456789",
            "DATABASE_URL": database,
            "PORT": str(port),
            "VALKEY_URL": "",
            "WEB_HOST": "127.0.0.1",
        }
    )


def start(command: list[str], image: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A command in the image, where nobody may write: not even root, to whom it is mounted so."""
    read_only = 'mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" && exec "$@"'
    before = ["unshare", "--mount", "sh", "-c", read_only, "sh"] if os.geteuid() == 0 else []
    return subprocess.Popen([*before, *command], cwd=image, env=environment)


def test_the_builder_leaves_what_runs_and_no_more(image: Path) -> None:
    assert (image / "venv/bin/flask").exists()
    assert not (image / "venv/bin/pip").exists()
    assert (image / "static/css/app.css.br").exists()
    assert list((image / "respondeo").rglob("*.pyc"))
    assert not (image / "tests").exists()
    assert not (image / ".env").exists()


def test_compose_s_commands_upgrade_serve_and_stop(image: Path, database: str) -> None:
    port = free_port()
    variables = environment(image, database, port)
    assert start(SERVICES["migrate"]["command"], image, variables).wait(120) == 0
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    web = start(SERVICES["web"]["command"], image, variables)
    try:
        *_, result = stages()
        check = result.one("HEALTHCHECK").command
        # A proxy for what goes out, as Docker sets one for every container, is not for this.
        proxy = {"HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"}
        wait_for(lambda: start(check, image, variables | proxy).wait(10) == 0)
        ready = urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5)
        assert ready.read() == b"ready\n"
        style = urllib.request.Request(
            f"http://127.0.0.1:{port}/static/css/app.css",
            headers={"Accept-Encoding": "br", "Host": "quiz.example.org"},
        )
        with urllib.request.urlopen(style, timeout=5) as answer:  # noqa: S310 - our own
            assert answer.headers["Content-Encoding"] == "br"
        write = start(["python", "-c", "open('static/new', 'w')"], image, variables)
        assert write.wait(10) == 1
    finally:
        web.send_signal(signal.SIGTERM)
        assert web.wait(60) == 0
    assert start(check, image, variables).wait(10) != 0
