"""Text that is safe to open in a spreadsheet, and names of files that every system takes."""

from __future__ import annotations

import re
import unicodedata

# What makes a spreadsheet calculate a cell, in all widths in which it can be written. It may hide
# behind white space, quotation marks and characters that are not seen.
_SIGNS = "=+\\-@＝＋－＠﹦﹢﹣﹫−"
_UNSEEN = (
    "\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
)
_HIDDEN = f"\\s\"'{_UNSEEN}"

# Where a cell begins: at its beginning, and where a spreadsheet that takes another separator than
# the comma (many countries' do) would begin one in the middle.
_FORMULA = re.compile(f"(^|[;|\\t\\r\\n])(?=[{_HIDDEN}]*[{_SIGNS}])")
_CONTROL_FIRST = re.compile("^[\\t\\r\\n]")


def safe_cell(text: str) -> str:
    """The text as it may stand in a CSV file: what could be a formula gets an apostrophe before it.

    Source: OWASP, "CSV Injection". Quoting the cell is the writer's part.
    """
    safe = _FORMULA.sub(r"\1'", text)
    return f"'{safe}" if _CONTROL_FIRST.match(safe) else safe


def file_name(title: str, ending: str) -> str:
    """A file's name from a title: letters, digits and single spaces, then what it is."""
    kept = "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in title)
    return f"{' '.join(kept.split()) or 'Quiz'} {ending}"
