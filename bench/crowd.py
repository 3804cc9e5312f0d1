"""A crowd at one quiz: nothing is lost, the board is right, nobody waits; and many open boards."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from time import sleep
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from bench import k6
from bench.k6 import Plan
from bench.servers import ROOT, environment
from bench.stage import Stage, stage
from bench.watching import Watch
from bench.world import PLAYERS, World
from respondeo.db import session
from respondeo.models import AttemptAnswer, QuizAttempt

CROWD = 1000
MOST_ANSWER_MS = 500
START_S, LAST_FROM_S, LAST_S, END_S = 10, 105, 10, 150
"""Within which seconds they start; from when on, and for how long, the last answers come."""

BOARDS = 2000
MOST_CORES = 0.5
BOARDS_FROM_S, BOARDS_S = 20, 60

UNCHANGED = "nothing had to change"


def run(url: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Both crowds; prints what was found."""
    say("filling the database")
    with stage(url, others=max(CROWD, BOARDS) - PLAYERS) as on:
        say(f"{CROWD:,} players at one quiz")
        players = finish(on)
        say(f"{BOARDS:,} open boards")
        boards = watch(on)
    say("")
    print(f"\n{in_words(players, boards)}")
    faults = [*players.pop("faults"), *boards.pop("faults")]
    return {"players": players, "boards": boards, "faults": faults}


# -- everybody finishes at once --------------------------------------------------------------------


def finish(on: Stage) -> dict[str, Any]:
    """A thousand attempts at one quiz, whose last answers come within ten seconds."""
    plan = Plan(
        "finishing",
        on.app.origin,
        CROWD,
        END_S,
        people=CROWD,
        kinds=("answer", "last_answer", "result", "its_board"),
        arrive_s=START_S,
        pace=1,
        pause_s=(4, 10),
        more={"watched": 0, "last_from_s": LAST_FROM_S, "last_until_s": LAST_FROM_S + LAST_S},
    )
    found = k6.run(plan, on.world.folder)
    told = found.told
    answers = {(one["attempt"], one["question"]): one["answer"] for one in told if "answer" in one}
    scores = {one["attempt"]: one["score"] for one in told if "score" in one}
    lost = len(answers) - kept_answers(on.world, answers)
    wrong_scores = len(scores) - kept_scores(on.world, scores)
    rebuilt = rebuild(on)
    slowest = max(found.kinds[kind].p95_ms for kind in ("answer", "last_answer"))
    faults = [
        *([f"{lost} of {len(answers)} answers were lost."] if lost else []),
        *([f"{wrong_scores} scores are not those that were told."] if wrong_scores else []),
        *([f"Only {len(scores)} of {CROWD} players finished."] if len(scores) < CROWD else []),
        *([f"The boards were wrong: {rebuilt}"] if UNCHANGED not in rebuilt else []),
        *on.app.wrong_in_words(found),
    ]
    return {
        "players": CROWD,
        "finished": len(scores),
        "answers": len(answers),
        "lost": lost,
        "rebuilt": rebuilt,
        "answer_p95_ms": slowest,
        "met": slowest < MOST_ANSWER_MS and not faults,
        "kinds": {
            kind: {"p50_ms": t.p50_ms, "p95_ms": t.p95_ms} for kind, t in found.kinds.items()
        },
        "faults": faults,
    }


def kept_answers(world: World, told: dict[tuple[str, str], str]) -> int:
    """How many of the answers that clients were told of are stored just so."""
    attempts = {UUID(attempt) for attempt, _ in told}
    with world.app.app_context():
        stored = session().execute(
            sa.select(
                AttemptAnswer.attempt_id, AttemptAnswer.question_id, AttemptAnswer.answer_id
            ).where(AttemptAnswer.attempt_id.in_(attempts))
        )
        rows = {(str(row.attempt_id), str(row.question_id)): str(row.answer_id) for row in stored}
    return sum(rows.get(place) == answer for place, answer in told.items())


def kept_scores(world: World, told: dict[str, int]) -> int:
    """How many of the scores that clients were told are stored just so."""
    with world.app.app_context():
        stored = session().execute(
            sa.select(QuizAttempt.id, QuizAttempt.correct_count).where(
                QuizAttempt.id.in_([UUID(attempt) for attempt in told]),
                QuizAttempt.completed_at.is_not(None),
            )
        )
        rows = {str(row.id): row.correct_count for row in stored}
    return sum(rows.get(attempt) == score for attempt, score in told.items())


def rebuild(on: Stage) -> str:
    """What `flask leaderboards rebuild` says."""
    done = subprocess.run(
        [sys.executable, *["-m", "flask", "--app", "wsgi", "leaderboards", "rebuild"]],
        cwd=ROOT,
        env=environment(on.settings, on.settings.port),
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout or done.stderr).strip()


# -- open boards -----------------------------------------------------------------------------------


def watch(on: Stage) -> dict[str, Any]:
    """Two thousand open pages of one board, which changes once meanwhile."""
    plan = Plan(
        "watching",
        on.app.origin,
        BOARDS,
        BOARDS_S,
        people=BOARDS,
        kinds=("poll",),
        from_s=BOARDS_FROM_S,
        arrive_s=BOARDS_FROM_S - 5,
        pace=1,
        more={"watched": 1},
    )
    with Watch(on.app) as noted, k6.running(plan, on.world.folder) as result:
        sleep(BOARDS_FROM_S + BOARDS_S / 2)
        on.world.play_once(player=0, quiz=1)
        found = result()
    web, database = noted.cores(BOARDS_S)
    faults = on.app.wrong_in_words(found)
    return {
        "boards": BOARDS,
        "requests_per_s": found.rate,
        "unchanged_share": 1 - found.changed / max(1, found.took.count),
        "p95_ms": found.took.p95_ms,
        "web_cores": web,
        "database_cores": database,
        "met": web + database < MOST_CORES and not faults,
        "faults": faults,
    }


def in_words(players: dict[str, Any], boards: dict[str, Any]) -> str:
    """Both, as lines of text."""
    finished = (
        f"{players['players']:,} players at one quiz finish within {LAST_S} s:"
        f" {players['finished']:,} finished, {players['lost']:,} of {players['answers']:,} answers"
        f" lost; boards: {players['rebuilt']}"
    )
    answers = (
        f"p95 of an answer {players['answer_p95_ms']:,.0f} ms, asked: under {MOST_ANSWER_MS} ms:"
        f" {'met' if players['met'] else 'NOT met'}"
    )
    kinds = [
        f"  {kind:<12} p50 {took['p50_ms']:>7,.0f} ms   p95 {took['p95_ms']:>7,.0f} ms"
        for kind, took in players["kinds"].items()
    ]
    opened = (
        f"{boards['boards']:,} open boards: {boards['requests_per_s']:,.0f} requests a second,"
        f" {boards['unchanged_share']:.0%} of them unchanged, p95 {boards['p95_ms']:,.0f} ms"
    )
    cores = (
        f"{boards['web_cores']:.2f} cores of web and {boards['database_cores']:.2f} of PostgreSQL,"
        f" asked: less than {MOST_CORES:g}: {'met' if boards['met'] else 'NOT met'}"
    )
    return "\n".join([finished, answers, *kinds, "", opened, cores])
