"""What a question said over the versions of its quiz, and when that changed.

Every published change gives a question new rows under its uid. Rows that a player could not tell
apart (another explanation, another order of answers) are one wording, and so are their figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID


@dataclass(frozen=True, slots=True)
class WordedAnswer:
    """One answer of a published question: `id` of this row, `uid` through all of them."""

    id: UUID
    uid: UUID
    text: str
    is_correct: bool


@dataclass(frozen=True, slots=True)
class Published:
    """One published row of a question, and the first and last version that had it."""

    id: UUID
    uid: UUID
    text: str
    image_url: str | None
    image_alt: str | None
    answers: tuple[WordedAnswer, ...]
    first: int
    last: int

    @property
    def wording(self) -> object:
        """What a player chooses by. Equal for rows that say the same."""
        answers = frozenset((one.uid, one.text, one.is_correct) for one in self.answers)
        return self.text, self.image_url, answers


@dataclass(frozen=True, slots=True)
class Wording:
    """All rows of a question that say the same, the newest last."""

    rows: tuple[Published, ...]

    @property
    def newest(self) -> Published:
        return self.rows[-1]

    @property
    def versions(self) -> tuple[int, int]:
        """The first and the last version that said so."""
        return self.rows[0].first, self.rows[-1].last


def wordings(rows: Iterable[Published]) -> tuple[Wording, ...]:
    """The wordings of one question, the newest first."""
    found: dict[object, list[Published]] = {}
    for row in _in_order(rows):
        found.setdefault(row.wording, []).append(row)
    newest_first = sorted(found.values(), key=lambda same: -same[-1].first)
    return tuple(Wording(tuple(same)) for same in newest_first)


def changed_in(rows: Iterable[Published]) -> int | None:
    """The version that brought the present wording, None where there was no other before."""
    ordered = _in_order(rows)
    changes = [row.first for before, row in pairwise(ordered) if row.wording != before.wording]
    return changes[-1] if changes else None


def _in_order(rows: Iterable[Published]) -> Sequence[Published]:
    return sorted(rows, key=lambda row: row.first)
