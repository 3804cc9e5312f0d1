"""Names that people choose."""

from __future__ import annotations

import pytest

from respondeo.domain.errors import Invalid
from respondeo.domain.names import chosen_name


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Owl", "Owl"),
        ("  Night \t Owl \n", "Night Owl"),
        ("x", "x"),
        ("7", "7"),
        ("🦉", "🦉"),
        ("👩‍🏫", "👩‍🏫"),
        ("x" * 50, "x" * 50),
        ("Zoe\u0308", "Zoë"),
        ("<b>'; DROP", "<b>'; DROP"),
        ("نور", "نور"),
        ("ที่นี่", "ที่นี่"),
        ("בְּרֵאשִׁית", "בְּרֵאשִׁית"),
        ("क्ष", "क्ष"),
        ("Players", "Players"),
        ("@home", "@home"),
        ("Ada @home", "Ada @home"),
        ("Ada @ Home", "Ada @ Home"),
        ("@ ＠", "@ ＠"),
    ],
)
def test_a_name_is_stored_trimmed_and_otherwise_as_it_was_typed(typed: str, stored: str) -> None:
    assert chosen_name(typed, field="name") == stored


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Write a name"),
        (" \t\n ", "Write a name"),
        ("\u200b", "Write a name"),
        ("\u200d\u200d", "Write a name"),
        ("\u3164\u2800", "Write a name"),
        ("\u0301", "Write a name"),
        ("\ufe0f", "Write a name"),
        ("x" * 51, "at most 50"),
        ("x" * 1_000_000, "at most 50"),
        ("Owl\0", "cannot be seen"),
        ("Owl\x1b[31m", "cannot be seen"),
        ("\u202eOwl", "cannot be seen"),
        ("\u2067Owl", "cannot be seen"),
        ("O\u200bwl", "cannot be seen"),
        ("O\u00adwl", "cannot be seen"),
        ("O\ud800wl", "cannot be seen"),
        ("\ue000x", "cannot be seen"),
        ("O" + "\u0363" * 5 + "wl", "fewer marks"),
        ("jane@corp.example", "e-mail address"),
        ("Jane <jane@corp.example>", "e-mail address"),
        ("jane@corp.example (Contractor)", "e-mail address"),
        ("Jane,jane＠corp.example", "e-mail address"),
        ("Jane jane@corp", "e-mail address"),
        ("Player", "another name"),
        (" p L a Y e r ", "another name"),
        ("Ｐｌａｙｅｒ", "another name"),
        ("Pla\u200dyer", "another name"),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_a_name_that_cannot_be_shown_is_refused_with_what_to_do(typed: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        chosen_name(typed, field="display_name")
    (problem,) = refused.value.problems
    assert problem.path == "display_name"
    assert said in problem.message
