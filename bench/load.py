"""The measuring: slices of time, in which Respondeo and the bare application take turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench import k6
from bench.k6 import Run, Took
from bench.scenarios import BARE, Scenario
from bench.servers import Target, workers_mb
from bench.world import World

WARM_S = 1


@dataclass(frozen=True, slots=True)
class Slice:
    """One run of k6, and what it cost the servers in seconds of processor time."""

    run: Run
    web_cpu_s: float
    database_cpu_s: float


@dataclass(slots=True)
class Measured:
    """All slices of one scenario, each with that of the bare page just before it.

    workers_mb: the memory of the workers before the first and after the last.
    """

    scenario: Scenario
    connections: int
    slices: list[Slice] = field(default_factory=list)
    bare: list[Slice] = field(default_factory=list)
    workers_mb: list[list[float]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return median(piece.run.rate for piece in self.slices)

    @property
    def ratios(self) -> list[float]:
        """Its rate as a part of the bare page's, slice by slice."""
        pairs = zip(self.slices, self.bare, strict=True)
        return [own.run.rate / beside.run.rate for own, beside in pairs]

    def cpu_ms(self, whose: Callable[[Slice], float]) -> float:
        """Processor time of a request, in ms."""
        requests = sum(piece.run.took.count for piece in self.slices)
        return 1000 * sum(whose(piece) for piece in self.slices) / max(1, requests)


@dataclass(frozen=True, slots=True)
class Load:
    """Who measures: the world, where requests go, for how long (seconds), how often."""

    world: World
    app: Target
    bare: Target
    seconds: float
    rounds: int
    progress: Callable[[str], None]

    def measure(
        self, scenarios: Sequence[Scenario], connections: int, *, rounds: int | None = None
    ) -> list[Measured]:
        """First what only reads, then what changes boards: it would have them made anew in the
        middle of the next reading. Each is warmed, then takes its rounds.
        """
        found = [Measured(scenario, connections) for scenario in scenarios]
        for changes in (False, True):
            part = [measured for measured in found if measured.scenario.changes is changes]
            if part:
                self._warm(part, connections)
                self._rounds(part, connections, rounds or self.rounds)
        return found

    def _warm(self, part: Sequence[Measured], connections: int) -> None:
        """Once through everything, so that caches are full and statements prepared."""
        for scenario in (BARE, *(measured.scenario for measured in part)):
            self.progress(f"warming: {scenario.group}, {scenario.name}")
            self.slice(scenario, connections, WARM_S)

    def _rounds(self, part: Sequence[Measured], connections: int, rounds: int) -> None:
        """Before each slice of a scenario there is one of the bare page."""
        for number in range(1, rounds + 1):
            for measured in part:
                scenario = measured.scenario
                if scenario.briefly and number > 1:
                    continue
                self.progress(
                    f"{connections} connections, round {number} of {rounds}:"
                    f" {scenario.group}, {scenario.name}"
                )
                measured.bare.append(self.slice(BARE, connections, self.seconds))
                before = workers_mb(self.app.web)
                measured.slices.append(self.slice(scenario, connections, self.seconds))
                if not scenario.bare:
                    measured.workers_mb[1:] = [before, workers_mb(self.app.web)]

    def slice(self, scenario: Scenario, connections: int, seconds: float) -> Slice:
        """One run. Raises k6.Failed."""
        scenario.prepare(self.world, seconds * scenario.longer)
        target = self.bare if scenario.bare else self.app
        web, database = target.used()
        run = k6.run(scenario.plan(target.origin, connections, seconds), self.world.folder)
        web_after, database_after = target.used()
        return Slice(run, web_after - web, database_after - database)


def bare_of(found: Sequence[Measured]) -> Measured:
    """The bare page, of all slices that it had beside others at so many connections."""
    bare = [piece for measured in found for piece in measured.bare]
    return Measured(BARE, found[0].connections, bare, bare)


def middle(took: Sequence[Took]) -> Took:
    """The median of what slices found, number by number; their requests added up."""
    return Took(
        sum(one.count for one in took),
        median(one.p50_ms for one in took),
        median(one.p95_ms for one in took),
        median(one.p99_ms for one in took),
    )
