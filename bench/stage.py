"""A filled database and the servers on it, for as long as they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import sqlalchemy as sa

from bench.servers import (
    BARE,
    RESPONDEO,
    Target,
    free_port,
    postmaster,
    serving,
    settings_for,
)
from bench.world import World, make_world, migrated_app
from respondeo.config import Settings


@dataclass(frozen=True, slots=True)
class Stage:
    """What is under load. bare: None where nothing is compared with it."""

    world: World
    settings: Settings
    app: Target
    bare: Target | None


def new_database(url: str, name: str) -> str:
    """A new database on the server; its address."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return sa.make_url(url).set(database=name).render_as_string(hide_password=False)


@contextmanager
def filled(url: str, *, others: int = 0, **changes: int) -> Iterator[tuple[World, Settings]]:
    """A filled database of its own on this server, and settings for it.

    others: people besides the players.
    """
    with TemporaryDirectory(prefix="respondeo-bench-") as folder:
        settings = settings_for(new_database(url, f"world_{free_port()}"), free_port(), **changes)
        yield make_world(migrated_app(settings), Path(folder), others), settings


@contextmanager
def stage(url: str, *, others: int = 0, bare: bool = False, **changes: int) -> Iterator[Stage]:
    """The same, served. bare: beside it a bare Flask application, on the same settings."""
    with ExitStack() as stack:
        world, settings = stack.enter_context(filled(url, others=others, **changes))
        app = stack.enter_context(target(RESPONDEO, settings, settings.port))
        beside = stack.enter_context(target(BARE, settings, free_port())) if bare else None
        yield Stage(world, settings, app, beside)


@contextmanager
def target(program: Sequence[str], settings: Settings, port: int) -> Iterator[Target]:
    """A server on these settings' database."""
    with serving(program, settings, port) as (process, log):
        backends = postmaster(str(settings.database_url))
        yield Target(f"http://127.0.0.1:{port}", process, log, backends)
