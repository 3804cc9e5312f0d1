"""A browser without JavaScript: follows forms and links, and accepts only sound pages."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from flask import Flask
from justhtml import JustHTML
from werkzeug.test import TestResponse

from respondeo.db import session
from respondeo.services import identity

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}


class Page:
    """A parsed page or fragment."""

    def __init__(self, response: TestResponse) -> None:
        self.response = response
        self.status = response.status_code
        self.text = response.get_data(as_text=True)
        whole = self.text.lstrip().lower().startswith("<!doctype")
        self.tree = JustHTML(self.text, collect_errors=True, fragment=not whole, sanitize=False)
        problems = [str(error) for error in self.tree.errors]
        assert not problems, f"{problems}\n{self.text}"
        ids = Counter(node.attrs["id"] for node in self.all("[id]"))
        twice = [name for name, count in ids.items() if count > 1]
        assert not twice, f"duplicate ids {twice}"

    def all(self, selector: str) -> list[Any]:
        """All elements that match."""
        return list(self.tree.query(selector))

    def one(self, selector: str) -> Any:
        """The one element that matches."""
        found = self.all(selector)
        assert len(found) == 1, f"{len(found)} of {selector} in\n{self.text}"
        return found[0]

    def words(self, selector: str = "main") -> str:
        """The text of an element, white space folded."""
        return " ".join(self.one(selector).to_text().split())

    def fields(self, selector: str) -> dict[str, str]:
        """What a form would send of its hidden fields."""
        return {
            node.attrs["name"]: node.attrs.get("value", "")
            for node in self.all(f"{selector} input[type=hidden]")
        }


class Client:
    """One browser with its cookies."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.http = app.test_client()

    def get(self, path: str, *, htmx: bool = False, **headers: str) -> TestResponse:
        """GET without following; `htmx` asks for a fragment."""
        extra = {"HX-Request": "true"} if htmx else {}
        return self.http.get(path, headers=extra | headers)

    def post(
        self, path: str, *, htmx: bool = False, headers: dict[str, str] | None = None, **form: Any
    ) -> TestResponse:
        """POST a form as one of our own pages would, without following."""
        extra = {"HX-Request": "true"} if htmx else {}
        sent = {name: str(value) for name, value in form.items()}
        return self.http.post(path, data=sent, headers=SAME_ORIGIN | extra | (headers or {}))

    def page(self, path: str, status: int = 200) -> Page:
        """GET a page, following redirects, and parse it strictly."""
        response = self.http.get(path, follow_redirects=True)
        assert response.status_code == status, response.get_data(as_text=True)
        return Page(response)

    def submit(self, page: Page, selector: str, **values: Any) -> Page:
        """Send a form of a page as a browser would, and follow to the next page."""
        form = page.one(selector)
        sent = page.fields(selector) | {name: str(value) for name, value in values.items()}
        response = self.http.post(
            form.attrs["action"], data=sent, headers=SAME_ORIGIN, follow_redirects=True
        )
        return Page(response)

    def sign_in(self, user_id: UUID) -> None:
        """Hold a session of this person."""
        with self.app.app_context():
            token = identity.sign_in(session(), user_id, ip_address=None, user_agent="tests")
            session().commit()
        self.http.set_cookie(self.app.config["SESSION_TOKEN_COOKIE"], token)
