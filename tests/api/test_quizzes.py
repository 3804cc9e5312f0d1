"""Quizzes by the API: made, listed, read, replaced, deleted."""

from __future__ import annotations

from contextvars import Context
from uuid import UUID, uuid4

from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.domain.draft import Draft
from respondeo.models import QuizDraft
from tests.api.conftest import Program, Programs, quiz_body
from tests.web.apps import Recorder


def test_a_quiz_is_published_at_once_and_read_by_others_without_its_key(
    program: Programs,
) -> None:
    author, player = program("admin"), program()
    made = author.ask("POST", "/api/quizzes", 201, quiz_body())
    assert made["version"] == 1
    assert made["questionCount"] == 3
    assert made["draft"] is False
    assert made["questions"][0]["answers"][0]["isCorrect"] is True
    read = player.ask("GET", f"/api/quizzes/{made['id']}", 200)
    assert read["title"] == "A quiz"
    assert not {"questions", "revision"} & set(read)
    listed = player.ask("GET", "/api/quizzes", 200)
    assert [one["id"] for one in listed["items"]] == [made["id"]]
    assert listed["totalCount"] == listed["totalPages"] == listed["currentPage"] == 1
    assert listed["hasMore"] is False


def test_a_draft_exists_for_its_author_only(program: Programs) -> None:
    author, player = program("admin"), program()
    made = author.ask("POST", "/api/quizzes", 201, quiz_body(draft=True))
    assert made["publishedAt"] is None
    assert made["draft"] is True
    assert made["version"] is None
    player.ask("GET", f"/api/quizzes/{made['id']}", 404)
    assert player.ask("GET", "/api/quizzes", 200)["items"] == []


def test_what_an_editor_reads_can_be_sent_back_and_makes_no_version(program: Programs) -> None:
    author = program("admin")
    made = author.ask("POST", "/api/quizzes", 201, quiz_body())
    again = author.ask("PUT", f"/api/quizzes/{made['id']}", 200, made)
    assert again["version"] == 1
    assert again["questions"] == made["questions"]
    assert again["publishedAt"] == made["publishedAt"]


def test_what_a_draft_holds_can_be_sent_back_and_stays_a_draft(program: Programs) -> None:
    author = program("admin")
    made = author.ask("POST", "/api/quizzes", 201, quiz_body(draft=True))
    again = author.ask("PUT", f"/api/quizzes/{made['id']}", 200, made)
    assert again["draft"] is True
    assert again["publishedAt"] is None


def test_a_question_that_is_unchanged_keeps_its_ids_and_a_changed_one_gets_new_ones(
    program: Programs,
) -> None:
    author = program("admin")
    made = author.ask("POST", "/api/quizzes", 201, quiz_body())
    made["questions"][1]["text"] = "Another question?"
    changed = author.ask("PUT", f"/api/quizzes/{made['id']}", 200, made)
    assert changed["version"] == 2
    assert changed["questions"][0] == made["questions"][0]
    assert changed["questions"][2] == made["questions"][2]
    assert changed["questions"][1]["id"] != made["questions"][1]["id"]
    assert changed["questions"][1]["text"] == "Another question?"


def test_ids_of_another_quiz_and_ids_named_twice_are_conflicts(program: Programs) -> None:
    author = program("admin")
    made = author.ask("POST", "/api/quizzes", 201, quiz_body())
    other = author.ask("POST", "/api/quizzes", 201, quiz_body(title="Another"))
    path = f"/api/quizzes/{made['id']}"
    foreign = {**made, "questions": [*made["questions"][:2], other["questions"][0]]}
    assert "questions.2.id" in author.ask("PUT", path, 409, foreign)["error"]
    author.ask("PUT", path, 409, {**made, "questions": [made["questions"][0]] * 2})
    assert author.ask("GET", path, 200)["version"] == 1


def test_a_stale_revision_and_none_beside_unpublished_changes_are_conflicts(
    program: Programs, committed: Session
) -> None:
    author = program("admin")
    made = author.ask("POST", "/api/quizzes", 201, quiz_body())
    path = f"/api/quizzes/{made['id']}"
    draft = committed.get_one(QuizDraft, UUID(made["id"]))
    document = Draft.model_validate(draft.document).model_copy(update={"title": "Half writ"})
    draft.document = document.model_dump(mode="json", by_alias=True)
    draft.revision += 1
    committed.commit()
    author.ask("PUT", path, 409, made)
    without = {key: value for key, value in made.items() if key != "revision"}
    author.ask("PUT", path, 409, without)
    committed.refresh(draft)
    assert draft.document["title"] == "Half writ"
    read = author.ask("GET", path, 200)
    author.ask("PUT", path, 200, read)  # as it is: the draft is left alone
    committed.refresh(draft)
    assert draft.document["title"] == "Half writ"
    author.ask("PUT", path, 200, {**read, "title": "A third title"})
    committed.refresh(draft)
    assert draft.document["title"] == "A third title"


def test_publication_changes_only_by_a_date_or_by_draft(program: Programs) -> None:
    author = program("admin")
    made = author.ask("POST", "/api/quizzes", 201, quiz_body())
    path = f"/api/quizzes/{made['id']}"
    body = quiz_body(revision=made["revision"])
    kept = author.ask("PUT", path, 200, body)
    assert kept["publishedAt"] == made["publishedAt"]
    hidden = author.ask("PUT", path, 200, {**body, "revision": kept["revision"], "draft": True})
    assert hidden["publishedAt"] is None
    shown = author.ask("PUT", path, 200, {**body, "revision": hidden["revision"], "draft": False})
    assert shown["publishedAt"] is not None
    when = "2099-01-01T00:00:00Z"
    later = {**body, "revision": shown["revision"], "publishedAt": when}
    assert author.ask("PUT", path, 200, later)["publishedAt"] == when
    both = author.ask("PUT", path, 400, {**later, "draft": True})
    assert "not both" in both["error"]


def test_what_is_wrong_is_named_by_its_place(program: Programs) -> None:
    author = program("admin")
    body = quiz_body(title=" ", colour="red")
    for answer in body["questions"][0]["answers"]:
        answer["isCorrect"] = False
    told = author.ask("POST", "/api/quizzes", 400, body)
    assert {one["path"] for one in told["details"]} == {"title", "colour", "questions.0.answers"}


def test_bodies_that_are_no_json_are_refused(program: Programs) -> None:
    author = program("admin")
    as_json = {**author.headers, "Content-Type": "application/json"}

    def send(path: str, data: bytes, headers: dict[str, str]) -> TestResponse:
        return Context().run(author.client.post, path, data=data, headers=headers)

    assert send("/api/quizzes", data=b"{", headers=as_json).status_code == 400
    assert send("/api/quizzes", data=b"\xff", headers=as_json).status_code == 400
    assert send("/api/quizzes", data=b"[" * 100_000, headers=as_json).status_code == 400
    assert send("/api/quizzes", data=b"{}", headers=author.headers).status_code == 415
    assert send("/api/quizzes", data=b" " * 10_000_000, headers=as_json).status_code == 413


def test_deleting_needs_the_right_to(program: Programs) -> None:
    author, player = program("admin"), program()
    made = author.ask("POST", "/api/quizzes", 201, quiz_body())
    path = f"/api/quizzes/{made['id']}"
    player.ask("DELETE", path, 403)
    player.ask("PUT", path, 403, made)
    deleted = author.request("DELETE", path)
    assert (deleted.status_code, deleted.data) == (204, b"")
    assert "Content-Type" not in deleted.headers
    author.ask("DELETE", path, 404)
    author.ask("GET", f"/api/quizzes/{uuid4()}", 404)
    assert author.ask("GET", "/api/quizzes/no-uuid", 404)["error"]


def test_a_list_is_cut_and_narrowed(program: Programs) -> None:
    author = program("admin")
    for number in range(5):
        author.ask("POST", "/api/quizzes", 201, quiz_body(title=f"Quiz {number}", language="de"))
    author.ask("POST", "/api/quizzes", 201, quiz_body(title="Rivers"))
    second = author.ask("GET", "/api/quizzes?limit=2&page=2&language=de", 200)
    assert [one["title"] for one in second["items"]] == ["Quiz 2", "Quiz 1"]
    assert (second["totalCount"], second["totalPages"], second["hasMore"]) == (5, 3, True)
    past = author.ask("GET", "/api/quizzes?limit=2&page=9", 200)
    assert (past["items"], past["currentPage"], past["hasMore"]) == ([], 9, False)
    clamped = author.ask("GET", "/api/quizzes?limit=-5&page=-99999999999999999999999", 200)
    assert (len(clamped["items"]), clamped["currentPage"]) == (1, 1)
    found = author.ask("GET", "/api/quizzes?q=river", 200)
    assert [one["title"] for one in found["items"]] == ["Rivers"]
    assert author.user is not None
    assert author.ask("GET", f"/api/quizzes?authorId={author.user.id}", 200)["totalCount"] == 6
    assert author.ask("GET", f"/api/quizzes?authorId={uuid4()}", 200)["totalCount"] == 0
    for bad in ("page=x", "language=xx", "authorId=me", "limit=1.5"):
        details = author.ask("GET", f"/api/quizzes?{bad}", 400)["details"]
        assert [one["path"] for one in details] == [bad.split("=")[0]]


def test_a_list_of_a_hundred_costs_three_queries(program: Programs, recorder: Recorder) -> None:
    author = program("admin")
    author.ask("GET", "/api/quizzes?limit=100", 200)  # the use of the key is noted
    for _ in range(3):
        author.ask("POST", "/api/quizzes", 201, quiz_body(1))
    with recorder() as few:
        author.ask("GET", "/api/quizzes?limit=100", 200)
    for _ in range(97):
        author.ask("POST", "/api/quizzes", 201, quiz_body(1))
    with recorder() as many:
        assert len(author.ask("GET", "/api/quizzes?limit=100", 200)["items"]) == 100
    assert len(few) == len(many) <= 3, many


def test_what_is_known_already_is_not_sent_again(program: Programs) -> None:
    author = program("admin")
    made = author.ask("POST", "/api/quizzes", 201, quiz_body(20))
    path = f"/api/quizzes/{made['id']}"
    first = author.request("GET", path, **{"Accept-Encoding": "br"})
    assert first.headers["Content-Encoding"] == "br"
    tag = first.headers["ETag"]
    same = author.request("GET", path, **{"If-None-Match": tag})
    assert same.status_code == 304
    assert not same.data
    author.ask("PUT", path, 200, {**made, "title": "New"})
    assert author.request("GET", path, **{"If-None-Match": tag}).status_code == 200


def test_who_is_nobody_is_asked_for_a_key(stranger: Program) -> None:
    for path in ("/api/quizzes", f"/api/quizzes/{uuid4()}", "/api/leaderboard"):
        assert "x-api-key" in stranger.ask("GET", path, 401)["error"]
    assert stranger.ask("GET", "/api/auth/get-session", 200) is None
    for path in ("/api", "/api/", "/api/nothing"):
        assert "/docs" in stranger.ask("GET", path, 404)["error"]
    assert stranger.ask("DELETE", "/api/quizzes", 405)["error"]
