"""Generated covers: one calm pattern for each quiz that has no picture of its own.

A cover is a function of its seed alone, so it may be cached for ever. Shapes carry their
colours as attributes: the content security policy allows no style inside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from uuid import UUID

WIDTH, HEIGHT = 320, 160

# Ground, then three inks from quiet to strong. Mid tones: they sit well on paper and at night.
PALETTES = (
    ("#e9d8bd", "#d9b98c", "#b9794f", "#4d4a7c"),
    ("#d8dccb", "#b4c0a0", "#6f8a6e", "#3c4f5c"),
    ("#ecd5cb", "#dba894", "#b5665a", "#5b3f63"),
    ("#d3d8e4", "#a9b4d2", "#6a74ad", "#373866"),
    ("#e8dcc0", "#d8b866", "#b5853a", "#5a4a4f"),
    ("#cfdfdc", "#94bdb8", "#4d8787", "#2f4a63"),
    ("#e6d3dc", "#cba0b7", "#8f5d86", "#443a6b"),
    ("#e2ddd3", "#bfb4a4", "#86796d", "#4a4660"),
)


class Dice:
    """A stream of small numbers that is the same for a seed on every machine, for good."""

    def __init__(self, seed: UUID) -> None:
        self._key = seed.bytes
        self._block = b""
        self._blocks = 0

    def below(self, limit: int) -> int:
        """A number from 0 to limit - 1, for limits up to 256."""
        if not self._block:
            self._blocks += 1
            self._block = hashlib.sha256(self._key + bytes([self._blocks])).digest()
        first, self._block = self._block[0], self._block[1:]
        return first * limit // 256


Inks = tuple[str, str, str]


def _arcs(dice: Dice, inks: Inks) -> str:
    """Quarter circles that turn from tile to tile."""
    size, parts = 40, []
    for x in range(0, WIDTH, size):
        for y in range(0, HEIGHT, size):
            if (turn := dice.below(6)) > 3:
                continue
            corner_x, corner_y = x + size * (turn in (1, 2)), y + size * (turn in (2, 3))
            end_x, end_y = 2 * x + size - corner_x, 2 * y + size - corner_y
            sweep = 1 if turn in (0, 2) else 0
            parts.append(
                f'<path fill="{inks[dice.below(3)]}" d="M{corner_x} {corner_y}H{end_x}'
                f'A{size} {size} 0 0 {sweep} {corner_x} {end_y}z"/>'
            )
    return "".join(parts)


def _waves(dice: Dice, inks: Inks) -> str:
    """Hills, one behind the other."""
    parts = []
    for layer in range(5):
        base = 34 + layer * 27
        swing = 10 + dice.below(16)
        start, middle, end = (base + dice.below(24) - 12 for _ in range(3))
        opacity = (".55", ".7", ".8", ".9", "1")[layer]
        ink = inks[(0, 0, 1, 1, 2)[layer]]
        parts.append(
            f'<path fill="{ink}" fill-opacity="{opacity}" d="M0 {start}'
            f"C55 {start - swing} 105 {middle + swing} 160 {middle}"
            f'S265 {end + swing} {WIDTH} {end}V{HEIGHT}H0z"/>'
        )
    sun = 40 + dice.below(240)
    return f'<circle cx="{sun}" cy="36" r="{12 + dice.below(8)}" fill="{inks[1]}"/>' + "".join(
        parts
    )


def _rings(dice: Dice, inks: Inks) -> str:
    """Rings that spread from a few stones in a pond."""
    parts = []
    for stone in range(3):
        x, y = 30 + stone * 110 + dice.below(50), 20 + dice.below(120)
        for step in range(1, 7):
            ink = inks[(stone + step // 4) % 3]
            parts.append(
                f'<circle cx="{x}" cy="{y}" r="{step * 14}" stroke="{ink}" '
                f'stroke-opacity="{1 - step / 8:.2g}"/>'
            )
        parts.append(f'<circle cx="{x}" cy="{y}" r="5" fill="{inks[2]}" stroke="none"/>')
    return f'<g fill="none" stroke-width="4">{"".join(parts)}</g>'


def _tiles(dice: Dice, inks: Inks) -> str:
    """Half squares, as on an old kitchen floor."""
    size, parts = 40, []
    for x in range(0, WIDTH, size):
        for y in range(0, HEIGHT, size):
            turn = dice.below(5)
            if turn == 4:
                continue
            corners = [(x, y), (x + size, y), (x + size, y + size), (x, y + size)]
            del corners[turn]
            points = " ".join(f"{a},{b}" for a, b in corners)
            parts.append(f'<polygon fill="{inks[dice.below(3)]}" points="{points}"/>')
    return "".join(parts)


def _discs(dice: Dice, inks: Inks) -> str:
    """Large discs that overlap like stained glass."""
    parts = []
    for place in range(9):
        x, y = place * 40 + dice.below(20) - 10, 10 + dice.below(140)
        radius = 22 + dice.below(40)
        parts.append(f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{inks[dice.below(3)]}"/>')
    return f'<g fill-opacity=".62">{"".join(parts)}</g>'


def _leaves(dice: Dice, inks: Inks) -> str:
    """Rows of leaves, each leaning its own way."""
    size, parts = 40, []
    for x in range(0, WIDTH, size):
        for y in range(0, HEIGHT, size):
            ink = inks[dice.below(3)]
            if dice.below(2):
                d = f"M{x} {y}q36 4 {size} {size}q-36 -4 -{size} -{size}z"
            else:
                d = f"M{x + size} {y}q-4 36 -{size} {size}q4 -36 {size} -{size}z"
            parts.append(f'<path fill="{ink}" d="{d}"/>')
    return "".join(parts)


FAMILIES: tuple[Callable[[Dice, Inks], str], ...] = (
    _arcs,
    _waves,
    _rings,
    _tiles,
    _discs,
    _leaves,
)


def cover_svg(seed: UUID) -> str:
    """The cover that belongs to this seed, as a whole SVG document of less than 3 KB."""
    dice = Dice(seed)
    family = FAMILIES[dice.below(len(FAMILIES))]
    ground, *rest = PALETTES[dice.below(len(PALETTES))]
    inks = (rest[0], rest[1], rest[2])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'preserveAspectRatio="xMidYMid slice"><path fill="{ground}" d="M0 0h{WIDTH}v{HEIGHT}H0z"/>'
        f"{family(dice, inks)}</svg>"
    )
