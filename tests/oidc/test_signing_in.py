"""The way to the provider and back, and who is signed in afterwards."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.models import Account, LoginSession, User
from tests.client import Client, Page
from tests.conftest import settings_for
from tests.factories import add_user, published_quiz
from tests.oidc.browser import Traveller
from tests.oidc.conftest import Setup
from tests.oidc.provider import ADA, TOKEN, USERINFO, Front, query
from tests.web.test_signing_in import ELSEWHERE, cookies


def people(session: Session) -> list[User]:
    session.rollback()
    session.expire_all()
    return list(session.scalars(sa.select(User).order_by(User.id)))


def test_a_closed_page_leads_to_the_provider_and_back_to_itself(
    school: Front, set_up: Setup, committed: Session
) -> None:
    quiz = published_quiz(committed)
    committed.commit()
    app = set_up(school.settings(), rbac_public_view_quiz=False)
    traveller = Traveller(app)
    page = traveller.page(f"/quiz/{quiz.id}")
    button = page.one("#provider-school")
    assert page.words("#provider-school") == "Sign in with School"
    away = traveller.get(button.attrs["href"])
    back = traveller.come_back(school.consent(away.location, "ada"))
    assert (back.status_code, back.location) == (303, f"/quiz/{quiz.id}")
    page = traveller.page(back.location)
    assert "Ada Lovelace" in page.words("#person-button")


def test_the_request_asks_for_what_is_needed_and_proves_who_asks(
    school: Front, traveller: Traveller
) -> None:
    url = traveller.leave()
    asked = query(url)
    assert url.startswith(f"{school.url}/oauth2/authorize?")
    assert asked["response_type"] == "code"
    assert asked["client_id"] == "respondeo"
    assert asked["scope"] == "openid profile email groups"
    assert asked["redirect_uri"] == "http://localhost/auth/callback/school"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert len(asked["state"]) >= 20
    assert len(asked["nonce"]) >= 20
    traveller.come_back(school.consent(url, "ada"))
    sent = school.asked_for(TOKEN)[0]
    assert sent["grant_type"] == "authorization_code"
    assert sent["redirect_uri"] == asked["redirect_uri"]
    assert len(sent["code_verifier"]) >= 43
    assert "client_secret" not in sent


def test_a_provider_that_takes_the_secret_in_the_form_gets_it_there(
    school: Front, traveller: Traveller
) -> None:
    school.says(
        "/.well-known/openid-configuration",
        token_endpoint_auth_methods_supported=["client_secret_post"],
    )
    assert traveller.travel(school).status_code == 303
    assert school.asked_for(TOKEN)[0]["client_secret"] == school.settings().client_secret


def test_a_new_person_is_as_the_provider_says(
    school: Front, traveller: Traveller, committed: Session
) -> None:
    traveller.travel(school, "ada")
    (user,) = people(committed)
    assert (user.name, user.email, user.email_verified) == (
        "Ada Lovelace", "ada@school.example", True,
    )  # fmt: skip
    assert user.groups == ["teachers", "heads"]
    assert user.image == user.provider_image == ADA["picture"]
    account = committed.scalars(sa.select(Account)).one()
    assert (account.provider_id, account.account_id) == ("school", "ada")
    assert (account.user_id, account.password_hash) == (user.id, None)
    held = committed.scalars(sa.select(LoginSession)).one()
    assert held.provider_id == "school"
    assert held.id_token in school.issued


def test_signing_in_again_finds_the_same_person_and_brings_them_up_to_date(
    school: Front, traveller: Traveller, committed: Session
) -> None:
    traveller.travel(school, "ada")
    before = people(committed)[0].id
    school.is_person(
        "ada", email="ada@new.example", email_verified=True, name="Ada King", groups=["heads"]
    )
    traveller.travel(school, "ada")
    (user,) = people(committed)
    assert user.id == before
    assert (user.name, user.email, user.groups) == ("Ada King", "ada@new.example", ["heads"])


def test_claims_that_the_id_token_lacks_come_from_the_userinfo_endpoint(
    school: Front, traveller: Traveller, committed: Session
) -> None:
    school.vouches(name=None, email=None, email_verified=None, groups=None)
    traveller.travel(school, "ada")
    (user,) = people(committed)
    assert (user.name, user.email, user.groups) == (
        "Ada Lovelace", "ada@school.example", ["teachers", "heads"],
    )  # fmt: skip
    assert len([1 for _, path, _ in school.asked if path == USERINFO]) == 1


@pytest.mark.parametrize(
    ("told", "more", "email", "verified"),
    [
        ({"email": "ada@x.example"}, {"email": "ada@y.example"}, "ada@x.example", False),
        ({"email": "ada@x.example"}, {"email": "Ada@X.example"}, "ada@x.example", True),
        ({"email": "ada@x.example"}, {"email": None}, "ada@x.example", False),
        (
            {"email": "ada@x.example", "email_verified": False, "name": None},
            {"email": "ada@x.example"}, "ada@x.example", False,
        ),
        ({"email_verified": True}, {"email_verified": False}, "ada@school.example", False),
        ({"email_verified": False}, {}, "ada@school.example", True),
    ],
)  # fmt: skip
def test_an_e_mail_is_verified_only_where_that_very_one_is(
    school: Front,
    traveller: Traveller,
    committed: Session,
    told: dict[str, Any],
    more: dict[str, object],
    email: str,
    verified: bool,
) -> None:
    school.vouches(**({"email": None, "email_verified": None} | told))
    school.says(USERINFO, **more)
    assert traveller.travel(school).status_code == 303
    (user,) = people(committed)
    assert (user.email, user.email_verified) == (email, verified)


def test_groups_in_the_userinfo_are_found_behind_a_claim_of_the_id_token_without_them(
    school: Front, set_up: Setup, committed: Session
) -> None:
    traveller = Traveller(set_up(school.settings(groups_claim="realm_access.roles")))
    school.vouches(realm_access={"verify_caller": True})
    school.says(USERINFO, realm_access={"roles": ["creators"]})
    traveller.travel(school)
    (user,) = people(committed)
    assert user.groups == ["creators"]
    school.vouches(realm_access={"roles": ["heads"]}, name=None)
    traveller.travel(school)
    (user,) = people(committed)
    assert user.groups == ["heads"]


def test_an_id_token_that_says_all_is_enough(school: Front, traveller: Traveller) -> None:
    traveller.travel(school, "ada")
    assert USERINFO not in {path for _, path, _ in school.asked}


def test_the_provider_is_asked_about_itself_once_for_many_people(
    school: Front, traveller: Traveller
) -> None:
    for sub in ("ada", "grace", "emmy"):
        school.is_person(sub, email=f"{sub}@school.example")
        assert traveller.travel(school, sub).status_code == 303
    asked = [path for _, path, _ in school.asked]
    assert asked.count("/.well-known/openid-configuration") == 1
    assert asked.count("/jwks") == 1


def test_two_providers_side_by_side_keep_their_people_apart(
    school: Front, club: Front, set_up: Setup, committed: Session
) -> None:
    app = set_up(school.settings(), club.settings(id="chess-club", label="Chess Club"))
    school.is_person("1", name="Of The School", email="one@school.example", email_verified=True)
    traveller = Traveller(app)
    page = traveller.page("/sign-in")
    assert page.words("#provider-chess-club") == "Sign in with Chess Club"
    traveller.travel(school, "1")
    school.is_person("1", name="Of The Club", email="one@club.example", email_verified=True)
    other = Traveller(app)
    assert other.travel(club, "1", provider="chess-club").status_code == 303
    assert "Of The School" in traveller.name()
    assert "Of The Club" in other.name()
    assert len(people(committed)) == 2


def test_the_same_verified_person_at_two_providers_is_one_person(
    school: Front, club: Front, set_up: Setup, committed: Session
) -> None:
    app = set_up(school.settings(), club.settings(id="club"))
    Traveller(app).travel(school, "ada")
    Traveller(app).travel(club, "ada", provider="club")
    assert len(people(committed)) == 1
    assert len(committed.scalars(sa.select(Account)).all()) == 2


def test_sign_ins_begun_in_several_tabs_all_come_back(school: Front, traveller: Traveller) -> None:
    urls = [traveller.leave(target=f"/leaderboard?page={n}") for n in (1, 2, 3)]
    for n, url in reversed(list(enumerate(urls, 1))):
        back = traveller.come_back(school.consent(url, "ada"))
        assert back.location == f"/leaderboard?page={n}"


def test_the_cookie_of_begun_sign_ins_never_outgrows_what_browsers_keep(
    traveller: Traveller,
) -> None:
    for n in range(12):
        for target in (f"/{n}" + "é" * 3000, f"/{n}" + "é" * 190, f"/{n}" + "a" * 1100):
            answer = traveller.open("/auth/sign-in/school", query_string={"next": target})
            assert answer.status_code in {303, 429}
            for line in answer.headers.getlist("Set-Cookie"):
                assert len(line) < 4000


def test_the_cookie_of_begun_sign_ins_is_hidden_and_goes_when_it_is_used(
    school: Front, traveller: Traveller
) -> None:
    begun = traveller.open("/auth/sign-in/school")
    assert cookies(begun) == {"respondeo_sign_in": {"HttpOnly", "Path=/", "SameSite=Lax"}}
    traveller.come_back(school.consent(begun.location, "ada"))
    assert traveller.cookie("respondeo_sign_in") is None


def test_over_https_the_cookie_is_secure_and_bound_to_the_host(
    school: Front, set_up: Setup
) -> None:
    app = set_up(school.settings(), app_env="production", app_url="https://quiz.example")
    begun = Client(app).open("/auth/sign-in/school", base_url="https://quiz.example")
    assert cookies(begun) == {
        "__Host-respondeo_sign_in": {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}
    }
    assert query(begun.location)["redirect_uri"] == "https://quiz.example/auth/callback/school"


def test_the_callback_address_comes_from_the_settings_and_never_from_the_request(
    school: Front, set_up: Setup
) -> None:
    client = Client(set_up(school.settings()))
    forged = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    begun = client.open("/auth/sign-in/school", base_url="http://127.0.0.1", headers=forged)
    assert query(begun.location)["redirect_uri"] == "http://localhost/auth/callback/school"


def test_signing_in_never_leads_to_another_site(school: Front, set_up: Setup) -> None:
    app = set_up(school.settings())
    for target in ELSEWHERE:
        traveller = Traveller(app)
        answer = traveller.open(
            "/auth/sign-in/school",
            query_string={"next": target[:50_000]},
            environ_overrides={"REMOTE_ADDR": f"192.0.2.{ELSEWHERE.index(target)}"},
        )
        back = traveller.come_back(school.consent(answer.location, "ada"))
        assert back.status_code == 303
        assert back.location.startswith("/")
        assert not back.location.startswith(("//", "/\\"))


def test_whoever_was_signed_in_before_is_signed_out_by_another_sign_in(
    school: Front, traveller: Traveller, committed: Session
) -> None:
    person = add_user(committed, "Before")
    committed.commit()
    token = traveller.sign_in(person.id)
    traveller.travel(school)
    assert committed.scalar(sa.select(sa.func.count()).select_from(LoginSession)) == 1
    assert traveller.cookie(traveller.session_cookie) != token


def test_the_demo_shows_its_people_and_the_provider(school: Front, set_up: Setup) -> None:
    page = Client(set_up(school.settings())).page("/sign-in?next=/leaderboard")
    assert page.one("#provider-school").attrs["href"] == ("/auth/sign-in/school?next=/leaderboard")
    assert page.all("form.people")


def test_without_a_provider_the_pages_say_so_and_its_addresses_are_nowhere(
    set_up: Setup,
) -> None:
    client = Client(set_up(app_env="production", app_url="http://localhost"))
    assert "No way of signing in" in client.page("/sign-in").words()
    for path in ("/auth/sign-in/school", "/auth/callback/school?code=a&state=b"):
        assert Page(client.get(path)).status == 404


def test_beginning_too_often_is_slowed_down(traveller: Traveller) -> None:
    answers = [traveller.get("/auth/sign-in/school").status_code for _ in range(601)]
    assert answers == [303] * 600 + [429]


def test_the_secret_is_in_no_repr_of_the_settings(school: Front) -> None:
    settings = settings_for("postgresql://x/y", oidc_providers=(school.settings(),))
    assert school.settings().client_secret not in repr(settings)


def test_settings_call_the_provider_what_people_call_it(
    traveller: Traveller, school: Front
) -> None:
    traveller.travel(school)
    assert "with School" in traveller.page("/settings/security").words(".sessions")
    assert "School" in traveller.page("/settings").words("main")
