"""What people typed, as far as a page may contain it."""

from __future__ import annotations

import unicodedata

LONGEST_QUERY = 100


def printable(text: str, *, lines: bool = False) -> str:
    """What was typed, without what no page may contain; `lines` keeps line ends and tabs."""
    kept = "\n\t" if lines else ""
    return "".join(
        c for c in text if c in kept or unicodedata.category(c) not in {"Cc", "Cn", "Cs"}
    )


def words(text: str) -> str:
    """What is searched for."""
    return " ".join(text.replace("\0", " ").split())[:LONGEST_QUERY]
