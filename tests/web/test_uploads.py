"""Pictures that are uploaded: what every form that takes one refuses, and what a quiz gets."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.models import Media, Quiz, QuizDraft, User
from respondeo.services import authoring
from tests.client import Client, Page
from tests.conftest import Clock
from tests.factories import add_user, document, editor
from tests.web.apps import AppWith, Browser
from tests.web.pictures import opened, picture, png_head, webp_of_one_colour
from tests.web.uploads import send


@dataclass
class Author:
    """Somebody who writes a quiz and has a browser open."""

    client: Client
    user: User
    quiz: Quiz

    @property
    def pictures(self) -> str:
        return f"/quiz/{self.quiz.id}/pictures"

    def upload(self, form: str, *files: bytes, htmx: bool = False) -> TestResponse:
        """Send files by the form of this name."""
        if form == "profile":
            return send(self.client, "/settings/picture", *files)
        return send(self.client, self.pictures, *files, htmx=htmx, use=form)

    def stored(self, use: str, data: bytes) -> str:
        """Upload for the quiz; the path that came back."""
        page = Page(self.upload(use, data, htmx=True))
        return str(page.one("[data-path]").attrs["data-path"])


@pytest.fixture
def author(app_with: AppWith, committed: Session) -> Author:
    client = Client(app_with(rbac_role_creator_groups="teachers"))
    user = add_user(committed, "Ada", groups=["teachers"])
    quiz = authoring.create_quiz(committed, user.id, document(1))
    committed.commit()
    client.sign_in(user.id)
    return Author(client, user, quiz)


def kept(session: Session) -> int:
    session.rollback()
    return session.scalar(sa.select(sa.func.count()).select_from(Media)) or 0


@pytest.mark.parametrize("form", ["profile", "question", "hero"])
@pytest.mark.parametrize(
    ("files", "said"),
    [
        ((), "Choose a picture first."),
        ((b"",), "Choose a picture first."),
        ((b"<svg xmlns='http://www.w3.org/2000/svg'/>",), "PNG, JPEG or WebP"),
        ((b"GIF89a" + bytes(20),), "PNG, JPEG or WebP"),
        ((picture()[:50],), "damaged"),
        ((png_head(30_000, 30_000),), "too many pixels"),
        ((webp_of_one_colour(7070, 7070),), "too many pixels"),
        ((bytes(8_500_000),), "at most 8 MB"),
        ((bytes(9_500_000),), "at most 8 MB"),
        ((bytes(5_000_000), bytes(5_000_000)), "at most 8 MB"),
    ],
    ids=[
        "none", "empty", "svg", "gif", "cut off", "many pixels", "bomb", "8.5 MB", "9.5 MB",
        "two that are too much",
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused_beside_the_field(
    author: Author, committed: Session, form: str, files: tuple[bytes, ...], said: str
) -> None:
    response = author.upload(form, *files)
    assert response.status_code == 422
    page = Page(response)
    field = page.one("#picture")
    assert field.attrs["aria-invalid"] == "true"
    assert "autofocus" in field.attrs
    assert said in page.words("#problem-picture")
    assert kept(committed) == 0
    if form != "profile":
        fragment = Page(author.upload(form, *files, htmx=True))
        assert said in fragment.words("#problem-picture")
        assert not fragment.is_whole


@pytest.mark.parametrize("form", ["profile", "question"])
def test_many_pictures_at_once_are_too_many(author: Author, browser: Browser, form: str) -> None:
    came = {author.upload(form, b"x").status_code for _ in range(31)}
    assert came == {422, 429}
    other = Author(browser("Bob", "admin", on=author.client.app), author.user, author.quiz)
    assert other.upload(form, picture()).status_code in {200, 303}


@pytest.mark.parametrize(
    ("use", "size", "fitted"),
    [
        ("question", (4000, 2000), (1344, 672)),
        ("question", (1000, 3000), (448, 1344)),
        ("question", (300, 200), (300, 200)),
        ("hero", (4000, 1600), (1664, 666)),
    ],
)
def test_a_picture_of_a_quiz_is_kept_as_large_as_a_page_shows_it(
    author: Author, use: str, size: tuple[int, int], fitted: tuple[int, int]
) -> None:
    path = author.stored(use, picture("JPEG", size))
    served = author.client.get(path)
    assert served.mimetype == "image/webp"
    assert "immutable" in served.headers["Cache-Control"]
    assert opened(served.data).size == fitted


def test_without_htmx_the_answer_is_a_page_that_says_the_address(author: Author) -> None:
    page = Page(author.upload("question", picture()))
    assert page.is_whole
    path = page.one("[data-path]").attrs["data-path"]
    assert path in page.words()
    assert page.one("main img").attrs["src"] == path


@pytest.mark.parametrize("use", ["", "person", "QUESTION", "\0", "x" * 5000])
def test_a_use_that_is_none_is_refused(author: Author, committed: Session, use: str) -> None:
    response = author.upload(use, picture())
    assert response.status_code == 422
    assert "Reload the page" in Page(response).words("#problem-picture")
    assert kept(committed) == 0


def test_nobody_uploads_for_a_quiz_of_somebody_else(
    author: Author, browser: Browser, committed: Session
) -> None:
    said, app = {}, author.client.app
    for name, who in {
        "guest": browser(on=app), "player": browser("Bob", on=app),
        "creator": browser("Eve", "teachers", on=app), "admin": browser("Root", "admin", on=app),
    }.items():  # fmt: skip
        said[name] = send(who, author.pictures, picture(), use="hero").status_code
    assert said == {"guest": 303, "player": 404, "creator": 404, "admin": 200}
    assert kept(committed) == 1
    authoring.publish(committed, editor(author.user), author.quiz.id)
    committed.commit()
    assert send(browser("Bob", on=app), author.pictures, picture(), use="hero").status_code == 403
    guest = send(browser(on=app), author.pictures, picture(), use="hero")
    assert guest.headers["Location"].startswith("/sign-in")


def test_an_upload_removes_what_nobody_has_used_for_a_day(
    author: Author, committed: Session, committed_clock: Clock
) -> None:
    used = author.stored("question", picture(color="red"))
    author.stored("question", picture(color="green"))
    draft = committed.get_one(QuizDraft, author.quiz.id)
    draft.document = draft.document | {"heroImageUrl": used}
    committed_clock.advance(days=2)
    committed.commit()
    author.upload("question", picture(color="blue"))
    assert kept(committed) == 2
    assert author.client.get(used).status_code == 200


def test_only_forms_with_a_picture_take_more_than_a_megabyte(author: Author) -> None:
    assert author.upload("question", picture() + bytes(2_000_000)).status_code == 200
    assert send(author.client, "/theme", bytes(2_000_000)).status_code == 413
