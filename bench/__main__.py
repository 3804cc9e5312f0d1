"""`make bench`: measure the server under load, next to a bare Flask application."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from bench import crowd, instances, k6, memory, mixed, plans, reload, report
from bench.load import Load, Measured, bare_of
from bench.scenarios import NEWCOMERS, SCENARIOS, Scenario
from bench.servers import ROOT, Broken, free_port, own_postgres, settings_for
from bench.stage import new_database, stage
from bench.world import migrated_app

PARTS = ("load", "mixed", "crowd", "reload", "instances", "memory", "plans")
USUAL = ("load", "mixed")
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
        """The scenarios whose names were asked for; without a name, the quick form leaves some out.

        Raises UsageError where there is none.
        """
        if self.quick and not self.only:
            return [one for one in SCENARIOS if not one.briefly]
        named = {f"{one.group}: {one.name}": one for one in SCENARIOS}
        found = [one for name, one in named.items() if self.only in name]
        if not found:
            raise click.UsageError("There are only these:\n  " + "\n  ".join(named))
        return found


@click.command()
@click.option("--part", type=click.Choice([*PARTS, "all"]), multiple=True, help="What to do.")
@click.option("--quick", is_flag=True, help="About 90 seconds: one round, 16 connections.")
@click.option("--seconds", type=click.FloatRange(1), help="How long each slice takes (1).")
@click.option("--rounds", type=int, help="How many slices of each scenario (3; quick: 1).")
@click.option("--connections", default=16, show_default=True, help="How many act at once.")
@click.option("--only", default="", help="Only scenarios that have this in their names.")
@click.option("--users", default=3000, show_default=True, help="How many, of part mixed.")
@click.option("--requests", default=200_000, show_default=True, help="How many, of part memory.")
@click.option("--attempts", default=200_000, show_default=True, help="How many, for the plans.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write figures here.")
def main(
    file: Path | None,
    part: tuple[str, ...],
    attempts: int,
    users: int,
    requests: int,
    seconds: float | None,
    rounds: int | None,
    quick: bool,
    **rest: Any,
) -> None:
    """Measure Respondeo under load, next to a bare Flask application. docs/performance.md."""
    how = How(seconds or 1, rounds or (1 if quick else 3), quick=quick, **rest)
    how.wanted()  # what is not there is told at once
    parts = PARTS if "all" in part else part or (("load",) if quick else USUAL)
    found: dict[str, Any] = {}
    try:
        k6.program()
        with own_postgres() as url:
            does: dict[str, Callable[[], dict[str, Any]]] = {
                "load": lambda: run_load(url, how),
                "mixed": lambda: mixed.run(url, users, ramp=not quick, say=say),
                "crowd": lambda: crowd.run(url, say),
                "reload": lambda: reload.run(url, say),
                "instances": lambda: instances.run(url, say),
                "memory": lambda: memory.run(url, requests, say),
                "plans": lambda: run_plans(new_database(url, "plans"), attempts),
            }
            for name in PARTS:
                if name in parts:
                    found[name] = does[name]()
    except (k6.Missing, k6.Failed, Broken) as error:
        raise click.ClickException(str(error)) from error
    if file is not None:
        whole = {"commit": commit(), **found}
        file.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    if faults := [fault for one in found.values() for fault in one["faults"]]:
        raise click.ClickException("\n".join(faults))


def run_load(url: str, how: How) -> dict[str, Any]:
    """Start both servers, measure, print; returns what was found."""
    say("filling the database")
    # No worker is replaced meanwhile: a slice in which one is would say little of the others.
    with stage(url, bare=True, others=NEWCOMERS, web_max_requests=0) as on:
        assert on.bare is not None
        load = Load(on.world, on.app, on.bare, how.seconds, how.rounds, progress=say)
        measured = run_slices(load, how)
        faults = [
            f"{one.scenario.group}, {one.scenario.name}: {words}"
            for one in measured
            for piece in one.slices
            for words in (on.bare if one.scenario.bare else on.app).wrong_in_words(piece.run)
        ]
    say("")
    conditions = {
        "processors": os.cpu_count(),
        "workers": on.settings.web_concurrency,
        "threads": on.settings.web_threads,
        "rounds": how.rounds,
        "seconds": how.seconds,
    }
    entries = [report.entry(one) for one in measured]
    print(report.heading(conditions, entries))
    print(report.table(entries))
    return {"conditions": conditions, "scenarios": entries, "faults": faults}


def run_slices(load: Load, how: How) -> list[Measured]:
    """At a few connections, and at many, where the long waits show."""
    wanted = how.wanted()
    found = load.measure(wanted, how.connections)
    found = [bare_of(found), *found]
    at_many = [scenario for scenario in wanted if not scenario.briefly]
    if at_many and not how.quick:
        many = load.measure(at_many, report.TAIL_FROM, rounds=min(2, how.rounds))
        found += [bare_of(many), *many]
    return found


def run_plans(url: str, attempts: int) -> dict[str, Any]:
    """Check the plans of hot queries, print; returns what was found."""
    app = migrated_app(settings_for(url, free_port()))
    found = plans.check(app, FEW_ATTEMPTS, attempts, say)
    say("")
    print(f"\n{plans.table(found, FEW_ATTEMPTS, attempts)}")
    queries = [
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
    read_too_much = ["Hot queries read too much."] if any(one.fault for one in found) else []
    return {"queries": queries, "faults": read_too_much}


def commit() -> str | None:
    """Which commit is measured, None where nobody knows."""
    git = shutil.which("git")
    if git is None:
        return None
    done = subprocess.run(
        [git, "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or None


def say(what: str) -> None:
    """Show on a terminal what is being done."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)


def stop_in_order() -> None:
    """End as at Ctrl-C, with all servers, also where somebody kills us or closes the terminal."""
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda number, _: sys.exit(128 + number))


if __name__ == "__main__":
    stop_in_order()
    main()
