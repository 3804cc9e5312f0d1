"""`bench/compare A.json B.json`: what became faster or slower, as ratios to the bare page.

It needs nothing but Python: results may come from other machines and other commits.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RATIOS = {"rate": "of_bare", "cost": "cost_of_bare"}
Place = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Change:
    """One ratio in both results. `better`: by which share it improved; below 0, it got worse."""

    place: Place
    before: float
    after: float
    better: float

    def line(self) -> str:
        """It in words."""
        group, name, connections = self.place
        return (
            f"{group}, {name}, {connections}".ljust(44)
            + f"{self.before:>9.3f}{self.after:>9.3f}{self.better:>+9.1%}"
        )


def ratios(found: Mapping[str, Any], which: str) -> dict[Place, float]:
    """The ratios of one result by group, name and connections; without the bare page itself."""
    return {
        (one["group"], one["name"], one["connections"]): one[RATIOS[which]]
        for one in found.get("load", {}).get("scenarios", ())
        if one[RATIOS[which]] is not None and "bare" not in one["group"] + one["name"]
    }


def changes(before: Mapping[str, Any], after: Mapping[str, Any], which: str) -> list[Change]:
    """What is in both, what got worse first. A rate gets better as it grows, a cost as it falls."""
    old, new = ratios(before, which), ratios(after, which)
    both = [
        Change(
            place,
            old[place],
            new[place],
            new[place] / old[place] - 1 if which == "rate" else old[place] / new[place] - 1,
        )
        for place in old
        if place in new and old[place] and new[place]
    ]
    return sorted(both, key=lambda one: one.better)


def main(words: Sequence[str]) -> int:
    """Print the comparison; 1 where something got worse by more than was allowed."""
    parser = argparse.ArgumentParser(prog="bench/compare", description=__doc__)
    parser.add_argument("before", type=Path, help="a result of: make bench ARGS='--json A.json'")
    parser.add_argument("after", type=Path)
    parser.add_argument("--worse", type=float, default=0.1, help="by which share it may be worse")
    parser.add_argument(
        "--by",
        choices=list(RATIOS),
        default="rate",
        help="rate: requests a second; cost: processor time of a request, which moves less",
    )
    asked = parser.parse_args(words)
    before, after = (json.loads(file.read_text("utf-8")) for file in (asked.before, asked.after))
    found = changes(before, after, asked.by)
    if not found:
        print("The two results have no scenario in common.", file=sys.stderr)
        return 2
    print(f"{asked.by}, as a part of the bare page's".ljust(44) + "   before    after   better")
    print("\n".join(one.line() for one in found))
    worse = [one for one in found if one.better < -asked.worse]
    if worse:
        print(f"\n{len(worse)} of {len(found)} got worse by more than {asked.worse:.0%}.")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
