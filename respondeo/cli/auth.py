"""`flask auth`: whether people can sign in."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from flask import current_app
from flask.cli import AppGroup

from respondeo.config import Settings
from respondeo.oidc.check import Finding, Level, Report, check_all

auth = AppGroup("auth", help="Signing in.")

MARKS = {Level.OK: "ok   ", Level.HINT: "hint ", Level.ERROR: "ERROR"}


@auth.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def check_command(as_json: bool) -> None:
    """Ask each identity provider whether it would let people sign in.

    The exit status is 1 where one would not.
    """
    settings: Settings = current_app.extensions["settings"]
    reports = check_all(settings.oidc_providers, settings.app_url)
    if as_json:
        click.echo(json.dumps([_as_json(report) for report in reports], indent=2))
    else:
        _print(reports)
    if not all(report.ok for report in reports):
        raise SystemExit(1)


def _as_json(report: Report) -> dict[str, object]:
    return {
        "provider": report.provider.id,
        "issuer": report.provider.issuer,
        "ok": report.ok,
        "findings": [asdict(finding) for finding in report.findings],
    }


def _print(reports: list[Report]) -> None:
    if not reports:
        click.echo("No identity provider is set up. docs/authentication.md says how.")
    for report in reports:
        click.echo(f"{report.provider.label} ({report.provider.id})")
        for finding in report.findings:
            click.echo(_line(finding))


def _line(finding: Finding) -> str:
    todo = f"\n         → {finding.todo}" if finding.todo else ""
    return f"  {MARKS[finding.level]}  {finding.about}: {finding.said}{todo}"
