"""`flask db doctor`: what is wrong with the database connection, and the command that mends it."""

from __future__ import annotations

import json
import os
import textwrap
from collections import Counter
from collections.abc import Iterable

import click
from flask import current_app

from respondeo import doctor
from respondeo.config import Settings
from respondeo.doctor import Finding, Patient, Result, State

WORDS = {State.PASSES: "ok", State.SKIPPED: "skip", State.WARNS: "warn", State.FAILS: "FAIL"}
COLOURS = {State.PASSES: "green", State.SKIPPED: None, State.WARNS: "yellow", State.FAILS: "red"}
WIDTH = 100
MARGIN = 24


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def doctor_command(as_json: bool) -> None:
    """Say what is wrong with the database, and the command that mends it.

    Ends with 0 where nothing is wrong (warnings alone are nothing wrong), else with 1.
    """
    results = doctor.examine(patient())
    failed = (_print_json if as_json else _print_lines)(results)
    if reason := current_app.extensions.get("reason"):
        click.echo(f"\nBesides, Respondeo does not start:\n{reason.message}", err=True)
    click.get_current_context().exit(1 if failed else 0)


def patient() -> Patient:
    """What this environment says: without an application, too."""
    config, settings = current_app.config, current_app.extensions.get("settings")
    if isinstance(settings, Settings):
        return Patient(
            config["DATABASE_URL"],
            settings.database_direct_url,
            settings.web_concurrency,
            settings.web_threads,
            embedded=settings.database_url is None,
            counters=0 if settings.valkey_url else Patient.counters,
        )
    return Patient(
        os.environ.get("DATABASE_URL"),
        os.environ.get("DATABASE_DIRECT_URL") or None,
        _number("WEB_CONCURRENCY"),
        _number("WEB_THREADS"),
    )


def _number(variable: str) -> int:
    """The number in a variable, or the default of its setting: what is wrong there is no
    trouble of the database's."""
    text = os.environ.get(variable, "")
    default = Settings.model_fields[variable.lower()].default
    return int(text) if text.isdecimal() and int(text) else int(default)


def _print_lines(results: Iterable[Result]) -> bool:
    counted: Counter[State] = Counter()
    skipped: dict[str, list[str]] = {}
    for result in results:
        counted[result.state] += 1
        for number, finding in enumerate(result.findings):
            if finding.state is State.SKIPPED:
                skipped.setdefault(finding.says, []).append(result.check.title)
            else:
                _print_finding("" if number else result.check.title, finding)
    for says, titles in skipped.items():
        _print_finding("the rest", Finding(State.SKIPPED, f"{says} ({', '.join(titles)})"))
    click.echo()
    click.echo(_summary(counted))
    return counted[State.FAILS] > 0


def _print_finding(title: str, finding: Finding) -> None:
    word = click.style(f"{WORDS[finding.state]:<4}", fg=COLOURS[finding.state])
    indent = " " * MARGIN
    # Commands are not cut: they are there to be copied.
    says = textwrap.fill(
        finding.says, WIDTH - MARGIN, break_on_hyphens=False, break_long_words=False
    )
    click.echo(f"{word}  {title:<{MARGIN - 6}}{textwrap.indent(says, indent).lstrip()}")
    for command in finding.mend:
        click.echo(f"{indent}    {command}")


def _summary(counted: Counter[State]) -> str:
    if counted[State.FAILS]:
        skipped = counted[State.SKIPPED]
        rest = (
            f" {skipped} could not be looked at; mend this first, then ask again."
            if skipped
            else ""
        )
        return f"{_many(counted[State.FAILS], 'thing')} wrong.{rest}"
    if counted[State.WARNS]:
        return f"Nothing is wrong; {_many(counted[State.WARNS], 'warning')}."
    return "All is well."


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _print_json(results: Iterable[Result]) -> bool:
    found = list(results)
    ok = all(result.state is not State.FAILS for result in found)
    lines = [
        {
            "check": result.check.name,
            "state": finding.state,
            "says": finding.says,
            "mend": list(finding.mend),
        }
        for result in found
        for finding in result.findings
    ]
    click.echo(json.dumps({"ok": ok, "checks": lines}, indent=2, ensure_ascii=False))
    return not ok
