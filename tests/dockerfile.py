"""Reads a Dockerfile: stages with their instructions, as far as ours has them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: `COPY` and what follows it."""

    word: str
    rest: str

    @property
    def command(self) -> list[str]:
        """The command of CMD or HEALTHCHECK, which must be a JSON list: no shell stands between."""
        words: list[str] = json.loads(self.rest[self.rest.index("[") :])
        return words


@dataclass(slots=True)
class Stage:
    """One stage: what it starts from, its name, its instructions in order."""

    base: str
    name: str | None
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, word: str) -> list[Instruction]:
        return [one for one in self.instructions if one.word == word]

    def one(self, word: str) -> Instruction:
        (found,) = self.all(word)
        return found

    @property
    def environment(self) -> dict[str, str]:
        """What ENV sets."""
        return dict(re.findall(r"(\w+)=(\S+)", " ".join(one.rest for one in self.all("ENV"))))


def stages(path: Path = ROOT / "Dockerfile") -> list[Stage]:
    """The stages of a Dockerfile, first to last."""
    text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#"))
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(base, name or None))
        elif word:
            found[-1].instructions.append(Instruction(word, rest))
    return found
