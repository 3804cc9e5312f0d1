"""Names that people choose: what can be shown beside others on a board."""

from __future__ import annotations

import re
import unicodedata

from respondeo.domain.errors import Invalid, Problem

LONGEST_CHOSEN = 50  # characters
LONGEST_REAL = 100
MOST_MARKS = 4
"""So many marks may stand on one letter; some scripts need as many, "zalgo" needs more."""

HIDDEN_NAME = "Player"
"""What others see of a person who hides; nobody may call themselves so."""

# Emoji of several parts and some Indic words are joined by these; on their own they are nothing.
_JOINERS = frozenset("\u200c\u200d")
# Letters and symbols to Unicode, nothing to the eye.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_MARKS = ("Mn", "Me")
# The wider signs look the same to whoever reads them.
_ADDRESS = re.compile(r"<*[^\s@＠﹫<>]+[@＠﹫][^\s@＠﹫<>]+>*")


def without_addresses(text: str) -> str:
    """The text in single spaces and without e-mail addresses, which are nobody else's business."""
    return " ".join(_ADDRESS.sub(" ", text).split())


def chosen_name(text: str, *, field: str, longest: int = LONGEST_CHOSEN) -> str:
    """The name as it is stored: composed, trimmed, single spaces. Two people may have the same.

    Raises Invalid naming `field`.
    """
    # What is much too long is not even looked at: composing takes time.
    name = " ".join(unicodedata.normalize("NFC", text[: longest * 20]).split())
    problem = _problem_of(name, longest)
    if problem is None and without_addresses(name) != name:
        problem = "Leave out the e-mail address: others would see it."
    if problem is not None:
        raise Invalid(Problem(field, problem))
    return name


def _problem_of(name: str, longest: int) -> str | None:
    problem = unseen(name, longest)
    if problem is not None:
        return problem
    marks = "".join("m" if unicodedata.category(one) in _MARKS else "-" for one in name)
    if re.search(f"m{{{MOST_MARKS + 1}}}", marks):
        return "Use fewer marks on one letter."
    if _letters(name) == _letters(HIDDEN_NAME):
        return f"Choose another name: “{HIDDEN_NAME}” is what people who hide are called."
    return None


def unseen(name: str, longest: int) -> str | None:
    """What is wrong with a name that people are to read, at most this long; None: nothing."""
    kinds = [unicodedata.category(character) for character in name]
    if not any(map(_is_seen, name, kinds)):
        return "Write a name that can be seen."
    if len(name) > longest:
        return f"Use at most {longest} characters."
    if any(kind[0] == "C" and char not in _JOINERS for char, kind in zip(name, kinds, strict=True)):
        return "Leave out characters that cannot be seen."
    return None


def _is_seen(character: str, kind: str) -> bool:
    return kind[0] in "LNPS" and character not in _BLANK


def _letters(name: str) -> str:
    """What is left of a name for who reads it quickly: no case, width, spaces or joiners."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in plain if c not in _JOINERS and not c.isspace())
