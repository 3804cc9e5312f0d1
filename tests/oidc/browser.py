"""Going from Respondeo to the provider and back, as a browser does."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask
from werkzeug.test import TestResponse

from tests.client import Client, Page
from tests.oidc.provider import Front


class Traveller(Client):
    """A browser that signs in at providers."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self.last = ""

    def leave(self, provider: str = "school", target: str | None = None) -> str:
        """Follow the link to the provider; gives the provider's address."""
        where = {"next": target} if target is not None else {}
        response = self.open(f"/auth/sign-in/{provider}", query_string=where)
        assert response.status_code == 303, response.text
        return str(response.location)

    def come_back(self, url: str) -> TestResponse:
        """Follow the provider's redirect."""
        parts = urlsplit(url)
        assert parts.netloc == "localhost", url
        self.last = f"{parts.path}?{parts.query}"
        return self.get(self.last)

    def travel(
        self,
        front: Front,
        sub: str | None = "ada",
        *,
        provider: str = "school",
        target: str | None = None,
    ) -> TestResponse:
        """There and back, as this person; as None, who presses “Deny”."""
        return self.come_back(front.consent(self.leave(provider, target), sub))

    def fails(self, response: TestResponse, status: int, sentence: str) -> Page:
        """The sign-in ended on a page that says what to do, and leads back; nobody is in."""
        assert response.status_code == status, response.text
        page = Page(response)
        assert sentence in page.words()
        assert page.one("#error-action").attrs["href"].startswith("/sign-in")
        assert self.cookie(self.session_cookie) is None
        return page

    def name(self) -> str:
        """Who is signed in, as the page says."""
        return self.page("/").words(".site-head")
