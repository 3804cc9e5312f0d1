"""What keeps a draft from being published, in the order and the words of the editor."""

from __future__ import annotations

import re
from typing import Any

import pytest

from respondeo.domain.completeness import complete, problems
from respondeo.domain.draft import Draft, DraftAnswer, DraftQuestion, draft_of
from respondeo.domain.errors import Invalid
from tests.factories import document

FULL = draft_of(document(2))


def found(draft: Draft) -> list[tuple[str, str]]:
    return [(problem.path, problem.message) for problem in problems(draft)]


def with_first(**changes: Any) -> Draft:
    first, *rest = FULL.questions
    return FULL.model_copy(update={"questions": (first.model_copy(update=changes), *rest)})


def answers(*told: tuple[str, bool]) -> tuple[DraftAnswer, ...]:
    return tuple(DraftAnswer(text=text, is_correct=right) for text, right in told)


def test_a_whole_draft_becomes_the_document_that_it_says() -> None:
    doc = document(2)
    assert complete(draft_of(doc)) == doc
    assert found(draft_of(doc)) == []


def test_blank_answers_are_left_out() -> None:
    some = answers(("", False), ("a", True), (" ", False), ("b", False))
    whole = complete(with_first(answers=some))
    assert [answer.text for answer in whole.questions[0].answers] == ["a", "b"]


def test_an_empty_draft_says_all_that_is_missing_from_the_top() -> None:
    assert found(Draft()) == [
        ("title", "Write a title."),
        ("description", "Write a description: one sentence that says what the quiz is about."),
        ("questions", "Write at least one question."),
    ]
    assert found(Draft(title="t", description="d", questions=(DraftQuestion(),))) == [
        ("questions.0.text", "Write the question."),
        ("questions.0.answers", "Write at least two answers."),
    ]


@pytest.mark.parametrize(
    ("draft", "path", "sentence"),
    [
        (FULL.model_copy(update={"title": "x" * 71}), "title", "At most 70 .* these are 71"),
        (FULL.model_copy(update={"max_attempts": "few"}), "maxAttempts", "whole number"),
        (FULL.model_copy(update={"max_attempts": 0}), "maxAttempts", "Use 1 or more"),
        (
            FULL.model_copy(update={"time_limit_seconds": 10**6}),
            "timeLimitSeconds",
            "At most 24 hours",
        ),
        (FULL.model_copy(update={"hero_image_url": "http://a"}), "heroImageUrl", "https://"),
        (with_first(text=" "), "questions.0.text", "Write the question"),
        (with_first(image_url="ftp://a"), "questions.0.imageUrl", "https://"),
        (with_first(explanation="x" * 1001), "questions.0.explanation", "At most 1000"),
        (with_first(answers=answers(("a", True))), "questions.0.answers", "at least two"),
        (
            with_first(answers=answers(("a", False), ("b", False))),
            "questions.0.answers",
            "Mark the right answer",
        ),
        (
            with_first(answers=answers(("a", False), ("", True), ("b", False))),
            "questions.0.answers.1.text",
            "Write this answer",
        ),
        (
            with_first(answers=answers(("", False), ("a", True), ("b" * 301, False))),
            "questions.0.answers.2.text",
            "At most 300",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_fault_is_told_once_at_the_place_where_it_was_typed(
    draft: Draft, path: str, sentence: str
) -> None:
    (only,) = found(draft)
    assert only[0] == path
    assert re.search(sentence, only[1])
    with pytest.raises(Invalid):
        complete(draft)


def test_faults_come_in_the_order_of_the_editor() -> None:
    bad = tuple(
        DraftQuestion(text="", answers=answers(("a", False), ("b", False))) for _ in range(11)
    )
    draft = FULL.model_copy(update={"description": "", "title": "", "questions": bad})
    assert [path for path, _ in found(draft)] == [
        "title",
        "description",
        *(f"questions.{place}.{part}" for place in range(11) for part in ("text", "answers")),
    ]
