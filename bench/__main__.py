"""`make bench`: measure the server beside a bare Flask application, then check query plans."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import psycopg
import sqlalchemy as sa

from bench import plans, report
from bench.client import Unexpected
from bench.load import Target, measure
from bench.scenarios import scenarios
from bench.servers import (
    BARE,
    RESPONDEO,
    Broken,
    free_port,
    own_postgres,
    postmaster,
    serving,
    settings_for,
)
from bench.world import make_world, migrated_app

PEOPLE = 600
FEW_ATTEMPTS = 10_000


@click.command()
@click.option(
    "--part", type=click.Choice(["all", "load", "plans"]), default="all", help="What to do."
)
@click.option("--seconds", default=1.0, show_default=True, help="How long each slice takes.")
@click.option("--rounds", default=3, show_default=True, help="How many slices of each scenario.")
@click.option("--players", default=16, show_default=True, help="How many people act at once.")
@click.option("--only", default="", help="Only scenarios that have this in their names.")
@click.option("--attempts", default=200_000, show_default=True, help="How many, for the plans.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write figures here.")
def main(file: Path | None, part: str, attempts: int, **how: Any) -> None:
    """Measure Respondeo beside a bare Flask application, then check query plans at scale."""
    found: dict[str, Any] = {}
    try:
        with own_postgres() as url:
            if part != "plans":
                found["load"] = run_load(database(url, "load"), **how)
            if part != "load":
                found["plans"] = run_plans(database(url, "plans"), attempts)
    except (Unexpected, Broken) as error:
        raise click.ClickException(str(error)) from error
    if file is not None:
        file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if any(one["fault"] for one in found.get("plans", ())):
        raise click.ClickException("Hot queries read too much.")


def database(url: str, name: str) -> str:
    """A new database on the server; its address."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return sa.make_url(url).set(database=name).render_as_string(hide_password=False)


def run_load(url: str, seconds: float, rounds: int, players: int, only: str) -> dict[str, Any]:
    """Start both servers, measure, print; returns what was found."""
    say("loading the demo")
    app_port, bare_port = free_port(), free_port()
    settings = settings_for(url, app_port)
    made = make_world(migrated_app(settings), PEOPLE + 8 * players)
    with ExitStack() as stack:
        say("starting the servers")
        web = stack.enter_context(serving(RESPONDEO, settings, app_port))
        bare = stack.enter_context(serving(BARE, settings, bare_port))
        backends = postmaster(url)
        targets = {False: Target(app_port, web, backends), True: Target(bare_port, bare, backends)}
        first, *rest = scenarios(
            made, f"http://127.0.0.1:{app_port}", f"http://127.0.0.1:{bare_port}"
        )
        measured = measure(
            [first, *(scenario for scenario in rest if only in scenario.name)],
            lambda scenario: targets[scenario.bare],
            players=players,
            rounds=rounds,
            seconds=seconds,
            progress=say,
        )
    say("")
    conditions = {
        "processors": os.cpu_count(),
        "workers": settings.web_concurrency,
        "threads": settings.web_threads,
        "players": players,
        "rounds": rounds,
        "seconds": seconds,
    }
    entries = report.figures(measured)
    print(report.heading(conditions, entries))
    print(report.table(entries))
    return conditions | {"scenarios": entries}


def run_plans(url: str, attempts: int) -> list[dict[str, Any]]:
    """Check the plans of hot queries, print; returns what was found."""
    app = migrated_app(settings_for(url, free_port()))
    found = plans.check(app, FEW_ATTEMPTS, attempts, say)
    say("")
    print(f"\n{plans.table(found, FEW_ATTEMPTS, attempts)}")
    return [
        {
            "name": one.case.name,
            "queries": one.large.statements,
            "pages_small": one.small.pages,
            "pages_large": one.large.pages,
            "indexes": sorted(one.large.indexes),
            "fault": one.fault,
        }
        for one in found
    ]


def say(what: str) -> None:
    """Show on a terminal what is being done."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
