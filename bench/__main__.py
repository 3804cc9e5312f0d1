"""`make bench`: measure the server beside a bare Flask application, then check query plans."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import psycopg
import sqlalchemy as sa

from bench import k6, plans, report
from bench.load import Load, Measured, Target, bare_of
from bench.scenarios import SCENARIOS, Scenario
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

PARTS = ("load", "plans")
USUAL = ("load",)
FEW_ATTEMPTS = 10_000


@dataclass(frozen=True, slots=True)
class How:
    """What was asked for. Times in seconds."""

    seconds: float
    rounds: int
    connections: int
    only: str
    quick: bool

    def wanted(self) -> list[Scenario]:
        """The scenarios whose names were asked for."""
        return [one for one in SCENARIOS if self.only in f"{one.group}: {one.name}"]


@click.command()
@click.option("--part", type=click.Choice([*PARTS, "all"]), multiple=True, help="What to do.")
@click.option("--quick", is_flag=True, help="About 90 seconds: one round, 16 connections.")
@click.option("--seconds", type=click.FloatRange(1), help="How long each slice takes (1).")
@click.option("--rounds", type=int, help="How many slices of each scenario (3; quick: 1).")
@click.option("--connections", default=16, show_default=True, help="How many act at once.")
@click.option("--only", default="", help="Only scenarios that have this in their names.")
@click.option("--attempts", default=200_000, show_default=True, help="How many, for the plans.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write figures here.")
def main(
    file: Path | None,
    part: tuple[str, ...],
    attempts: int,
    seconds: float | None,
    rounds: int | None,
    quick: bool,
    **rest: Any,
) -> None:
    """Measure Respondeo beside a bare Flask application, then check query plans at scale."""
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda number, _: sys.exit(128 + number))
    how = How(seconds or 1, rounds or (1 if quick else 3), quick=quick, **rest)
    parts = PARTS if "all" in part else part or USUAL
    found: dict[str, Any] = {}
    try:
        k6.program()
        with own_postgres() as url:
            if "load" in parts:
                found |= run_load(database(url, "load"), how)
            if "plans" in parts:
                found["plans"] = run_plans(database(url, "plans"), attempts)
    except (k6.Missing, k6.Failed, Broken) as error:
        raise click.ClickException(str(error)) from error
    if file is not None:
        file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if faults := [*faults_of(found)]:
        raise click.ClickException("\n".join(faults))


def faults_of(found: dict[str, Any]) -> list[str]:
    """What must not be."""
    faults = [
        f"{one['group']}, {one['name']}: {one['wrong']} answers were not the expected ones."
        for one in found.get("load", ())
        if one["wrong"]
    ]
    if any(one["fault"] for one in found.get("plans", ())):
        faults.append("Hot queries read too much.")
    return faults


def database(url: str, name: str) -> str:
    """A new database on the server; its address."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return sa.make_url(url).set(database=name).render_as_string(hide_password=False)


def run_load(url: str, how: How) -> dict[str, Any]:
    """Start both servers, measure, print; returns what was found."""
    app_port, bare_port = free_port(), free_port()
    settings = settings_for(url, app_port)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="respondeo-bench-")))
        say("filling the database")
        world = make_world(migrated_app(settings), folder)
        say("starting the servers")
        web = stack.enter_context(serving(RESPONDEO, settings, app_port))
        bare = stack.enter_context(serving(BARE, settings, bare_port))
        backends = postmaster(url)
        load = Load(
            world,
            Target(f"http://127.0.0.1:{app_port}", web, backends),
            Target(f"http://127.0.0.1:{bare_port}", bare, backends),
            seconds=how.seconds,
            rounds=how.rounds,
            progress=say,
        )
        measured = run_slices(load, how)
    say("")
    conditions = {
        "processors": os.cpu_count(),
        "workers": settings.web_concurrency,
        "threads": settings.web_threads,
        "rounds": how.rounds,
        "seconds": how.seconds,
    }
    entries = [report.entry(one) for one in measured]
    print(report.heading(conditions, entries))
    print(report.table(entries))
    for one in measured:
        if first := next((piece.run.first_wrong for piece in one.slices if piece.run.wrong), ""):
            print(f"\nThe first wrong answer, {one.scenario.group}, {one.scenario.name}:\n{first}")
    return {"conditions": conditions, "load": entries}


def run_slices(load: Load, how: How) -> list[Measured]:
    """At a few connections, and at many, where the long waits show."""
    wanted = how.wanted()
    load.warm(wanted, how.connections)
    found = load.measure(wanted, how.connections)
    found = [bare_of(found), *found]
    if not how.quick:
        at_many = [scenario for scenario in wanted if not scenario.briefly]
        many = load.measure(at_many, report.TAIL_FROM, rounds=1)
        found += [bare_of(many), *many]
    return found


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
