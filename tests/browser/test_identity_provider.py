"""The whole way through a provider, in a browser: there, back to the page wanted, and out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, expect

from respondeo.db import parse_url
from tests.browser.server import serving
from tests.browser.visitor import Visitor, options
from tests.browser.world import World
from tests.conftest import TEMPLATE, run_on_server, url_of
from tests.oidc.provider import SECRET, Front, front, real_provider


@pytest.fixture
def school() -> Iterator[Front]:
    """The provider."""
    with real_provider() as behind, front(behind) as made:
        yield made


@pytest.fixture
def closed(worker_id: str, tmp_path: Path, school: Front) -> Iterator[World]:
    """A server where guests see nothing and School is the way in."""
    name = f"respondeo_oidc_{worker_id}"
    run_on_server(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    engine = sa.create_engine(parse_url(url_of(name))[0], poolclass=sa.NullPool)
    settings = {
        "RBAC_PUBLIC_BROWSE_QUIZZES": "false",
        "RBAC_PUBLIC_VIEW_QUIZ": "false",
        "OIDC_PROVIDER_ID": "school",
        "OIDC_ISSUER": school.url,
        "OIDC_CLIENT_ID": "respondeo",
        "OIDC_CLIENT_SECRET": SECRET,
    }
    with serving(url_of(name), tmp_path / "log", **settings) as url:
        yield World(engine, url)
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


def test_from_a_closed_page_to_the_provider_and_back_and_out(
    chromium: Browser, closed: World, school: Front
) -> None:
    quiz = closed.quiz()
    context = chromium.new_context(base_url=closed.url, **options())
    visitor = Visitor(context, closed.url)
    visitor.expects("asked another host", "Failed to load resource", "MutationObserver")
    context.route("https://cdn.jsdelivr.net/**", lambda route: route.abort())
    page = visitor.go(f"/quiz/{quiz}")
    page.get_by_role("link", name="Sign in with School").click()
    page.wait_for_url(f"{school.url}/**")
    page.get_by_placeholder("sub").fill("ada")
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url(f"{closed.url}/quiz/{quiz}")
    expect(page.locator("#start-button")).to_be_visible()
    page.get_by_role("button", name="Ada Lovelace: menu").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{school.url}/oauth2/end_session?**")
    page.get_by_role("button", name="End session").click()
    page.wait_for_url(f"{closed.url}/**")
    expect(page.get_by_role("link", name="Sign in with School")).to_be_visible()
    assert not [one for one in context.cookies() if one["name"] == "respondeo_session"]
    context.close()
    assert visitor.unexpected() == []
