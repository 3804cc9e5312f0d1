"""`make bench`: measure the server beside a bare Flask application, then check query plans."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from bench import report
from bench.client import Unexpected
from bench.load import Target, measure
from bench.scenarios import Scenario, scenarios
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


@click.command()
@click.option("--seconds", default=1.0, show_default=True, help="How long each slice takes.")
@click.option("--rounds", default=3, show_default=True, help="How many slices of each scenario.")
@click.option("--players", default=16, show_default=True, help="How many people act at once.")
@click.option("--only", default="", help="Scenarios whose name has this in it.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write figures here.")
def main(seconds: float, rounds: int, players: int, only: str, file: Path | None) -> None:
    """Measure Respondeo beside a bare Flask application on the same server settings."""
    try:
        found = bench(seconds, rounds, players, only)
    except (Unexpected, Broken) as error:
        raise click.ClickException(str(error)) from error
    if file is not None:
        file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def bench(seconds: float, rounds: int, players: int, only: str) -> dict[str, Any]:
    """Start everything, measure, print; returns what was found."""
    with ExitStack() as stack:
        say("starting PostgreSQL, loading the demo")
        url = stack.enter_context(own_postgres())
        app_port, bare_port = free_port(), free_port()
        settings = settings_for(url, app_port)
        made = make_world(migrated_app(settings), PEOPLE + 8 * players)
        web = stack.enter_context(serving(RESPONDEO, settings, app_port))
        bare = stack.enter_context(serving(BARE, settings, bare_port))
        database = postmaster(url)
        targets = {False: Target(app_port, web, database), True: Target(bare_port, bare, database)}
        first, *rest = scenarios(
            made, f"http://127.0.0.1:{app_port}", f"http://127.0.0.1:{bare_port}"
        )

        def target_of(scenario: Scenario) -> Target:
            return targets[scenario.bare]

        found = measure(
            [first, *(scenario for scenario in rest if only in scenario.name)],
            target_of,
            players=players,
            rounds=rounds,
            seconds=seconds,
            progress=say,
        )
        say("")
        entries = report.figures(found)
        print(report.table(entries))
        return {
            "processors": os.cpu_count(),
            "workers": settings.web_concurrency,
            "threads": settings.web_threads,
            "players": players,
            "rounds": rounds,
            "seconds": seconds,
            "scenarios": entries,
        }


def say(what: str) -> None:
    """Show on a terminal what is being done."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
