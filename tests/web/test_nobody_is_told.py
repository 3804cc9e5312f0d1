"""Nobody's e-mail address is shown to others, and a hidden name is shown to no player."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from respondeo.domain.names import HIDDEN_NAME
from respondeo.models import User
from respondeo.models.user import ShownAs
from tests.client import Client, Page
from tests.factories import add_user
from tests.web.apps import AppWith
from tests.web.places import places, played, played_quiz

# Whose pages about oneself, and about people for admins, may tell an address.
OWN = ("settings.",)
OF_PEOPLE = ("settings.people", "settings.person", "settings.people_")


@dataclass
class People:
    """One of each role, each with an address that cannot be mistaken, all on the boards."""

    ids: dict[str, UUID]
    emails: dict[str, str]
    places: dict[str, UUID] = field(default_factory=dict)


GROUPS = {"admin": "admin", "moderator": "heads", "creator": "teachers"}
SECRET_NAME = "Rumpelstilzchen Quux"
CHOSEN_NAME = "The Masked Player"


@pytest.fixture
def open_app(app_with: AppWith) -> Flask:
    return app_with(rbac_role_creator_groups="teachers", rbac_role_moderator_groups="heads")


@pytest.fixture
def people(committed: Session) -> People:
    found: dict[str, User] = {}
    for role in ("user", "creator", "moderator", "admin", "author", "hidden", "chosen"):
        group = GROUPS.get(role)
        person = add_user(committed, f"{role.title()} Person", groups=[group] if group else [])
        person.email = f"xq-{role}-address@{role}-mail.example"
        found[role] = person
    found["hidden"].name = SECRET_NAME
    found["hidden"].shown_as = ShownAs.HIDDEN
    found["hidden"].image = "https://pictures.example/rumpelstilzchen.png"
    found["chosen"].name = f"{SECRET_NAME} the Second"
    found["chosen"].display_name = CHOSEN_NAME
    found["chosen"].shown_as = ShownAs.DISPLAY_NAME
    quiz_id, attempt_id = played_quiz(committed, found["author"], found["hidden"])
    for role in ("user", "creator", "moderator", "chosen"):
        played(committed, found[role], quiz_id)
    byline, _ = played_quiz(committed, found["hidden"], found["user"], title="By one who hides")
    committed.commit()
    return People(
        {role: person.id for role, person in found.items()},
        {role: person.email for role, person in found.items()},
        {
            "quiz_id": quiz_id,
            "attempt_id": attempt_id,
            "seed": byline,
            "user_id": found["hidden"].id,
            "person_id": found["hidden"].id,
        },
    )


def everything_said(app: Flask, client: Client, people: People) -> list[tuple[str, str]]:
    """The headers and the words of every page and fragment that this browser gets to."""
    said = []
    hiders_quiz = people.places | {"quiz_id": people.places["seed"]}
    found = {*places(app, **people.places), *places(app, **hiders_quiz)}
    for place in (place for place in found if place.method == "GET"):
        for query in ("", "?q=mail.example", "?sort=played&page=2&attempts=1"):
            for htmx in (False, True):
                response = client.get(place.path + query, htmx=htmx)
                words = response.get_data(as_text=True)
                said.append((place.endpoint, f"{query}\n{response.headers}{words}"))
    return said


@pytest.mark.parametrize("role", ["guest", "user", "creator", "moderator", "admin"])
def test_no_page_tells_anybody_the_address_of_somebody_else(
    open_app: Flask, people: People, role: str
) -> None:
    client = Client(open_app)
    if role != "guest":
        client.sign_in(people.ids[role])
    for endpoint, words in everything_said(open_app, client, people):
        if role == "admin" and endpoint.startswith(OF_PEOPLE):
            continue
        for whose, email in people.emails.items():
            if whose == role and endpoint.startswith(OWN):
                continue
            assert email not in words, (endpoint, whose)
            assert email.partition("@")[0] not in words, (endpoint, whose)
            assert f"{whose}-mail.example" not in words.replace("?q=mail.example", ""), endpoint


@pytest.mark.parametrize("role", ["guest", "user", "creator"])
def test_a_hidden_or_replaced_name_is_nowhere_for_who_may_not_edit_the_quiz(
    open_app: Flask, people: People, role: str
) -> None:
    client = Client(open_app)
    if role != "guest":
        client.sign_in(people.ids[role])
    said = everything_said(open_app, client, people)
    for endpoint, words in said:
        for part in ("Rumpelstilzchen", "Quux", "rumpelstilzchen", ">RQ<", ">RS<"):
            assert part not in words, endpoint
    boards = "".join(words for endpoint, words in said if endpoint == "leaderboards.quiz")
    assert HIDDEN_NAME in boards
    assert CHOSEN_NAME in boards


@pytest.mark.parametrize("role", ["moderator", "admin"])
def test_who_edits_the_quiz_knows_who_played_it(open_app: Flask, people: People, role: str) -> None:
    client = Client(open_app)
    client.sign_in(people.ids[role])
    page = client.page(f"/quiz/{people.places['quiz_id']}/results")
    assert SECRET_NAME in page.words("section[aria-labelledby=all-title]")
    assert SECRET_NAME not in page.words("#board"), "the board itself is as everybody sees it"
    result = client.page(f"/quiz/{people.places['quiz_id']}/results/{people.places['attempt_id']}")
    assert SECRET_NAME in result.words()


@pytest.mark.parametrize("role", ["guest", "user", "creator", "moderator", "admin"])
@pytest.mark.parametrize("looked_for", ["Rumpelstilzchen", "Quux", HIDDEN_NAME, "xq-hidden"])
def test_a_search_does_not_find_who_hides(
    open_app: Flask, people: People, role: str, looked_for: str
) -> None:
    client = Client(open_app)
    if role != "guest":
        client.sign_in(people.ids[role])
    assert not client.page(f"/?q={looked_for}").all(".quiz-card")
    found = client.page("/?q=By+one+who+hides")
    assert len(found.all(".quiz-card")) == 1
    assert client.page("/?q=Author+Person").all(".quiz-card"), "a shown name is found"


def test_one_who_hides_still_finds_their_own_row(open_app: Flask, people: People) -> None:
    client = Client(open_app)
    client.sign_in(people.ids["hidden"])
    page = client.page(f"/quiz/{people.places['quiz_id']}/results")
    row = page.one("tr.is-me")
    assert HIDDEN_NAME in row.to_text()
    assert SECRET_NAME not in row.to_text()


def test_nobody_learns_from_a_refusal_whether_a_person_exists(
    open_app: Flask, people: People
) -> None:
    nobody = UUID(int=1)
    for who in (None, "user", "creator", "moderator"):
        client = Client(open_app)
        if who is not None:
            client.sign_in(people.ids[who])
        real = places(open_app, user_id=people.ids["hidden"], person_id=people.ids["hidden"])
        none = places(open_app, user_id=nobody, person_id=nobody)
        for one, other in zip(real, none, strict=True):
            if one.path != other.path:
                answers = [place.ask(client) for place in (one, other)]
                texts = [
                    answer.get_data(as_text=True).replace(str(id_), "")
                    for answer, id_ in zip(answers, (people.ids["hidden"], nobody), strict=True)
                ]
                assert texts[0] == texts[1], one
                assert answers[0].status_code == answers[1].status_code


def test_what_is_shared_of_a_result_names_the_player_as_others_see_them(
    open_app: Flask, people: People
) -> None:
    path = f"/quiz/{people.places['quiz_id']}/results/{people.places['attempt_id']}"
    page: Page = Client(open_app).page(path)
    tags = {n.attrs["property"]: n.attrs["content"] for n in page.all("meta[property]")}
    assert tags["og:description"].startswith(f"{HIDDEN_NAME} got 1 of 1 right")
