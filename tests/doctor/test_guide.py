"""The guide to troubles has every sentence and every line of the doctor's, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from respondeo import database_trouble
from respondeo.database_trouble import Trouble
from respondeo.doctor import CHECKS

GUIDE = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text()
TROUBLES = [each for each in vars(database_trouble).values() if isinstance(each, Trouble)]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.title)
def test_every_sentence_is_in_the_guide_as_people_read_it(trouble: Trouble) -> None:
    quoted = " ".join(line.removeprefix("> ") for line in GUIDE.splitlines() if line[:1] == ">")
    assert trouble.sentence in quoted


def test_the_guide_to_the_database_lists_what_the_doctor_says() -> None:
    written = (Path(__file__).parents[2] / "docs" / "database.md").read_text()
    titles = [line[6:24].strip() for line in written.splitlines() if line[:4] in {"ok  ", "FAIL"}]
    assert titles == [check.title for check in CHECKS][: len(titles)]
    assert len(titles) > 5
