"""What a guest, a user, a creator and an admin get, with the public switches on and off."""

from __future__ import annotations

from itertools import product

import pytest
from sqlalchemy.orm import Session

from tests.client import Client
from tests.conftest import settings_for
from tests.factories import add_user, published_quiz
from tests.web.apps import AppWith

PUBLIC = {
    "quiz:browse": "rbac_public_browse_quizzes",
    "quiz:view": "rbac_public_view_quiz",
    "quiz:play": "rbac_public_play_quiz",
    "leaderboard:view": "rbac_public_leaderboard",
}


@pytest.fixture
def quiz(committed: Session) -> str:
    """The address of a published quiz."""
    address = f"/quiz/{published_quiz(committed).id}"
    committed.commit()
    return address


DEMANDING = [
    ("GET", "/", "quiz:browse"),
    ("GET", "{quiz}", "quiz:view"),
    ("POST", "{quiz}/play", "quiz:play"),
    ("GET", "{quiz}/results", "leaderboard:view"),
    ("GET", "/leaderboard", "leaderboard:view"),
]


def ask(client: Client, method: str, path: str, *, htmx: bool = False) -> tuple[int, str]:
    """The status, and where it leads."""
    response = (
        client.get(path, htmx=htmx) if method == "GET" else client.post(path, htmx=htmx, number=1)
    )
    location = response.headers.get("Location") or response.headers.get("HX-Redirect", "")
    return response.status_code, location


@pytest.mark.parametrize(("method", "path", "permission"), DEMANDING)
@pytest.mark.parametrize("open_", [True, False])
def test_a_guest_gets_in_where_the_public_switch_is_on_and_is_asked_to_sign_in_where_not(
    app_with: AppWith, quiz: str, method: str, path: str, permission: str, open_: bool
) -> None:
    # All other switches stand the other way, so that each is seen to do its own work;
    # a board needs its quiz to be seen.
    others = dict.fromkeys(PUBLIC.values(), not open_)
    if open_ and permission == "leaderboard:view":
        others["rbac_public_view_quiz"] = True
    app = app_with(**(others | {PUBLIC[permission]: open_}))
    address = path.format(quiz=quiz)
    status, leads = ask(Client(app), method, address)
    if open_:
        assert (status, leads) in [(200, ""), (303, f"{quiz}/play")]
    else:
        assert status == 303
        assert leads.startswith("/sign-in?next=")
        status, leads = ask(Client(app), method, address, htmx=True)
        assert status == 204
        assert leads.startswith("/sign-in?next=")


@pytest.mark.parametrize(("method", "path", "permission"), DEMANDING)
@pytest.mark.parametrize("groups", [[], ["teachers"], ["admin"]])
def test_signed_in_people_get_in_whatever_the_public_switches_say(
    app_with: AppWith,
    committed: Session,
    quiz: str,
    method: str,
    path: str,
    permission: str,
    groups: list[str],
) -> None:
    closed = dict.fromkeys(PUBLIC.values(), False)
    client = Client(app_with(rbac_role_creator_groups={"teachers"}, **closed))
    person = add_user(committed, groups=groups)
    committed.commit()
    client.sign_in(person.id)
    status, leads = ask(client, method, path.format(quiz=quiz))
    assert (status, leads) in [(200, ""), (303, f"{quiz}/play")]


@pytest.mark.parametrize(("method", "path", "permission"), DEMANDING)
def test_a_role_without_the_permission_is_refused_with_words(
    app_with: AppWith, committed: Session, quiz: str, method: str, path: str, permission: str
) -> None:
    left = frozenset(PUBLIC) - {permission}
    client = Client(app_with(rbac_role_user_permissions=left))
    person = add_user(committed)
    committed.commit()
    client.sign_in(person.id)
    assert ask(client, method, path.format(quiz=quiz)) == (403, "")
    assert ask(client, method, path.format(quiz=quiz), htmx=True) == (403, "")


@pytest.mark.parametrize(
    ("path", "groups"),
    list(product(("/sign-in", "/healthz", "/readyz", "/covers/{id}.svg"), (None, [], ["admin"]))),
)
def test_what_everybody_may_use_everybody_gets(
    app_with: AppWith, committed: Session, quiz: str, path: str, groups: list[str] | None
) -> None:
    client = Client(app_with(**dict.fromkeys(PUBLIC.values(), False)))
    if groups is not None:
        person = add_user(committed, groups=groups)
        committed.commit()
        client.sign_in(person.id)
    status, _ = ask(client, "GET", path.format(id=quiz.removeprefix("/quiz/")))
    assert status == (303 if path == "/sign-in" and groups is not None else 200)


@pytest.mark.parametrize("groups", [None, [], ["admin"]])
def test_what_belongs_to_an_attempt_is_404_for_whoever_has_none(
    app_with: AppWith, committed: Session, quiz: str, groups: list[str] | None
) -> None:
    client = Client(app_with())
    if groups is not None:
        person = add_user(committed, groups=groups)
        committed.commit()
        client.sign_in(person.id)
    nobody = "00000000-0000-0000-0000-000000000000"
    form = {"attempt": nobody, "question": nobody, "answer": nobody}
    assert client.get(f"{quiz}/play").headers["Location"] == quiz
    assert client.get(f"{quiz}/play?attempt={nobody}").status_code == 404
    assert client.get(f"{quiz}/results/{nobody}").status_code == 404
    assert client.post(f"{quiz}/play/answer", form).status_code == 404
    assert client.post(f"{quiz}/play/next", form).status_code == 404


def test_settings_for_tests_open_everything_to_guests() -> None:
    rules = settings_for("postgresql:///none").access_rules()
    assert rules.permissions_of("guest") == set(PUBLIC)
