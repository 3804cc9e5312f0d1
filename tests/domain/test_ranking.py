"""Shared ranks, over pages, and grading."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respondeo.domain.document import QuestionKind
from respondeo.domain.grading import GRADERS
from respondeo.domain.ranking import ranked


@dataclass(frozen=True)
class Line:
    score: int
    time_ms: int


BOARD = [Line(9, 10), Line(8, 20), Line(8, 20), Line(8, 21), Line(7, 5)]
RANKS = [1, 2, 2, 4, 5]


def test_equal_score_and_time_share_a_rank_and_the_next_one_is_left_out() -> None:
    assert [rank for rank, _ in ranked(BOARD)] == RANKS


@pytest.mark.parametrize("before", range(len(BOARD)))
def test_a_page_goes_on_where_the_page_before_it_stopped(before: int) -> None:
    page = ranked(BOARD[before:], first_rank=RANKS[before], before=before)
    assert [rank for rank, _ in page] == RANKS[before:]


lines = st.lists(st.builds(Line, st.integers(0, 3), st.integers(0, 3)), min_size=1)


@given(lines=lines)
def test_a_rank_is_one_more_than_the_number_of_better_rows(lines: list[Line]) -> None:
    board = sorted(lines, key=lambda line: (-line.score, line.time_ms))
    for rank, row in ranked(board):
        better = [r for r in lines if (-r.score, r.time_ms) < (-row.score, row.time_ms)]
        assert rank == len(better) + 1


def test_an_empty_page_has_no_ranks() -> None:
    assert list(islice(ranked([]), 1)) == []


def test_a_choice_is_right_where_it_is_one_of_the_right_answers() -> None:
    first, second, wrong = uuid4(), uuid4(), uuid4()
    grade = GRADERS[QuestionKind.CHOICE].is_correct
    assert [grade(chosen, {first, second}) for chosen in (first, second, wrong)] == [
        True,
        True,
        False,
    ]


def test_every_kind_of_question_has_its_grader() -> None:
    assert set(GRADERS) == set(QuestionKind)
