"""The benchmark's own parts: the world that it measures in, and how results are compared."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask
from sqlalchemy.orm import Session

from bench import __main__ as bench
from bench import compare, world
from bench.k6 import SCRIPT, Plan
from bench.scenarios import SCENARIOS
from respondeo.services import standings

ROOT = Path(__file__).parent.parent

UNLIKE_ITS_ANSWERS = """
    SELECT count(*) FROM quiz_attempt a JOIN LATERAL (
        SELECT count(*) FILTER (WHERE s.is_correct) AS correct, sum(time_ms) AS time_ms,
            count(*) AS questions,
            bool_and(s.is_correct = answer.is_correct) AS graded
        FROM attempt_answer s JOIN answer ON answer.id = s.answer_id WHERE s.attempt_id = a.id
    ) s ON true
    WHERE (a.correct_count, a.total_time_ms, a.total_questions, true)
        IS DISTINCT FROM (s.correct, s.time_ms, s.questions, s.graded)
"""


def result(folder: Path, name: str, **rates: float) -> Path:
    file = folder / f"{name}.json"
    scenarios = [
        {
            "group": "pages",
            "name": scenario,
            "connections": 16,
            "of_bare": rate,
            "cost_of_bare": 1 / rate,
        }
        for scenario, rate in rates.items()
    ]
    file.write_text(json.dumps({"load": {"scenarios": scenarios}}))
    return file


def run_compare(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "bench" / "compare", *map(str, words)],
        env=os.environ | {"PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_got_worse_comes_first_and_fails(tmp_path: Path) -> None:
    before = result(tmp_path, "before", list=0.2, quiz=0.2, board=0.2)
    after = result(tmp_path, "after", list=0.19, quiz=0.4, board=0.1)
    done = run_compare(before, after)
    assert done.returncode == 1, done.stderr
    assert re.findall(r"pages, (\w+)", done.stdout) == ["board", "list", "quiz"]
    assert "1 of 3 got worse by more than 10%" in done.stdout
    assert run_compare(before, after, "--worse", "0.6").returncode == 0
    assert run_compare("--by", "cost", before, after).returncode == 1
    assert run_compare(after, after, "--worse", "0").returncode == 0


def test_results_that_have_nothing_in_common_are_no_success(tmp_path: Path) -> None:
    before, after = result(tmp_path, "before", list=0.2), result(tmp_path, "after", quiz=0.2)
    assert compare.main([str(before), str(after)]) == 2


def test_without_k6_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K6", "/nowhere/k6")
    done = CliRunner().invoke(bench.main, ["--quick"])
    assert done.exit_code == 1
    assert "K6=/where/it/is/k6 make bench" in done.stderr


def test_a_scenario_that_is_not_there_is_told_which_are() -> None:
    done = CliRunner().invoke(bench.main, ["--only", "nothing of that name"])
    assert done.exit_code == 2
    assert "JSON with a key: global board" in done.stderr


def test_the_script_does_what_the_scenarios_name() -> None:
    found = re.search(r"^const does = \{(.*)\};$", SCRIPT.read_text(), re.M)
    assert found
    assert {one.does for one in SCENARIOS} <= {name.strip() for name in found[1].split(",")}


def test_a_plan_for_people_who_pause_is_not_drawn_out_by_their_pauses() -> None:
    def executor(**values: Any) -> dict[str, Any]:
        plan = json.loads(Plan("reading", "http://x", 2, 3, **values).told())
        return dict(plan["executor"], who=plan["as"])

    assert executor(pace=1, from_s=5) == {
        "executor": "constant-vus",
        "vus": 2,
        "duration": "8s",
        "gracefulStop": "1s",
        "who": "browser",
    }
    assert executor(steps=7)["iterations"] == 7


def test_the_world_is_one_that_respondeo_could_have_made(
    app: Flask, committed: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "ATTEMPTS", 1300)
    made = world.make_world(app, tmp_path, others=2)
    assert committed.scalar(sa.text("SELECT count(*) FROM quiz_attempt")) == 1300
    assert committed.scalar(sa.text(UNLIKE_ITS_ANSWERS)) == 0
    assert standings.rebuild(committed) == 0
    committed.rollback()
    people = json.loads((tmp_path / "people.json").read_text())
    assert len(people) == len(made.players) + 2

    made.open_attempts([(0, 1), (1, 1)])
    first, _ = json.loads((tmp_path / "attempts.json").read_text())
    assert len(first["answers"]) == world.QUESTIONS
    made.open_attempts([])
    for _ in range(2):
        made.play_once(player=0, quiz=1)
    # Also the second of them could change the boards.
    assert committed.scalar(sa.text("SELECT count(*) FROM quiz_attempt WHERE ranked")) == 1302
    assert committed.scalar(sa.text("SELECT count(*) FROM quiz_attempt WHERE discloses")) == 0
    assert standings.rebuild(committed) == 0
