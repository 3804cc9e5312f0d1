"""What publishing a draft would change."""

from __future__ import annotations

from respondeo.domain.differences import Change, DetailChange, differences
from respondeo.domain.draft import DraftAnswer, DraftQuestion, draft_of, inserted, moved, removed
from tests.factories import document

PUBLISHED = document(3)
SAME = draft_of(PUBLISHED)
FIRST, SECOND, THIRD = SAME.questions


def test_blanks_are_no_difference() -> None:
    spaced = FIRST.model_copy(
        update={"text": f" {FIRST.text}", "answers": (*FIRST.answers, DraftAnswer())}
    )
    draft = SAME.model_copy(update={"title": " A quiz ", "questions": (spaced, SECOND, THIRD)})
    assert not differences(PUBLISHED, draft)


def test_each_detail_that_differs_is_told_with_both_values() -> None:
    changed = SAME.model_copy(update={"title": "Another", "max_attempts": "few"})
    assert differences(PUBLISHED, changed).details == (
        DetailChange("title", "A quiz", "Another"),
        DetailChange("max_attempts", None, "few"),
    )


def test_questions_are_new_reworded_or_removed_by_their_uid() -> None:
    new = DraftQuestion(text="New?")
    reworded = SECOND.model_copy(update={"answers": SECOND.answers[::-1]})
    draft = inserted(
        removed(SAME.model_copy(update={"questions": (FIRST, reworded, THIRD)}), FIRST.uid), new, 0
    )
    told = differences(PUBLISHED, draft)
    assert [(one.change, one.place) for one in told.questions] == [
        (Change.ADDED, 0),
        (Change.REWORDED, 1),
        (Change.REMOVED, 0),
    ]
    assert [(one.before, one.after) for one in told.questions] == [
        (None, new),
        (SECOND, reworded),
        (FIRST, None),
    ]
    assert not told.reordered


def test_another_order_of_the_same_questions_is_told_as_such() -> None:
    told = differences(PUBLISHED, moved(SAME, THIRD.uid, 0))
    assert told.reordered
    assert told.questions == ()
