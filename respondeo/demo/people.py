"""Three hundred people who never were: names from many places, each with a skill and a pace."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import UUID

from respondeo.db import new_id

COUNT = 300

NAMES = Path(__file__).parent / "names.json"


@dataclass(frozen=True, slots=True)
class Player:
    """A player of the demo. skill: 0 to 1; pace_ms: what an ordinary question takes them."""

    id: UUID
    name: str
    email: str
    skill: float
    pace_ms: float
    keenness: float


def players(rng: Random) -> list[Player]:
    """The same three hundred people for the same seed; only their ids are new."""
    known = json.loads(NAMES.read_text(encoding="utf-8"))
    names: dict[str, None] = {}
    while len(names) < COUNT:
        names[f"{rng.choice(known['given'])} {rng.choice(known['family'])}"] = None
    return [
        Player(
            id=new_id(),
            name=name,
            email=f"player{place:03}@demo.example",
            skill=min(0.98, max(0.2, rng.betavariate(5, 3))),
            pace_ms=rng.lognormvariate(8.75, 0.35),
            keenness=rng.betavariate(1.3, 2.4),
        )
        for place, name in enumerate(names, start=1)
    ]
