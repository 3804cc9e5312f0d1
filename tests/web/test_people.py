"""People and access rules, for admins."""

from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from respondeo.config import Settings
from respondeo.domain.access import PERMISSIONS, ROLES
from respondeo.models import Account, User
from respondeo.services import people
from tests.client import Client, Page
from tests.factories import add_user
from tests.web.apps import AppWith, Browser, Recorder

PEOPLE, ACCESS = "/settings/people", "/settings/access"


def names(page: Page) -> list[str]:
    return [node.to_text().strip() for node in page.all("#people-results h2")]


@pytest.fixture
def admin(browser: Browser) -> Client:
    """An admin's browser."""
    return browser("Zed Admin", "admin")


def add(session: Session, name: str, **values: object) -> UUID:
    user = add_user(session, name)
    for key, value in values.items():
        setattr(user, key, value)
    session.commit()
    return user.id


def test_only_admins_see_people_and_access(browser: Browser) -> None:
    for path in (PEOPLE, ACCESS):
        assert browser().get(path).headers["Location"] == f"/sign-in?next={path}"
        assert browser("Ada").get(path).status_code == 403
        assert browser("Mo", "staff").get(path).status_code == 403
        assert browser("Zed", "admin").get(path).status_code == 200
    for who, tabs in (("Ada", 2), ("Zed", 6)):
        client = browser(who, *(["admin"] if who == "Zed" else []))
        assert len(client.page("/settings/").all(".page-tabs a")) == tabs


def test_nobody_else_may_act_on_people(browser: Browser, committed: Session) -> None:
    bob = add(committed, "Bob")
    for action in ("sign-out", "disable", "enable"):
        path = f"{PEOPLE}/{bob}/{action}"
        assert browser("Ada").post(path).status_code == 403
        assert browser().post(path).headers["Location"].startswith("/sign-in")
    committed.rollback()
    assert committed.get_one(User, bob).disabled_at is None


def test_a_row_says_who_it_is_and_why_they_have_their_role(
    app_with: AppWith, browser: Browser, committed: Session
) -> None:
    app = app_with(rbac_role_creator_groups=frozenset({"teachers", "staff"}))
    ada = add(
        committed, "Ada", groups=["x", "teachers", "staff"], shown_as="display_name",
        display_name="Night Owl",
    )  # fmt: skip
    committed.add(Account(user_id=ada, provider_id="school", account_id="ada"))
    committed.commit()
    bob = add(committed, "Bob")
    page = browser("Zed", "admin", on=app).page(PEOPLE)
    row = page.words(f"#person-{ada}").replace(" ,", ",")
    assert "creator, because of the group staff" in row
    assert "Others see Night Owl" in row
    assert committed.get_one(User, ada).email in row
    assert "Signs in with school" in row
    assert "teachers" in row
    assert "user, the default role" in page.words(f"#person-{bob}").replace(" ,", ",")
    assert "Others see" not in page.words(f"#person-{bob}")


def test_people_are_searched_and_paged_by_the_address(admin: Client, committed: Session) -> None:
    for number in range(people.PAGE_SIZE + 5):
        add_user(committed, f"Owl {number:02}", groups=["birds"])
    add_user(committed, "Rowan")
    committed.commit()
    page = admin.submit(admin.page(PEOPLE), "#people-search", q="birds")
    assert len(names(page)) == people.PAGE_SIZE
    assert page.one("#people-search-text").attrs["value"] == "birds"
    page = admin.page(page.one("a[rel=next]").attrs["href"])
    assert names(page) == [f"Owl {number}" for number in range(30, 35)]
    assert names(admin.page(f"{PEOPLE}?q=birds&page=99")) == names(page)
    assert names(admin.fragment(f"{PEOPLE}?q=rowan")) == ["Rowan"]
    assert "Nobody found" in admin.page(f"{PEOPLE}?q=volcano").words()
    assert names(admin.page(f"{PEOPLE}?q=%00rowan%00")) == ["Rowan"]
    for nonsense in ("q=" + "x" * 3000, "page=-1", "page=%00", "q[]=1", "q=%ed%a0%80&page=9e9"):
        admin.page(f"{PEOPLE}?{nonsense}")


def test_people_take_the_same_number_of_queries_however_many_there_are(
    admin: Client, committed: Session, recorder: Recorder
) -> None:
    def queries() -> int:
        with recorder() as said:
            admin.page(PEOPLE)
        return len(said)

    few = queries()
    for number in range(25):
        user = add_user(committed, f"P{number}", groups=["a", "b"])
        committed.add(Account(user_id=user.id, provider_id="school", account_id=f"{number}"))
    committed.commit()
    assert queries() == few <= 4


def test_an_admin_signs_somebody_out_everywhere(
    admin: Client, client: Client, committed: Session
) -> None:
    bob = add(committed, "Bob")
    client.sign_in(bob)
    assert client.get("/settings/").status_code == 200
    page = admin.page(f"{PEOPLE}?q=bob")
    form = page.fields(f"#person-{bob} form")
    response = admin.post(f"{PEOPLE}/{bob}/sign-out", form)
    assert response.headers["Location"] == f"{PEOPLE}?q=bob&done=signed-out"
    assert client.get("/settings/").status_code == 303
    page = admin.page(response.headers["Location"])
    assert page.words("[role=status].is-done") == "Signed out everywhere."
    client.sign_in(bob)
    assert client.get("/settings/").status_code == 200


def test_an_admin_disables_and_enables(admin: Client, client: Client, committed: Session) -> None:
    bob = add(committed, "Bob")
    client.sign_in(bob)
    disable = f"{PEOPLE}/{bob}/disable"
    assert disable in {n.attrs["formaction"] for n in admin.page(PEOPLE).all("[formaction]")}
    assert admin.post(disable).status_code == 303
    assert admin.post(disable).status_code == 303
    assert client.get("/settings/").status_code == 303
    client.sign_in(bob)
    assert client.get("/settings/").status_code == 303
    row = admin.page(PEOPLE)
    assert "Disabled since" in row.words(f"#person-{bob}")
    assert admin.post(f"{PEOPLE}/{bob}/enable").status_code == 303
    client.sign_in(bob)
    assert client.get("/settings/").status_code == 200


def test_an_admin_cannot_disable_themselves(admin: Client, committed: Session) -> None:
    me = committed.scalar(sa.select(User.id).where(User.name == "Zed Admin"))
    path = f"{PEOPLE}/{me}/disable"
    assert path not in {n.attrs["formaction"] for n in admin.page(PEOPLE).all("[formaction]")}
    refused = admin.post(path)
    assert refused.status_code == 422
    assert "You cannot disable yourself" in refused.get_data(as_text=True)
    assert admin.get(PEOPLE).status_code == 200


def test_people_who_are_not_there_are_404(admin: Client) -> None:
    for action in ("sign-out", "disable", "enable"):
        assert admin.post(f"{PEOPLE}/{UUID(int=7)}/{action}").status_code == 404
        assert admin.post(f"{PEOPLE}/nobody/{action}").status_code == 404


def test_forged_fields_of_the_way_back_lead_nowhere_else(admin: Client, committed: Session) -> None:
    bob = add(committed, "Bob")
    for forged in ({"page": "x", "q": "//evil.example"}, {"page": "9" * 50}, {"page": "-1"}):
        response = admin.post(f"{PEOPLE}/{bob}/enable", forged)
        assert response.headers["Location"].startswith(f"{PEOPLE}?")
        assert admin.get(response.headers["Location"]).status_code == 200


# -- access ----------------------------------------------------------------------------------


def table(page: Page) -> dict[str, list[bool]]:
    """Which of the roles may do what, by the words for screen readers."""
    return {
        row.query("th code")[0].to_text().strip(): [
            "yes" in cell.to_text() for cell in row.query("td")
        ]
        for row in page.all(".matrix tbody tr")
    }


def test_the_table_of_permissions_is_what_is_in_force(app_with: AppWith, browser: Browser) -> None:
    app = app_with(
        app_env="development",
        rbac_public_view_quiz=True,
        rbac_role_user_permissions=frozenset({"quiz:create"}),
    )
    page = browser("Zed", "admin", on=app).page(ACCESS)
    rules = app.extensions["access_rules"]
    shown = table(page)
    assert set(shown) == PERMISSIONS
    for permission, held in shown.items():
        assert held == [permission in rules.permissions_of(role) for role in ROLES]
    assert shown["quiz:view"][ROLES.index("guest")]
    assert not shown["quiz:play"][ROLES.index("guest")]
    assert shown["quiz:create"][ROLES.index("user")]


def test_every_variable_is_named_with_whether_it_is_set(
    app_with: AppWith, browser: Browser
) -> None:
    app = app_with(
        rbac_default_role="guest", rbac_role_creator_groups=frozenset({"teachers", "heads"})
    )
    words = browser("Zed", "admin", on=app).page(ACCESS).words()
    named = [name.upper() for name in Settings.model_fields if name.startswith("rbac_")]
    assert [name for name in named if name not in words] == []
    assert "heads, teachers" in words
    assert "RBAC_ROLE_MODERATOR_GROUPS not set" in words
    assert "RBAC_ROLE_CREATOR_GROUPS not set" not in words
    assert "RBAC_DEFAULT_ROLE not set" not in words


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ("teachers", "creator"),
        (" heads ,teachers", "creator"),
        ("Teachers", "user"),
        ("", "user"),
        (",,", "user"),
        ("admin,teachers", "admin"),
        ("<b>\0", "user"),
        ("x," * 5000, "user"),
    ],
)
def test_the_role_of_some_groups_is_told_with_why(
    app_with: AppWith, browser: Browser, groups: str, said: str
) -> None:
    app = app_with(rbac_role_creator_groups=frozenset({"teachers"}))
    client = browser("Zed", "admin", on=app)
    page = client.submit(client.page(ACCESS), "#try-form", groups=groups)
    answer = page.words("#try-answer")
    assert answer.startswith(said)
    assert ("because of the group" in answer) == (said != "user")
    assert not client.page(ACCESS).all("#try-answer")
