"""Which published rows of a question say the same, and when it changed."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

from respondeo.domain.wordings import Published, WordedAnswer, changed_in, wordings

UID, YES, NO = uuid4(), uuid4(), uuid4()


def answer(uid: UUID, text: str, *, right: bool = False) -> WordedAnswer:
    return WordedAnswer(uuid4(), uid, text, right)


def published(first: int, last: int, text: str = "Is it?", **changes: object) -> Published:
    answers = (answer(YES, "Yes", right=True), answer(NO, "No"))
    row = Published(uuid4(), UID, text, None, None, answers, first, last)
    return replace(row, **changes)  # type: ignore[arg-type]


def test_a_question_that_never_changed_has_one_wording() -> None:
    row = published(1, 4)
    assert [wording.rows for wording in wordings([row])] == [(row,)]
    assert changed_in([row]) is None


def test_another_explanation_or_order_of_answers_is_the_same_wording() -> None:
    first = published(1, 1)
    turned = published(2, 3, answers=(answer(NO, "No"), answer(YES, "Yes", right=True)))
    (wording,) = wordings([turned, first])
    assert wording.rows == (first, turned)
    assert wording.versions == (1, 3)
    assert changed_in([first, turned]) is None


def test_text_picture_answers_and_what_is_right_make_another_wording() -> None:
    first = published(1, 1)
    for changes in (
        {"text": "Is it not?"},
        {"image_url": "https://pictures.example/x"},
        {"answers": first.answers[:1]},
        {"answers": (answer(YES, "Sure", right=True), answer(NO, "No"))},
        {"answers": (answer(YES, "Yes"), answer(NO, "No", right=True))},
    ):
        second = published(2, 2, **changes)
        assert [wording.rows for wording in wordings([first, second])] == [(second,), (first,)]
        assert changed_in([first, second]) == 2


def test_a_wording_that_came_back_counts_with_its_former_self() -> None:
    first, second, third = published(1, 1), published(2, 4, "Really?"), published(5, 6)
    now, before = wordings([second, third, first])
    assert now.rows == (first, third)
    assert before.rows == (second,)
    assert changed_in([first, second, third]) == 5
