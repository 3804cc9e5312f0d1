"""Exporting and importing quizzes on their pages: a look first, then exactly that."""

from __future__ import annotations

import io
import json
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

from respondeo.domain.document import Document
from respondeo.domain.draft import Draft
from respondeo.models import Quiz, QuizDraft
from respondeo.services import authoring
from tests.client import SAME_ORIGIN, Client, Page
from tests.factories import add_user, document, question
from tests.web.apps import AppWith
from tests.web.places import person_with


@pytest.fixture
def teaching(app_with: AppWith) -> Flask:
    return app_with(rbac_role_creator_groups="teachers")


@pytest.fixture
def me(committed: Session) -> UUID:
    return person_with(committed, "A Teacher", "teachers")


@pytest.fixture
def teacher(teaching: Flask, me: UUID) -> Client:
    client = Client(teaching)
    client.sign_in(me)
    return client


def written(committed: Session, author_id: UUID, draft: Draft | Document) -> UUID:
    quiz = authoring.create_quiz(committed, author_id, draft)
    committed.commit()
    return quiz.id


def send(client: Client, file: bytes | None = None, **fields: str) -> TestResponse:
    """Send the import form as a browser does; a field for a file is there also without one."""
    chosen = FileStorage(io.BytesIO(file or b""), "" if file is None else "quiz.json")
    boundary, body = encode_multipart(MultiDict([*fields.items(), ("file", chosen)]))
    return client.open(
        "/quiz/import",
        method="POST",
        data=body,
        content_type=f"multipart/form-data; boundary={boundary}",
        headers=SAME_ORIGIN,
    )


def create(client: Client, page: Page) -> TestResponse:
    """Press the button under the preview."""
    return send(client, None, **page.fields("#create-form"))


def quizzes(committed: Session) -> int:
    committed.rollback()
    return committed.scalar(sa.select(sa.func.count(Quiz.id))) or 0


EVIL = "<b>\"&'</b>\u202e"
WHOLE = document(3, title=EVIL, description="Ünï — 日本", max_attempts=2, time_limit_seconds=90)


def test_a_file_goes_out_and_comes_in_again_byte_for_byte(
    teacher: Client, committed: Session, me: UUID
) -> None:
    quiz_id = written(committed, me, WHOLE)
    exported = teacher.get(f"/quiz/{quiz_id}/quiz.json")
    file = exported.get_data()
    assert exported.headers["Content-Disposition"].startswith("attachment; filename=")
    assert exported.mimetype == "application/json"
    assert exported.headers["Cache-Control"] == "private, no-store"
    page = Page(send(teacher, file))
    assert (page.status, quizzes(committed)) == (200, 1)
    made = create(teacher, page)
    assert made.status_code == 303
    copy_id = UUID(made.location.split("/")[2])
    assert made.location == f"/quiz/{copy_id}/edit"
    assert teacher.get(f"/quiz/{copy_id}/quiz.json").get_data() == file
    committed.rollback()
    copy = committed.get_one(Quiz, copy_id)
    assert (copy.author_id, copy.published_at, copy.current_version_id) == (me, None, None)


def test_the_preview_shows_all_of_it_with_the_right_answers_marked(
    teacher: Client, committed: Session
) -> None:
    two = question(2, right={1, 2}, image_url="https://pictures.example/x", image_alt="A cat")
    doc = WHOLE.model_copy(update={"questions": (question(1), two)})
    page = Page(send(teacher, document=doc.model_dump_json(by_alias=True)))
    said = page.words()
    for words in (EVIL, "Ünï — 日本", "1 minute 30 seconds", "2 questions", "Because of 2."):
        assert words in said
    assert "https://pictures.example/x" in said
    assert not page.all("main img"), "nothing is asked of another host for a look"
    right = [one.query("span")[0].to_text() for one in page.all(".wording li.is-right")]
    assert right == ["Answer A of 1", "Answer B of 2", "Answer C of 2"]
    assert quizzes(committed) == 0


def test_what_is_to_finish_is_listed_and_the_quiz_may_be_made_all_the_same(
    teacher: Client, committed: Session
) -> None:
    page = Page(send(teacher, b'{"questions": [{"text": "Why?"}], "timeLimitSeconds": "soon"}'))
    assert [" ".join(one.to_text().split()) for one in page.all(".faults li")] == [
        "title: Write a title.",
        "description: Write a description: one sentence that says what the quiz is about.",
        "timeLimitSeconds: Write minutes and seconds, like 5:30, or nothing.",
        "Question 1, answers: Write at least two answers.",
    ]
    assert "Untitled quiz" in page.title()
    assert create(teacher, page).status_code == 303
    committed.rollback()
    stored = committed.scalars(sa.select(QuizDraft.document)).one()
    assert (stored["timeLimitSeconds"], stored["title"]) == ("soon", "")


def test_a_double_click_makes_one_quiz(teacher: Client, committed: Session) -> None:
    page = Page(send(teacher, b'{"title": "Rivers"}'))
    assert create(teacher, page).location == create(teacher, page).location
    assert quizzes(committed) == 1


def test_the_document_of_the_form_is_checked_again(teacher: Client, committed: Session) -> None:
    for forged in (
        "",
        "{",
        "[]",
        '{"title": 7}',
        '{"author": "me"}',
        "\0",
        '{"title": "a\\u0000"}',
    ):
        page = Page(send(teacher, action="create", document=forged, quiz=str(uuid4())))
        assert page.status == 422
        assert page.all("#faults li")
    assert quizzes(committed) == 0


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"", "The file: There is nothing in it."),
        (b'{"title":\n "x",}', "The file: This is no JSON: line 2, column 6"),
        ('{"title": "é"}'.encode("utf-16"), "The file: This file is UTF-16"),
        (b'{"title": "a\\u0000b"}', "title: Remove the null character"),
        (b'{"title": "a\\ud800b"}', "title: This text holds half a character"),
        (b'{"a\\ud800b": 1}', "The file: A field’s name holds half a character"),
        (b'{"a\\u0000b": 1}', "There is no such field."),
        (b'{"title": "x", "title": "y"}', "The file: One object has the field “title” twice."),
        (b'{"maxAttempts": NaN}', "The file: NaN is no JSON"),
        (b'{"questions": [{"answers": 7}]}', "Question 1, answers: Here must be a list"),
        (b"[" * 1_000_000, "too deep"),
        (b'"' + b"x" * 2_999_000 + b'"', "The file: Here must be an object"),
        (b" " * 3_000_001, "The file: This file is too large: at most 3 MB are read."),
        (b" " * 9_500_000, "The file: At most 3 MB are read."),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "The file: Line 1 is not UTF-8."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_said_and_nothing_is_written(
    teacher: Client, committed: Session, file: bytes, words: str
) -> None:
    page = Page(send(teacher, file))
    assert page.status == 422
    assert words in page.words("#faults")
    assert len(page.all("[autofocus]")) == 1
    assert not page.all("#create-form")
    assert quizzes(committed) == 0


def test_what_was_pasted_is_there_to_be_mended_and_has_the_focus(teacher: Client) -> None:
    pasted = '{\n\t"title": <b>"é\ud83d\ude00'
    page = Page(send(teacher, document=pasted.encode("utf-16", "surrogatepass").decode("utf-16")))
    assert page.status == 422
    assert "line 2, column 11" in page.words("#faults")
    field = page.one("#import-text")
    assert field.to_text(strip=False).strip("\n").startswith('{\n\t"title": <b>"é😀')
    assert "autofocus" in field.attrs


def test_of_very_many_faults_fifty_are_shown(teacher: Client) -> None:
    faults = json.dumps({"questions": [{"text": 7}] * 200})
    page = Page(send(teacher, faults.encode()))
    assert len(page.all("#faults li")) == 50
    assert "And 150 more." in page.words("#faults")


def test_a_quiz_that_is_larger_than_a_draft_may_be_is_refused_when_it_is_made(
    teacher: Client, committed: Session
) -> None:
    long_ = "x" * 19_000
    file = json.dumps({"questions": [{"text": long_} for _ in range(120)]}).encode()
    page = Page(send(teacher, file))
    assert page.status == 200
    refused = Page(create(teacher, page))
    assert refused.status == 422
    assert "This quiz is too long: its texts exceed 2 MB." in refused.words("#faults")
    assert quizzes(committed) == 0


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Rivers of Europe!", "Rivers-of-Europe.json"),
        ("", "quiz.json"),
        ("../../etc/passwd\r\nX: y", "etc-passwd-X-y.json"),
        ('";drop', "drop.json"),
        ("x" * 500, "x" * 60 + ".json"),
        ("عواصم", "filename*=UTF-8''%D8%B9%D9%88%D8%A7%D8%B5%D9%85.json"),
    ],
    ids=range(6),
)
def test_the_file_is_called_after_the_title(
    teacher: Client, committed: Session, me: UUID, title: str, name: str
) -> None:
    quiz_id = written(committed, me, Draft(title=title))
    said = teacher.get(f"/quiz/{quiz_id}/quiz.json").headers["Content-Disposition"]
    assert name in said
    assert "\n" not in said


def test_a_draft_is_exported_to_those_only_who_may_edit_it(
    teaching: Flask, teacher: Client, committed: Session
) -> None:
    quiz_id = written(committed, add_user(committed).id, WHOLE)
    assert teacher.get(f"/quiz/{quiz_id}/quiz.json").status_code == 404
    sent_away = Client(teaching).get(f"/quiz/{quiz_id}/quiz.json")
    assert (sent_away.status_code, sent_away.get_data(as_text=True).count("日本")) == (303, 0)


def test_the_schema_is_published_for_everybody_under_the_public_address(client: Client) -> None:
    response = client.get("/quiz/schema.json")
    schema = json.loads(response.get_data())
    assert response.mimetype == "application/schema+json"
    assert schema["$id"] == "http://localhost/quiz/schema.json"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_an_export_names_that_schema(teacher: Client, committed: Session, me: UUID) -> None:
    file = teacher.get(f"/quiz/{written(committed, me, WHOLE)}/quiz.json").get_data()
    assert json.loads(file)["$schema"] == "http://localhost/quiz/schema.json"
