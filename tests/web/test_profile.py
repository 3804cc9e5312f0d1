"""The profile page: the name and the picture that others see."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.models import Account, Media, User
from tests.client import Client, Page
from tests.conftest import Clock
from tests.factories import add_user, player, published_quiz
from tests.services.plays import play
from tests.web.apps import Browser
from tests.web.pictures import picture
from tests.web.uploads import send

SETTINGS = "/settings/"


@pytest.fixture
def ada(committed: Session) -> User:
    """A person; `image` etc. are read again by `stored`."""
    user = add_user(committed, "Ada Lovelace")
    committed.commit()
    return user


@pytest.fixture
def hers(client: Client, ada: User) -> Client:
    """Ada's browser."""
    client.sign_in(ada.id)
    return client


def stored(session: Session, user: User) -> User:
    session.rollback()
    session.refresh(user)
    return user


def upload(client: Client, *files: bytes, name: str = "me.png", **fields: Any) -> TestResponse:
    """Send pictures as the form would."""
    return send(client, "/settings/picture", *files, name=name, **fields)


@pytest.mark.parametrize("path", ["/settings", "/settings/", "/settings/?done=nonsense"])
def test_the_settings_begin_with_the_profile(hers: Client, ada: User, path: str) -> None:
    page = hers.page(path)
    assert page.title() == "Profile · Respondeo"
    assert page.words(".page-tabs [aria-current=page]") == "Profile"
    assert {"Ada Lovelace", ada.email} <= {node.to_text().strip() for node in page.all("dd")}
    assert not page.all("[role=status].is-done")


def test_who_is_signed_out_is_asked_to_sign_in_and_comes_back(client: Client) -> None:
    assert client.get(SETTINGS).headers["Location"] == "/sign-in?next=/settings/"
    for path in ("name", "shown", "picture"):
        response = client.post(
            f"/settings/{path}", headers={"Referer": "http://localhost/settings/"}
        )
        assert response.status_code == 303
        assert response.headers["Location"] == "/sign-in?next=/settings/"


@pytest.mark.parametrize(
    ("choice", "typed", "seen"),
    [
        ("name", "", "Ada Lovelace"),
        ("display_name", "  Night  Owl", "Night Owl"),
        ("display_name", "<b>&amp;'\"", "<b>&amp;'\""),
        ("display_name", "نور الدين", "نور الدين"),
        ("hidden", "", "Player"),
    ],
)
def test_the_choice_is_saved_said_and_shown(
    hers: Client, committed: Session, ada: User, choice: str, typed: str, seen: str
) -> None:
    page = hers.submit(hers.page(SETTINGS), "#shown-form", shown_as=choice, display_name=typed)
    assert page.response.request.query_string == b"done=shown"
    assert page.words("[role=status].is-done") == "Saved. This is what others see from now on."
    assert page.words("#preview .name") == " ".join(seen.split())
    assert page.one("#shown-form [checked]").attrs["value"] == choice
    assert stored(committed, ada).public_name == seen
    assert hers.page(SETTINGS).words("#preview .name") == " ".join(seen.split())


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        ({"shown_as": "display_name", "display_name": ""}, "display_name"),
        ({"shown_as": "display_name"}, "display_name"),
        ({"shown_as": "display_name", "display_name": " PLAYER "}, "display_name"),
        ({"shown_as": "display_name", "display_name": "x" * 10_000}, "display_name"),
        ({"shown_as": "display_name", "display_name": "\0"}, "display_name"),
        ({"shown_as": "display_name", "display_name": "\u202eOwl"}, "display_name"),
        ({"shown_as": "display_name", "display_name": "Owl o@wl.example"}, "display_name"),
        ({"shown_as": "king"}, "shown_as"),
        ({"shown_as": ["king", "hidden"]}, "shown_as"),
        ({"shown_as": "\0"}, "shown_as"),
        ({}, "shown_as"),
        ({"user_id": "1", "id": "2"}, "shown_as"),
    ],
    ids=str,
)
def test_what_cannot_be_shown_is_refused_beside_its_field(
    hers: Client, committed: Session, ada: User, form: dict[str, object], wrong: str
) -> None:
    response = hers.post("/settings/shown", form)
    assert response.status_code == 422
    page = Page(response)
    field = page.one(
        f"#shown-form [name={wrong}]" if wrong == "display_name" else "#shown-form fieldset"
    )
    assert field.attrs["aria-invalid"] == "true"
    assert "autofocus" in field.attrs
    assert page.words(f"#{field.attrs['aria-describedby']}")
    assert page.words(".page-tabs [aria-current=page]") == "Profile"
    if wrong == "display_name":
        assert page.one("#shown-form [checked]").attrs["value"] == "display_name"
    assert stored(committed, ada).public_name == "Ada Lovelace"


def test_a_name_that_was_refused_is_there_to_be_mended(hers: Client) -> None:
    page = Page(hers.post("/settings/shown", shown_as="display_name", display_name="x" * 51))
    assert page.one("#display-name").attrs["value"] == "x" * 51
    assert "at most 50" in page.words("#problem-display_name")


def test_saving_twice_is_saving_once(hers: Client, committed: Session, ada: User) -> None:
    quiz = published_quiz(committed, questions=1)
    play(committed, player(ada), quiz)
    committed.commit()

    def tag() -> str:
        return str(hers.page(f"/quiz/{quiz.id}/results").one("#board").attrs["hx-ptag"])

    before = tag()
    form = {"shown_as": "display_name", "display_name": "Owl"}
    assert hers.post("/settings/shown", form).status_code == 303
    once = tag()
    assert hers.post("/settings/shown", form).status_code == 303
    assert before != once == tag()


def test_open_boards_get_the_new_name_when_they_next_ask(
    hers: Client, browser: Browser, committed: Session, ada: User
) -> None:
    quiz = published_quiz(committed, questions=1)
    play(committed, player(ada), quiz)
    committed.commit()
    other = browser("Bob")
    for path in (f"/quiz/{quiz.id}", f"/quiz/{quiz.id}/results", "/leaderboard"):
        hers.post("/settings/shown", shown_as="name")
        tag = other.page(path).one("#board").attrs["hx-ptag"]
        assert other.get(path, htmx=True, **{"HX-PTag": tag}).status_code == 304
        hers.post("/settings/shown", shown_as="hidden")
        board = other.fragment(path, **{"HX-PTag": tag})
        assert board.words("#board tbody .name") == "Player"
        assert "Ada" not in board.text


def test_who_hides_is_nowhere_on_the_pages_of_others_but_among_attempts_for_editors(
    hers: Client, browser: Browser, committed: Session, ada: User
) -> None:
    quiz = published_quiz(committed, questions=1)
    quiz.author_id = ada.id
    attempt = play(committed, player(ada), quiz)
    committed.commit()
    upload(hers, picture())
    image = str(stored(committed, ada).image)
    hers.post("/settings/shown", shown_as="hidden")
    paths = ("/", f"/quiz/{quiz.id}", f"/quiz/{quiz.id}/results", "/leaderboard",
             f"/quiz/{quiz.id}/results/{attempt.id}")  # fmt: skip
    other, admin = browser("Bob"), browser("Root", "admin")
    for path in paths:
        text = other.page(path).text
        assert "Ada" not in text, path
        assert image not in text, path
    assert "Ada Lovelace" in admin.page(paths[2]).text
    assert "see your real name in its results" in hers.page(SETTINGS).words()


def test_a_name_is_apart_from_what_stands_around_it(
    hers: Client, browser: Browser, committed: Session, ada: User
) -> None:
    quiz = published_quiz(committed, questions=1)
    play(committed, player(ada), quiz)
    committed.commit()
    hers.post("/settings/shown", shown_as="display_name", display_name="نور")
    board = browser("Bob").page(f"/quiz/{quiz.id}/results")
    assert board.one("#board tbody .name").attrs["dir"] == "auto"
    assert hers.page(SETTINGS).one("#preview .name").attrs["dir"] == "auto"


# -- one's real name -------------------------------------------------------------------------


def test_local_people_change_their_real_name(hers: Client, committed: Session, ada: User) -> None:
    assert not hers.page(SETTINGS).all("#name-form")
    assert hers.post("/settings/name", name="Ada King").status_code == 403
    committed.add(Account(user_id=ada.id, provider_id="local", account_id=ada.email))
    committed.commit()
    page = hers.submit(hers.page(SETTINGS), "#name-form", name=" Ada  King ")
    assert page.words("[role=status].is-done") == "Your name is saved."
    assert stored(committed, ada).name == "Ada King"
    refused = Page(hers.post("/settings/name", name=" "))
    assert refused.status == 422
    assert "Write a name" in refused.words("#problem-name")
    assert stored(committed, ada).name == "Ada King"


def test_others_are_told_where_their_name_comes_from(
    hers: Client, committed: Session, ada: User
) -> None:
    assert "Whoever runs this site entered your name" in hers.page(SETTINGS).words()
    committed.add(Account(user_id=ada.id, provider_id="school", account_id="ada"))
    committed.commit()
    words = hers.page(SETTINGS).words()
    assert "come from where you sign in" in words
    assert "school" in words


# -- picture ---------------------------------------------------------------------------------


def test_an_uploaded_picture_is_in_the_header_and_on_boards(
    hers: Client, browser: Browser, committed: Session, ada: User
) -> None:
    quiz = published_quiz(committed, questions=1)
    play(committed, player(ada), quiz)
    committed.commit()
    response = upload(hers, picture("JPEG", (900, 700)), name="holiday.html")
    assert response.status_code == 303
    assert response.headers["Location"] == "/settings/?done=picture"
    image = stored(committed, ada).image
    assert image is not None
    assert re.fullmatch(r"/media/[0-9a-f]{64}\.webp", image)
    page = hers.page(SETTINGS)
    shown = {node.attrs["src"] for node in page.all("main img, #person-button img")}
    assert shown == {image}
    for path in (f"/quiz/{quiz.id}/results", "/leaderboard"):
        assert browser("Bob").page(path).one("#board tbody img").attrs["src"] == image
    hers.post("/settings/picture", use="initials")
    assert stored(committed, ada).image is None


def test_a_picture_is_served_to_everybody_for_good_as_nothing_but_a_picture(
    hers: Client, browser: Browser, committed: Session, ada: User
) -> None:
    upload(hers, picture())
    served = browser().get(str(stored(committed, ada).image))
    assert served.status_code == 200
    assert served.mimetype == "image/webp"
    assert served.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in hers.get(str(ada.image)).headers
    assert served.data[:4] == b"RIFF"
    assert served.data == committed.scalar(sa.select(Media.data))


@pytest.mark.parametrize(
    "name",
    [
        "0" * 64, "0" * 63, "0" * 65, "A" * 64, "g" * 64, "é" * 64, "٠" * 64, "..%2f..%2fsecret",
        "'; DROP TABLE media", "%00", "x" * 5000,
    ],
)  # fmt: skip
def test_a_picture_that_is_not_there_is_404(client: Client, name: str) -> None:
    assert client.get(f"/media/{name}.webp").status_code == 404


def test_of_two_pictures_the_first_is_taken(hers: Client, committed: Session, ada: User) -> None:
    assert upload(hers, picture(color="red"), picture(color="blue")).status_code == 303
    assert committed.scalar(sa.select(sa.func.count()).select_from(Media)) == 1


def test_a_new_picture_makes_room_by_removing_what_nobody_uses(
    hers: Client, committed: Session, committed_clock: Clock, ada: User
) -> None:
    for color in ("red", "green"):
        upload(hers, picture(color=color))
    assert committed.scalar(sa.select(sa.func.count()).select_from(Media)) == 2
    committed_clock.advance(days=2)
    committed.commit()
    upload(hers, picture(color="blue"))
    assert committed.scalar(sa.select(sa.func.count()).select_from(Media)) == 2
    assert hers.get(str(stored(committed, ada).image)).status_code == 200


def test_a_picture_that_is_sent_as_text_is_none(hers: Client) -> None:
    assert hers.post("/settings/picture", picture="me.png").status_code == 422
    assert hers.post("/settings/picture", use="somebody-elses").status_code == 422


def test_only_the_picture_form_takes_more_than_a_megabyte(hers: Client) -> None:
    assert upload(hers, picture(), padding="x" * 50_000).status_code == 303
    for path in ("/settings/shown", "/settings/name", "/theme", "/sign-in"):
        assert send(hers, path, bytes(2_000_000)).status_code == 413, path


def test_a_picture_from_somebody_whose_session_just_ended_is_not_even_read(
    hers: Client, committed: Session, ada: User
) -> None:
    committed.execute(sa.text("DELETE FROM session"))
    committed.commit()
    response = upload(hers, picture())
    assert response.status_code == 303
    assert response.headers["Location"].startswith("/sign-in")
    assert committed.scalar(sa.select(sa.func.count()).select_from(Media)) == 0


def test_the_providers_picture_is_offered_where_there_is_one(
    hers: Client, committed: Session, ada: User
) -> None:
    assert not hers.page(SETTINGS).all("#other-picture-form")
    assert hers.post("/settings/picture", use="provider").status_code == 422
    ada.provider_image = "https://school.example/ada.png"
    committed.commit()
    page = hers.page(SETTINGS)
    assert [node.attrs["value"] for node in page.all("#other-picture-form button")] == ["provider"]
    assert hers.post("/settings/picture", use="provider").status_code == 303
    assert stored(committed, ada).image == "https://school.example/ada.png"
    page = hers.page(SETTINGS)
    assert [node.attrs["value"] for node in page.all("#other-picture-form button")] == ["initials"]


def test_nobody_changes_anybody_else(hers: Client, committed: Session, ada: User) -> None:
    bob = add_user(committed, "Bob")
    committed.commit()
    theirs: dict[str, UUID] = {"user_id": bob.id, "id": bob.id, "user": bob.id, "person": bob.id}
    hers.post("/settings/shown", theirs, shown_as="hidden")
    hers.post(f"/settings/shown?user_id={bob.id}", theirs, shown_as="hidden")
    upload(hers, picture(), **{name: str(value) for name, value in theirs.items()})
    assert (stored(committed, bob).public_name, bob.image) == ("Bob", None)
    assert stored(committed, ada).public_name == "Player"


def test_the_theme_is_chosen_on_the_profile_page(hers: Client) -> None:
    page = hers.page(SETTINGS)
    assert page.one("#themes-form [aria-current]").attrs["value"] == "system"
    response = hers.post("/theme", page.fields("#themes-form"), theme="dark")
    assert response.headers["Location"] == SETTINGS
    page = hers.page(SETTINGS)
    assert page.one("#themes-form [aria-current]").attrs["value"] == "dark"
    assert page.one("html").attrs["class"] == "dark"
