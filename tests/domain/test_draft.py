"""Changes to a draft, each of which may be sent twice."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from respondeo.domain.draft import (
    LONGEST_TEXT,
    Draft,
    DraftAnswer,
    DraftQuestion,
    draft_of,
    duplicated,
    inserted,
    moved,
    removed,
    tidied,
    with_question,
)
from respondeo.domain.errors import Invalid
from tests.factories import document

ONE, TWO, THREE, OTHER = (UUID(int=number) for number in range(1, 5))


def asked(uid: UUID, text: str = "") -> DraftQuestion:
    return DraftQuestion(uid=uid, text=text or f"Question {uid.int}?")


THREE_QUESTIONS = Draft(questions=(asked(ONE), asked(TWO), asked(THREE)))


def order(draft: Draft) -> list[int]:
    return [question.uid.int for question in draft.questions]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda draft: inserted(draft, asked(OTHER), 0), [4, 1, 2, 3]),
        (lambda draft: inserted(draft, asked(OTHER), 99), [1, 2, 3, 4]),
        (lambda draft: inserted(draft, asked(OTHER), -5), [4, 1, 2, 3]),
        (lambda draft: duplicated(draft, ONE, OTHER), [1, 4, 2, 3]),
        (lambda draft: duplicated(draft, uuid4(), OTHER), [1, 2, 3]),
        (lambda draft: removed(draft, TWO), [1, 3]),
        (lambda draft: removed(draft, OTHER), [1, 2, 3]),
        (lambda draft: moved(draft, ONE, 2), [2, 3, 1]),
        (lambda draft: moved(draft, THREE, 0), [3, 1, 2]),
        (lambda draft: moved(draft, TWO, 99), [1, 3, 2]),
        (lambda draft: moved(draft, TWO, -1), [2, 1, 3]),
        (lambda draft: moved(draft, OTHER, 0), [1, 2, 3]),
        (lambda draft: with_question(draft, asked(TWO, "Anew?")), [1, 2, 3]),
        (lambda draft: with_question(draft, asked(OTHER)), [1, 2, 3]),
    ],
)
def test_a_change_sent_twice_is_made_once(
    change: Callable[[Draft], Draft], expected: list[int]
) -> None:
    once = change(THREE_QUESTIONS)
    assert order(once) == expected
    assert change(once) == once


def test_a_copy_says_the_same_under_uids_of_its_own() -> None:
    draft = draft_of(document(2))
    original, copy, _ = duplicated(draft, draft.questions[0].uid, OTHER).questions
    assert (copy.uid, copy.text, copy.explanation) == (OTHER, original.text, original.explanation)
    assert [(a.text, a.is_correct) for a in copy.answers] == [
        (a.text, a.is_correct) for a in original.answers
    ]
    assert not {a.uid for a in copy.answers} & {a.uid for a in original.answers}


def test_there_are_at_most_500_questions() -> None:
    full = Draft(questions=tuple(asked(uuid4(), "x") for _ in range(500)))
    with pytest.raises(Invalid, match="at most 500"):
        inserted(full, asked(uuid4()), 0)
    with pytest.raises(Invalid, match="at most 500"):
        duplicated(full, full.questions[0].uid, uuid4())


def test_a_draft_keeps_what_was_typed_where_a_number_was_asked() -> None:
    draft = Draft.model_validate({"maxAttempts": "a few", "timeLimitSeconds": "1:2:3"})
    assert (draft.max_attempts, draft.time_limit_seconds) == ("a few", "1:2:3")
    assert Draft.model_validate_json(draft.model_dump_json(by_alias=True)) == draft


@pytest.mark.parametrize(
    "values",
    [
        {"title": "a\0b"},
        {"title": "x" * (LONGEST_TEXT + 1)},
        {"title": None},
        {"language": "xx"},
        {"maxAttempts": 10**10},
        {"author": "somebody"},
        {"questions": [{"uid": str(ONE)}, {"uid": str(ONE)}]},
        {"questions": [{"answers": [{"uid": str(ONE)}, {"uid": str(ONE)}]}]},
        {"questions": [{"answers": [{} for _ in range(7)]}]},
        {"questions": [{} for _ in range(501)]},
        {"questions": [{"uid": "no uid"}]},
        {"questions": [{"text": "\ud800"}]},
    ],
    ids=lambda values: str(values)[:40],
)
def test_what_no_author_can_type_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Draft.model_validate(values)


def test_tidying_leaves_blank_answers_and_blanks_out() -> None:
    marked = DraftAnswer(text=" ", is_correct=True)
    draft = Draft(
        title=" A quiz ",
        hero_image_url="  ",
        questions=(
            DraftQuestion(
                text="Which?\n",
                image_alt="of nothing",
                explanation=" ",
                answers=(DraftAnswer(text=" a "), DraftAnswer(text="\t"), marked),
            ),
        ),
    )
    tidy = tidied(draft)
    question = tidy.questions[0]
    assert (tidy.title, tidy.hero_image_url) == ("A quiz", None)
    assert (question.text, question.image_alt, question.explanation) == ("Which?", None, None)
    assert [(a.text, a.is_correct) for a in question.answers] == [("a", False), ("", True)]
    assert tidied(tidy) == tidy


def test_a_document_and_its_draft_say_the_same() -> None:
    doc = document(3, max_attempts=2, time_limit_seconds=60)
    draft = draft_of(doc)
    assert tidied(draft) == draft
    assert draft.model_dump_json(by_alias=True) == doc.model_dump_json(by_alias=True)
