"""Settings, API keys: a key is made, shown once, listed and revoked; and by whom."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
import structlog
from flask import Flask
from sqlalchemy.orm import Session

from respondeo import create_app
from respondeo.db import db
from respondeo.domain.scopes import SCOPES
from respondeo.models import ApiKey, User
from respondeo.services import api_keys
from tests.client import Client, Page
from tests.conftest import settings_for
from tests.factories import add_user
from tests.web.places import person_with

PAGE = "/settings/keys"


@pytest.fixture
def ada(committed: Session) -> UUID:
    """Somebody who may have keys."""
    return person_with(committed, "Ada Lovelace", "admin")


@pytest.fixture
def browser(app: Flask, ada: UUID) -> Client:
    client = Client(app)
    client.sign_in(ada)
    return client


def form(page: Page, **changes: object) -> dict[str, object]:
    """What the form of this page would send."""
    usual: dict[str, object] = {
        "name": "Importer",
        "scopes": ["quizzes:read", "attempts:read"],
        "expires_days": "90",
        "requests_per_minute": "100",
    }
    return {**page.fields("#key-form"), **usual, **changes}


def key_on(page: Page) -> str:
    return page.words("#made-key")


def test_a_page_without_keys_says_so_and_offers_to_read(browser: Client) -> None:
    page = browser.page(PAGE)
    assert page.title().startswith("API keys")
    assert page.words("#no-keys") == "You have no keys."
    ticked = [box.attrs["value"] for box in page.all("#key-form [name=scopes][checked]")]
    assert ticked == ["quizzes:read", "attempts:read"]
    assert page.one("#key-form option[selected]").attrs["value"] == "90"
    assert page.one(".page-tabs [aria-current=page]").to_text().strip() == "API keys"


def test_a_key_is_shown_once_and_never_again(
    browser: Client, ada: UUID, committed: Session
) -> None:
    sent = form(browser.page(PAGE), name="My <b>importer</b>", requests_per_minute="1000")
    response = browser.post(PAGE, sent)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    page = Page(response)
    key = key_on(page)
    holder = api_keys.holder_of(committed, key)
    assert holder is not None
    assert (holder.user_id, holder.scopes) == (ada, frozenset({"quizzes:read", "attempts:read"}))
    assert holder.requests_per_minute == 1000
    assert holder.expires_at is not None
    assert page.text.count(key) == 1
    later = browser.page(PAGE)
    assert key not in later.text
    words = later.words(".keys")
    assert words.startswith(f"My <b>importer</b> {key[:8]}…")
    assert "Read quizzes and leaderboards; read attempts" in words
    assert "Expires" in words
    assert "Never used" in words
    assert "1,000 a minute" in words


def test_a_form_sent_again_makes_no_second_key_and_shows_none(browser: Client) -> None:
    sent = form(browser.page(PAGE))
    key = key_on(Page(browser.post(PAGE, sent)))
    again = Page(browser.post(PAGE, sent))
    assert again.status == 200
    assert "was made already, and shown once" in again.words("#key-was-made")
    assert key not in again.text
    assert not again.all("#made-key")
    assert len(again.all(".keys > li")) == 1


def test_the_next_key_can_be_made_from_the_page_that_shows_the_last(browser: Client) -> None:
    shown = Page(browser.post(PAGE, form(browser.page(PAGE))))
    second = Page(browser.post(PAGE, form(shown, expires_days="never")))
    assert key_on(second) != key_on(shown)
    assert "Never expires" in second.words(".keys > li:first-child")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", " ", "Give the key a name that tells what uses it."),
        ("name", "n" * 61, "Use at most 60 characters."),
        ("name", "a\0b", "Leave out characters that cannot be seen."),
        ("scopes", [], "Choose at least one thing that the key may do."),
        ("scopes", ["admin:*"], "Choose among quizzes:read"),
        ("expires_days", "31", "Choose when the key expires."),
        ("expires_days", "", "Choose when the key expires."),
        ("requests_per_minute", "many", "Write a number from 1 to 1,000,000."),
        ("requests_per_minute", "9" * 5000, "Write a number from 1 to 1,000,000."),
        ("requests_per_minute", "0", "Write a number from 1 to 1,000,000."),
        ("requests_per_minute", "", "Write a number from 1 to 1,000,000."),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_the_rest_stays(
    browser: Client, ada: UUID, committed: Session, field: str, value: object, words: str
) -> None:
    before = form(browser.page(PAGE), name="Kept", scopes=["quizzes:write"])
    response = browser.post(PAGE, {**before, field: value})
    assert response.status_code == 422
    page = Page(response)
    assert words in page.words(f"#problem-{field}")
    assert len(page.all("[autofocus]")) == 1
    assert page.fields("#key-form")["key"] == before["key"]
    if field != "name":
        assert page.one("#key-name").attrs["value"] == "Kept"
    if field != "scopes":
        ticked = [box.attrs["value"] for box in page.all("[name=scopes][checked]")]
        assert ticked == ["quizzes:write"]
    assert not api_keys.keys_of(committed, ada)


def test_all_that_is_wrong_is_said_at_once_and_the_first_has_the_focus(browser: Client) -> None:
    wrong = {"name": "", "scopes": [], "expires_days": "31", "requests_per_minute": "0"}
    response = browser.post(PAGE, form(browser.page(PAGE), **wrong))
    assert response.status_code == 422
    page = Page(response)
    for field in wrong:
        assert page.words(f"#problem-{field}"), field
    assert [one.attrs["id"] for one in page.all("[autofocus]")] == ["key-name"]


def test_one_key_more_than_there_may_be_is_refused_in_words(
    browser: Client, ada: UUID, committed: Session
) -> None:
    for number in range(api_keys.MOST_KEYS):
        api_keys.create_key(committed, ada, f"Key {number}", scopes=SCOPES, expires_days=None)
    committed.commit()
    response = browser.post(PAGE, form(browser.page(PAGE), name="One more"))
    assert response.status_code == 422
    page = Page(response)
    assert "One person may have 50 keys. Revoke one" in page.words("#no-key")
    assert [one.attrs["id"] for one in page.all("[autofocus]")] == ["no-key"]
    assert page.one("#key-name").attrs["value"] == "One more"
    assert len(page.all(".keys > li")) == api_keys.MOST_KEYS


@pytest.mark.parametrize("forged", ["", "x", "\0"])
def test_a_form_without_an_id_makes_no_key_and_gets_one(browser: Client, forged: str) -> None:
    response = browser.post(PAGE, form(browser.page(PAGE), key=forged))
    assert response.status_code == 422
    page = Page(response)
    assert page.all(".notice.is-wrong")
    assert key_on(Page(browser.post(PAGE, form(page))))


def test_a_form_with_the_id_of_somebody_elses_key_changes_nothing(
    browser: Client, ada: UUID, committed: Session
) -> None:
    other, key_id = add_user(committed, "Other"), uuid4()
    theirs = api_keys.create_key(
        committed, other.id, "Theirs", scopes=["quizzes:read"], expires_days=None, key_id=key_id
    )
    committed.commit()
    assert theirs is not None
    page = Page(browser.post(PAGE, form(browser.page(PAGE), key=key_id)))
    assert not page.all("#made-key")
    assert not api_keys.keys_of(committed, ada)
    holder = api_keys.holder_of(committed, theirs)
    assert holder is not None
    assert holder.user_id == other.id


def test_a_key_is_revoked_at_once_and_twice_is_no_fault(
    browser: Client, committed: Session
) -> None:
    page = Page(browser.post(PAGE, form(browser.page(PAGE))))
    key = key_on(page)
    assert "cannot be brought back" in page.words(".keys details:not([open]) > form")
    for _ in range(2):
        after = browser.submit(page, ".keys form")
        assert (after.status, after.path) == (200, PAGE)
        assert "The key is revoked." in after.words()
        assert after.all("#no-keys")
    assert api_keys.holder_of(committed, key) is None


def test_a_key_that_has_ended_says_so_and_is_removed(
    browser: Client, ada: UUID, committed: Session
) -> None:
    browser.post(PAGE, form(browser.page(PAGE)))
    ended = sa.func.clock_timestamp() - timedelta(days=1)
    before = {"created_at": ended - timedelta(days=30), "expires_at": ended}
    committed.execute(sa.update(ApiKey).where(ApiKey.user_id == ada).values(**before))
    committed.commit()
    words = browser.page(PAGE).words(".keys > li")
    assert "Expired" in words
    assert "Remove this key" in words
    assert "Revoke" not in words


def test_nobody_revokes_or_sees_somebody_elses_key(browser: Client, committed: Session) -> None:
    other: User = add_user(committed, "Other")
    key = api_keys.create_key(
        committed, other.id, "Theirs", scopes=["quizzes:read"], expires_days=None
    )
    committed.commit()
    assert key is not None
    holder = api_keys.holder_of(committed, key)
    assert holder is not None
    assert "Theirs" not in browser.page(PAGE).text
    assert browser.post(f"{PAGE}/{holder.key_id}/revoke").status_code == 404
    assert api_keys.holder_of(committed, key) is not None


def test_who_may_have_no_keys_sees_no_tab(app: Flask, committed: Session) -> None:
    player = Client(app)
    player.sign_in(person_with(committed, "A Player"))
    assert "API keys" not in player.page("/settings/").words()
    assert player.get(PAGE).status_code == 403


def test_no_key_is_ever_logged(
    database: str,
    app: Flask,
    ada: UUID,
    committed: Session,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = structlog.get_config()
    logging = create_app(settings_for(database, app_env="production", log_level="DEBUG"))
    caplog.set_level("DEBUG")
    try:
        client = Client(logging)
        client.sign_in(ada)
        key = key_on(Page(client.post(PAGE, form(client.page(PAGE)))))
        shown, secret = key[: api_keys.SHOWN], key[api_keys.SHOWN :]
        made_up = f"{shown}{secret[::-1]}"
        statuses = [ask(client, "/api/auth/get-session", given) for given in (key, made_up)]
        statuses += [ask(client, f"/api/quizzes{end}", key) for end in ("", "/none", "?page=x")]
        committed.execute(sa.text("ALTER TABLE apikey RENAME TO nowhere"))
        committed.commit()
        statuses.append(ask(client, "/api/quizzes", key))
        committed.execute(sa.text("ALTER TABLE nowhere RENAME TO apikey"))
        committed.commit()
        assert statuses == [200, 401, 200, 404, 400, 503]
        told = capsys.readouterr()
        logged = told.out + told.err + caplog.text
        assert '"/api/auth/get-session"' in logged
        assert '"database trouble"' in logged
        assert secret not in logged
        assert secret[::-1] not in logged
    finally:
        structlog.configure(**before)
        with logging.app_context():
            db.engine.dispose()


def ask(client: Client, path: str, key: str) -> int:
    return client.open(path, headers={"x-api-key": key}).status_code
