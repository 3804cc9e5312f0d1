"""What is told of answers to caches, and what is not sent again."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.api.conftest import Programs, quiz_body


@pytest.mark.parametrize(
    ("known", "status"),
    [
        ("{tag}", 304),
        ("{strong}", 304),
        ('W/"other", {tag}', 304),
        ("*", 304),
        ('W/"other"', 200),
        ("", 200),
    ],
)
def test_a_tag_is_compared_weakly_and_in_lists(program: Programs, known: str, status: int) -> None:
    caller = program()
    tag = caller.request("GET", "/api/quizzes").headers["ETag"]
    sent = known.format(tag=tag, strong=tag.removeprefix("W/"))
    for method in ("GET", "HEAD"):
        answered = caller.request(method, "/api/quizzes", **{"If-None-Match": sent})
        assert answered.status_code == status
        assert answered.headers["ETag"] == tag
        assert "X-RateLimit-Remaining" in answered.headers


def test_conditions_that_no_read_needs_change_nothing(program: Programs) -> None:
    caller = program()
    for name, value in {
        "If-Match": '"other"',
        "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT",
        "If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT",
        "Range": "bytes=0-1",
    }.items():
        assert "items" in caller.ask("GET", "/api/quizzes", 200, **{name: value})


def test_what_one_caller_is_told_is_kept_for_no_other(program: Programs) -> None:
    author, player = program("admin"), program()
    made = author.ask("POST", "/api/quizzes", 201, quiz_body())
    path = f"/api/quizzes/{made['id']}"
    known = author.request("GET", path).headers["ETag"]
    for told in (
        player.request("GET", path, **{"If-None-Match": known}),
        player.request("GET", f"/api/quizzes/{uuid4()}"),
    ):
        assert told.status_code != 304
        assert "questions" not in told.text
        assert told.headers["Cache-Control"] == "private, no-cache"
        assert {"x-api-key", "cookie"} <= {name.lower() for name in told.vary}
