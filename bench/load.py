"""The measuring: slices of time, in which Respondeo and the bare application take turns."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psutil

from bench.client import Player, Slice, load
from bench.scenarios import Scenario
from bench.servers import cpu_seconds

ALONE_S = 0.4


@dataclass(slots=True)
class Target:
    """Where a scenario is sent, and whose processor time it costs."""

    port: int
    web: psutil.Process
    database: psutil.Process

    def used(self) -> tuple[float, float]:
        return cpu_seconds(self.web), cpu_seconds(self.database)


@dataclass(slots=True)
class Measured:
    """All slices of one scenario. Times in seconds.

    ratios: of its rate to that of the bare page just before it, one a slice.
    alone: how long answers took with nobody else there.
    """

    scenario: Scenario
    slices: list[Slice] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    alone: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    web_cpu: float = 0.0
    database_cpu: float = 0.0

    def took(self) -> dict[str, list[float]]:
        """How long answers took, by kind of request, sorted."""
        kinds: dict[str, list[float]] = defaultdict(list)
        for piece in self.slices:
            for kind, seconds in piece.took:
                kinds[kind].append(seconds)
        return {kind: sorted(times) for kind, times in kinds.items()}

    @property
    def requests(self) -> int:
        return sum(len(piece.took) for piece in self.slices)


def measure(
    scenarios: Sequence[Scenario],
    target_of: Callable[[Scenario], Target],
    *,
    players: int,
    rounds: int,
    seconds: float,
    progress: Callable[[str], None],
) -> list[Measured]:
    """Warm up, then measure: before each slice of a scenario there is one of the bare page.

    The first of the scenarios must be the bare page.
    """
    found = [Measured(scenario) for scenario in scenarios]
    crowds = {
        scenario.name: [Player(steps) for steps in scenario.players(players)]
        for scenario in scenarios
    }
    for measured in found:
        progress(f"alone: {measured.scenario.name}")
        _alone(measured, target_of(measured.scenario), crowds[measured.scenario.name])
    gc.collect()
    gc.freeze()
    bare, *rest = found
    for number in range(1, rounds + 1):
        for measured in rest:
            progress(f"round {number} of {rounds}: {measured.scenario.name}")
            beside = _slice(bare, target_of(bare.scenario), crowds, seconds)
            own = _slice(measured, target_of(measured.scenario), crowds, seconds)
            measured.ratios.append(own.rate / beside.rate)
    bare.ratios = [1.0]
    return found


def _alone(measured: Measured, target: Target, crowd: Sequence[Player]) -> None:
    """Warm the server up with everybody, then let one person have it to themselves."""
    load(target.port, crowd, ALONE_S)
    for kind, seconds in load(target.port, crowd[:1], ALONE_S).took:
        measured.alone[kind].append(seconds)


def _slice(
    measured: Measured, target: Target, crowds: dict[str, list[Player]], seconds: float
) -> Slice:
    web, database = target.used()
    piece = load(target.port, crowds[measured.scenario.name], seconds)
    web_after, database_after = target.used()
    measured.slices.append(piece)
    measured.web_cpu += web_after - web
    measured.database_cpu += database_after - database
    return piece
