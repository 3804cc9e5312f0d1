"""systemd's own opinion of the units in deploy/."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
NAMES = ("respondeo.service", "respondeo.socket")
EXPOSED = 1.5  # of 10; `systemd-analyze security` calls less than 2 “OK”


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a program that is there."""
    for name in NAMES:
        text = (DEPLOY / name).read_text()
        (tmp_path / name).write_text(text.replace("/opt/respondeo/.venv/bin/flask", sys.executable))
    return tmp_path


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    assert program
    return subprocess.run([program, *words], capture_output=True, text=True, check=False)


def test_systemd_finds_no_fault_in_the_units(units: Path) -> None:
    found = analyze("verify", *(units / name for name in NAMES))
    assert found.returncode == 0, found.stderr
    assert "respondeo" not in found.stderr


def test_systemd_finds_little_that_the_service_could_reach(units: Path) -> None:
    found = analyze("security", "--offline=true", "--no-pager", units / "respondeo.service")
    level = re.search(r"exposure level for .*: ([0-9.]+)", found.stdout)
    assert level, found.stdout + found.stderr
    assert float(level[1]) < EXPOSED
