"""Quizzes as files: exact round trips, and files that nobody should trust."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respondeo.domain.completeness import complete, problems
from respondeo.domain.document import Document
from respondeo.domain.draft import Draft, DraftAnswer, DraftQuestion, draft_of
from respondeo.domain.errors import Invalid
from respondeo.domain.exchange import (
    LARGEST_FILE,
    exported,
    imported,
    json_schema,
    place_in_words,
)
from tests.factories import document

ADDRESS = "https://quiz.example/quiz/schema.json"
DOCS = Path(__file__).parent.parent.parent / "docs"
DEMO = Path(__file__).parent.parent.parent / "respondeo" / "demo" / "content"


def refused(file: bytes | str | dict[str, Any] | list[Any]) -> dict[str, str]:
    """What is said about a file that cannot be read: the sentences by their paths."""
    if not isinstance(file, bytes):
        file = (file if isinstance(file, str) else json.dumps(file)).encode()
    with pytest.raises(Invalid) as invalid:
        imported(file)
    return {problem.path: problem.message for problem in invalid.value.problems}


# -- round trips -----------------------------------------------------------------------------


def test_what_is_exported_and_imported_again_is_the_same_byte_for_byte() -> None:
    draft = draft_of(document(3, title="Ünïcode \u202e <b>&amp; 🎼", max_attempts=2))
    file = exported(draft, ADDRESS)
    again = imported(file.encode())
    assert again == draft
    assert [q.uid for q in again.questions] == [q.uid for q in draft.questions]
    assert exported(again, ADDRESS) == file


@pytest.mark.parametrize("path", sorted(DEMO.glob("*.json")), ids=lambda path: path.stem)
def test_the_demo_quizzes_survive_the_round_trip(path: Path) -> None:
    original = Document.model_validate(json.loads(path.read_text())["document"])
    assert complete(imported(exported(draft_of(original), ADDRESS).encode())) == original


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
ANSWERS = st.lists(
    st.builds(DraftAnswer, text=TEXT, is_correct=st.booleans()), max_size=6
).map(tuple)  # fmt: skip
QUESTIONS = st.lists(
    st.builds(DraftQuestion, text=TEXT, explanation=st.none() | TEXT, answers=ANSWERS), max_size=4
).map(tuple)
DRAFTS = st.builds(
    Draft,
    title=TEXT,
    max_attempts=st.none() | TEXT | st.integers(-1000, 1000),
    time_limit_seconds=TEXT | st.integers(0, 1000),
    questions=QUESTIONS,
)


@settings(max_examples=60, deadline=None)
@given(DRAFTS)
def test_any_draft_survives_the_round_trip_however_unfinished(draft: Draft) -> None:
    file = exported(draft, ADDRESS)
    assert imported(file.encode()) == draft
    assert exported(imported(file.encode()), ADDRESS) == file


def test_an_unfinished_file_is_read_and_says_what_is_to_finish() -> None:
    draft = imported(b'{"title": "Rivers"}')
    assert (draft.title, draft.questions) == ("Rivers", ())
    assert [problem.path for problem in problems(draft)] == ["description", "questions"]


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b" \r\n\t"], ids=["plain", "bom", "blank"])
def test_a_byte_order_mark_and_blanks_before_it_do_no_harm(start: bytes) -> None:
    assert imported(start + b'{"title": "Rivers"}').title == "Rivers"


def test_the_address_of_the_schema_may_be_any_or_none() -> None:
    for schema in ({}, {"$schema": ADDRESS}, {"$schema": "../somewhere.json"}):
        assert imported(json.dumps(schema | {"title": "Rivers"}).encode()).title == "Rivers"
    assert refused({"$schema": 7}) == {"$schema": "Write an address here, or leave it out."}


# -- what is wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"", "nothing in it"),
        (b" \n ", "nothing in it"),
        (b'{"title": "x",\n "description" "y"}', "line 2, column 16"),
        (b'{"title": "a\tb"}', "line 1, column 13"),
        (b'{"title": "a\0b"}', "line 1, column 13"),
        (b"<html>", "line 1, column 1"),
        (b'{"title": "x"} {}', "line 1, column 16"),
        ('{"title": "é"}'.encode("latin-1"), "Line 1 is not UTF-8"),
        ('{"title": "é"}'.encode("utf-16"), "UTF-16"),
        ('{"title": "é"}'.encode("utf-16-le"), "UTF-16"),
        ('{"title": "é"}'.encode("utf-16-be"), "UTF-16"),
        ('{"title": "é"}'.encode("utf-32"), "UTF-16 or UTF-32"),
        (b'{"maxAttempts": NaN}', "NaN is no JSON"),
        (b'{"maxAttempts": -Infinity}', "-Infinity is no JSON"),
        (b'{"maxAttempts": 1e999}', "1e999 is too large"),
        (b'{"maxAttempts": ' + b"9" * 5000 + b"}", "is too large"),
        (b'{"title": "x", "title": "y"}', "“title” twice"),
        (b'{"a\\ud800": 1, "a\\ud800": 2}', "twice"),
        (b"[" * 100_000, "too deep"),
        (b"[" * 100_000 + b"]" * 100_000, "too deep"),
        (b'{"questions": ' + b"[" * 300 + b"]" * 300 + b"}", "too deep"),
        (b"{" + b",".join(b'"%d":1' % n for n in range(41)) + b"}", "41 fields"),
        (b'{"' + b"x" * 5000 + b'": [' + b"1," * 40_000 + b"1]}", "no such field"),
        (b'{"questions": [' + b"1," * 100_000 + b"1]}", "many more parts"),
        (b'{"questions": [' + b'{"a":[1,2,3]},' * 30_000 + b"1]}", "many more parts"),
        (b" " * (LARGEST_FILE + 1), "too large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_quiz_is_refused_in_one_sentence(file: bytes, words: str) -> None:
    said = refused(file)
    assert list(said) == ["file"]
    assert words in said["file"]
    assert len(said["file"]) < 200


def test_every_fault_of_shape_is_told_with_its_place() -> None:
    question = {"text": 7, "answers": [{"text": "a", "isCorrect": "yes", "right": True}]}
    assert refused(
        {
            "title": None,
            "maxAttempts": True,
            "timeLimitSeconds": 1.5,
            "language": "tlh",
            "colour": "red",
            "questions": [{"text": "ok"}, question, "What?", {"uid": "7", "answers": {}}],
        }
    ) == {
        "title": "Write text here.",
        "maxAttempts": "Write a whole number.",
        "timeLimitSeconds": "Write a whole number.",
        "language": "Choose one of 'en', 'es', 'fr', 'de', 'sv', 'pt', 'it', 'nl', 'pl', 'ja', 'zh'"
        " or 'ko'.",
        "colour": "There is no such field.",
        "questions.1.text": "Write text here.",
        "questions.1.answers.0.isCorrect": "Use true or false.",
        "questions.1.answers.0.right": "There is no such field.",
        "questions.2": "Here must be an object, in braces.",
        "questions.3.uid": "Write a UUID, or leave the uid out: a new one is made.",
        "questions.3.answers": "Here must be a list, in brackets.",
    }


@pytest.mark.parametrize("root", ["[]", "null", '"quiz"', "7", "true"])
def test_a_file_must_hold_an_object(root: str) -> None:
    assert refused(root) == {"file": "Here must be an object, in braces."}


def test_texts_that_nothing_can_store_are_named() -> None:
    nulls = {"questions": [{"text": "a\0b"}]}
    halves = {"title": "ok", "questions": [{"answers": [{"text": "a\ud800b"}]}, {"\udfff": 1}]}
    assert refused(nulls)["questions.0.text"].startswith("Remove the null character")
    assert list(refused(halves)) == ["questions.0.answers.0.text", "questions.1"]


def test_of_very_many_faults_the_first_thousand_are_told() -> None:
    assert len(refused({"questions": ["\ud800"] * 2000})) == 1000
    assert len(refused({"questions": [{"answers": [1] * 6}] * 400})) == 1000


def test_too_many_questions_and_answers_and_too_long_texts_are_refused() -> None:
    assert "At most 500" in refused({"questions": [{}] * 501})["questions"]
    assert "At most 6" in refused({"questions": [{"answers": [{}] * 7}]})["questions.0.answers"]
    assert "At most 20000 characters" in refused({"title": "x" * 20_001})["title"]


def test_uids_must_differ() -> None:
    uid = "0b7c2f4e-54a4-4f57-8a45-6d5d5f5f0001"
    assert refused({"questions": [{"uid": uid}, {"uid": uid}]}) == {
        "file": "Two questions have the same uid."
    }


def test_places_are_told_as_people_count() -> None:
    assert place_in_words("questions.3.answers.0.text") == "Question 4, answer 1, text"
    assert place_in_words("questions.0") == "Question 1"
    assert place_in_words("questions") == "questions"
    assert place_in_words("maxAttempts") == "maxAttempts"
    assert place_in_words("file") == "The file"


# -- the schema ------------------------------------------------------------------------------


def test_the_schema_in_the_docs_is_the_one_that_is_published() -> None:
    text = json.dumps(json_schema("/quiz/schema.json"), ensure_ascii=False, indent=2) + "\n"
    committed = DOCS / "quiz-schema.json"
    assert committed.read_text() == text, "write this text to docs/quiz-schema.json"


def test_the_schema_names_its_dialect_and_every_field_of_an_export() -> None:
    schema = json_schema(ADDRESS)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == ADDRESS
    file = json.loads(exported(draft_of(document(1)), ADDRESS))
    question = file["questions"][0]
    for part, described in (
        (file, schema),
        (question, schema["$defs"]["Question"]),
        (question["answers"][0], schema["$defs"]["Answer"]),
    ):
        assert list(part) == list(described["properties"])
        assert described["additionalProperties"] is False


def test_the_example_in_the_guide_is_a_quiz_that_could_be_published() -> None:
    guide = (DOCS / "quiz-format.md").read_text()
    example = guide.split("```json\n")[1].split("```")[0]
    assert complete(imported(example.encode())).title == "Capitals of the north"
