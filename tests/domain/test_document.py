"""What a quiz document may say, and where an error in it is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from respondeo.domain.document import Document

LANGUAGES = ["en", "es", "fr", "de", "sv", "pt", "it", "nl", "pl", "ja", "zh", "ko"]


def told(**changes: Any) -> dict[str, Any]:
    """A document as JSON would bring it."""
    return {
        "title": "Rivers",
        "description": "Of Europe.",
        "questions": [asked()],
    } | changes


def asked(**changes: Any) -> dict[str, Any]:
    return {"text": "Which is longest?", "answers": options(2)} | changes


def options(count: int, *, right: int = 1) -> list[dict[str, Any]]:
    return [{"text": f"No. {n}", "isCorrect": n < right} for n in range(count)]


def first_question(**changes: Any) -> dict[str, Any]:
    return told(questions=[asked(**changes)])


@pytest.mark.parametrize(
    "document",
    [
        told(title="x"),
        told(title="x" * 70),
        told(title="  " + "ü" * 70 + "\n"),
        told(description="d" * 120),
        told(timeLimitSeconds=0),
        told(maxAttempts=1),
        told(maxAttempts=None),
        told(heroImageUrl="https://pictures.example/a.png"),
        told(heroImageUrl="/media/abc"),
        *(told(language=language) for language in LANGUAGES),
        *(told(difficulty=difficulty) for difficulty in ("easy", "medium", "hard")),
        *(told(feedback=feedback) for feedback in ("each", "end")),
        *(told(reveal=reveal) for reveal in ("safe", "always")),
        first_question(answers=options(6, right=6)),
        first_question(text="<b>&amp; \" '</b> \U0001f600"),
    ],
)
def test_a_document_inside_the_limits_is_taken(document: dict[str, Any]) -> None:
    Document.model_validate(document)


SAME = "5f8e6a1c-6f0e-4a3e-9c7e-0d2f6f8b1a11"


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (told(title=" \t "), "title"),
        (told(title="x" * 71), "title"),
        (told(title="nothing\x00ness"), "title"),
        (told(description="x" * 121), "description"),
        (told(description=""), "description"),
        (told(heroImageUrl="http://pictures.example/a.png"), "heroImageUrl"),
        (told(heroImageUrl="javascript:alert(1)"), "heroImageUrl"),
        (told(language="xx"), "language"),
        (told(difficulty="deadly"), "difficulty"),
        (told(maxAttempts=0), "maxAttempts"),
        (told(timeLimitSeconds=-1), "timeLimitSeconds"),
        (told(timeLimitSeconds=86_401), "timeLimitSeconds"),
        (told(feedback="never"), "feedback"),
        (told(reveal="yes"), "reveal"),
        (told(author="me"), "author"),
        (told(questions=[]), "questions"),
        (told(questions=[asked(uid=SAME), asked(uid=SAME)]), ""),
        (first_question(text="x" * 501), "questions.0.text"),
        (first_question(explanation="x" * 1001), "questions.0.explanation"),
        (first_question(imageUrl="ftp://x"), "questions.0.imageUrl"),
        (first_question(kind="essay"), "questions.0.kind"),
        (first_question(answers=options(1)), "questions.0.answers"),
        (first_question(answers=options(7)), "questions.0.answers"),
        (first_question(answers=options(3, right=0)), "questions.0"),
        (
            first_question(answers=[option | {"uid": SAME} for option in options(2)]),
            "questions.0",
        ),
        (told(questions=[asked(), asked(answers=[*options(2), {"text": "?"}])]),
         "questions.1.answers.2.isCorrect"),
    ],
)  # fmt: skip
def test_an_error_names_its_place(document: dict[str, Any], path: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Document.model_validate(document)
    assert [".".join(map(str, e["loc"])) for e in caught.value.errors()] == [path]


def test_what_nobody_said_has_the_documented_default() -> None:
    document = Document.model_validate(told())
    assert (document.feedback, document.reveal) == ("each", "safe")
    assert (document.max_attempts, document.time_limit_seconds) == (None, 0)
    assert not document.randomize_questions
    assert not document.randomize_answers


def test_export_and_import_give_the_same_document_with_the_same_uids() -> None:
    document = Document.model_validate(told())
    exported = document.model_dump_json(by_alias=True)
    assert Document.model_validate_json(exported) == document
    assert isinstance(document.questions[0].uid, UUID)
    assert '"timeLimitSeconds":0' in exported
