"""`make bench-scale`: what hot queries cost in small and in large tables."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import psycopg
import sqlalchemy as sa
from flask import Flask

from bench import growth
from bench.footprint import footprint
from bench.growth import FLAT, Crowd, Grown, Slice
from bench.scale import Scale, fill
from bench.servers import settings_for
from bench.world import migrated_app
from respondeo.db import db, session
from respondeo.embedded import EmbeddedPostgres

# Nothing has to outlive a crash while tables are filled; what is measured does.
LOADING = {
    "fsync": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "8GB",
    "autovacuum": "off",
    "shared_buffers": "1GB",
}
SERVING = {"shared_buffers": "1GB", "max_wal_size": "4GB"}


@click.command()
@click.option(
    "--sizes",
    default="10000,1000000,10000000",
    show_default=True,
    help="How many attempts, with commas; the first is what others are compared with.",
)
@click.option("--quizzes", default=100_000, show_default=True, help="How many are listed.")
@click.option("--rounds", default=5, show_default=True, help="How many slices of each task.")
@click.option("--seconds", default=0.3, show_default=True, help="How long each slice takes.")
@click.option("--only", default="", help="Only tasks that have this in their names.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Keep the databases here, and use again what is there. Otherwise they go at the end.",
)
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write figures here.")
def main(sizes: str, quizzes: int, folder: Path | None, file: Path | None, **how: Any) -> None:
    """Fill databases with few and with many attempts, and compare what the same things cost."""
    scales = [Scale(int(size), listed=quizzes) for size in sizes.split(",")]
    with _place(folder) as place:
        with EmbeddedPostgres(place, options=LOADING) as server:
            loads = [_load(server.url, scale) for scale in scales]
        os.sync()  # or writing what was loaded disturbs what is measured
        with EmbeddedPostgres(place, options=SERVING) as server:
            apps = [_app(_url(server.url, scale)) for scale in scales]
            crowds = [_crowd(app) for app in apps]
            exact = [_exact(app, crowd) for app, crowd in zip(apps, crowds, strict=True)]
            grown = growth.measure(apps, say, **how)
            footprints = [
                _footprint(app, crowd, scale)
                for app, crowd, scale in zip(apps, crowds, scales, strict=True)
            ]
            _let_go(apps)
    say("")
    print(table(grown, scales))
    print(f"\n{taken(loads, footprints)}")
    if file is not None:
        found = {
            "processors": os.cpu_count(),
            "quizzes": quizzes,
            "tasks": [_told(one) for one in grown],
            "loads": loads,
            "footprints": footprints,
            "ranks_are_exact": exact,
        }
        file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if not all(exact):
        raise click.ClickException("A rank is wrong.")
    if any(one.fault for one in grown):
        raise click.ClickException("A bound is missed.")


@contextmanager
def _place(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder / "postgres"
        return
    with TemporaryDirectory(prefix="respondeo-bench-") as temporary:
        yield Path(temporary) / "postgres"


def _name(scale: Scale) -> str:
    return f"scale_{scale.attempts}_{scale.listed}"


def _url(url: str, scale: Scale) -> str:
    return sa.make_url(url).set(database=_name(scale)).render_as_string(hide_password=False)


def _app(url: str) -> Flask:
    return migrated_app(settings_for(url, 1))


def _load(url: str, scale: Scale) -> dict[str, Any]:
    """Fill a database of this size unless it is there; what that took, in seconds.

    What it took is noted at the database, once it is full.
    """
    name = _name(scale)
    noted = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(noted, [name]).fetchone()
        if found and found[0]:
            took: dict[str, Any] = json.loads(found[0])
            return took
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(f"CREATE DATABASE {name}".encode())
        say(f"loading {scale.attempts:,} attempts")
        app = _app(_url(url, scale))
        with app.app_context():
            took = {"attempts": scale.attempts} | asdict(fill(session(), scale))
        _let_go([app])
        connection.execute(f"COMMENT ON DATABASE {name} IS '{json.dumps(took)}'".encode())
    return took


def _crowd(app: Flask) -> Crowd:
    with app.app_context():
        return growth.crowd_of(session())


def _exact(app: Flask, crowd: Crowd) -> bool:
    say("comparing ranks with those that counting gives")
    with app.app_context():
        return growth.ranks_are_exact(session(), crowd)


def _footprint(app: Flask, crowd: Crowd, scale: Scale) -> dict[str, Any]:
    say("measuring what attempts take")
    with app.app_context():
        return footprint(session(), crowd, scale.attempts)


def _let_go(apps: Sequence[Flask]) -> None:
    for app in apps:
        with app.app_context():
            db.engine.dispose()


def _told(grown: Grown) -> dict[str, Any]:
    return {
        "name": grown.task.name,
        "bound": grown.task.bound,
        "ms": [timed.quietest.ms for timed in grown.timed],
        "database_ms": [timed.quietest.database_ms for timed in grown.timed],
        "growth": grown.growth,
        "fault": grown.fault,
    }


def table(grown: Sequence[Grown], scales: Sequence[Scale]) -> str:
    """The times as lines of text, of the slices in which the machine had least else to do."""
    heads = "".join(f"{scale.attempts:>18,}" for scale in scales)
    lines = [
        "ms of a call (of them until the database answered), by how many attempts there are",
        "",
        f"{'':<30}{heads}{'×':>8}",
    ]
    for one in grown:
        cells = "".join(f"{_cell(timed.quietest):>18}" for timed in one.timed)
        said = one.fault.upper() if one.fault else "" if one.task.bound == FLAT else one.task.bound
        lines.append(f"{one.task.name:<30}{cells}{one.growth:>8.2f}  {said}".rstrip())
    return "\n".join(lines)


def _cell(quietest: Slice) -> str:
    return f"{quietest.ms:,.1f} ({quietest.database_ms:,.1f})"


def taken(loads: Sequence[dict[str, Any]], footprints: Sequence[dict[str, Any]]) -> str:
    """Space, log and time as lines of text."""
    rows = (
        ("loading: rows, s", [load["rows"] for load in loads]),
        ("loading: indexes, s", [load["indexes"] for load in loads]),
        ("loading: vacuum and analyse, s", [load["vacuum"] for load in loads]),
        ("database, MB", [one["database_bytes"] / 2**20 for one in footprints]),
        ("bytes an attempt", [one["bytes_per_attempt"] for one in footprints]),
        ("log: bytes an attempt", [one["log_bytes_per_attempt"] for one in footprints]),
        (
            "… just after a checkpoint",
            [one["log_bytes_per_attempt_after_a_checkpoint"] for one in footprints],
        ),
        ("vacuum of all four tables, s", [sum(one["vacuum_s"].values()) for one in footprints]),
    )
    heads = "".join(f"{one['attempts']:>18,}" for one in footprints)
    lines = [f"{'':<30}{heads}"]
    lines += [f"{name:<30}" + "".join(f"{n:>18,.1f}" for n in cells) for name, cells in rows]
    return "\n".join(lines)


def say(what: str) -> None:
    """Show on a terminal what is being done."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
