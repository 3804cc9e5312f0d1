"""A browser without JavaScript: follows forms and links, and accepts only sound pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextvars import Context
from typing import Any
from uuid import UUID

from flask import Flask
from justhtml import JustHTML
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from respondeo.db import db
from respondeo.services import identity

REFERENCES = {"for", "aria-labelledby", "popovertarget", "form"}
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}


class Page:
    """A parsed page or fragment."""

    def __init__(self, response: TestResponse) -> None:
        self.response = response
        self.status = response.status_code
        self.path = response.request.path
        self.text = response.get_data(as_text=True)
        self.is_whole = self.text.lstrip().lower().startswith("<!doctype")
        self.tree = JustHTML(
            self.text, collect_errors=True, fragment=not self.is_whole, sanitize=False
        )
        problems = [str(error) for error in self.tree.errors]
        assert not problems, f"{problems}\n{self.text}"
        elements = list(_elements(self.tree.root))
        self._check_ids(elements)
        for element in elements:
            _check_what_the_policy_forbids(element)

    def _check_ids(self, elements: list[Any]) -> None:
        ids = Counter(node.attrs["id"] for node in elements if "id" in node.attrs)
        twice = [name for name, count in ids.items() if count > 1]
        assert not twice, f"duplicate ids {twice}"
        if self.is_whole:
            for node in elements:
                for name in REFERENCES & node.attrs.keys():
                    lost = set(node.attrs[name].split()) - set(ids)
                    assert not lost, f"{name} names {lost}, which is not on the page"

    def all(self, selector: str) -> list[Any]:
        """All elements that match."""
        return list(self.tree.query(selector))

    def one(self, selector: str) -> Any:
        """The one element that matches."""
        found = self.all(selector)
        where = f"{self.path} ({self.status})\n{self.text}"
        assert len(found) == 1, f"{len(found)} of {selector} in {where}"
        return found[0]

    def words(self, selector: str = "main") -> str:
        """The text of an element, white space folded."""
        return " ".join(self.one(selector).to_text().split())

    def title(self) -> str:
        """What the browser's tab says."""
        return self.words("title")

    def fields(self, selector: str) -> dict[str, str]:
        """What a form would send of its hidden fields, wherever on the page they stand."""
        inside = self.all(f"{selector} input[type=hidden]")
        named = self.one(selector).attrs.get("id")
        elsewhere = self.all(f"input[type=hidden][form='{named}']") if named else []
        return {node.attrs["name"]: node.attrs.get("value", "") for node in (*inside, *elsewhere)}


def _elements(node: Any) -> Iterator[Any]:
    """All elements below a node, and what is in templates. A selector takes far longer."""
    for child in node.children or ():
        if child.name[0] not in "#!":
            yield child
            yield from _elements(child)
    if getattr(node, "template_content", None) is not None:
        yield from _elements(node.template_content)


def _check_what_the_policy_forbids(element: Any) -> None:
    """A browser would not run inline scripts, styles or handlers: there must be none."""
    assert element.name != "style", "inline style"
    bad = [name for name in element.attrs if name == "style" or name.startswith(("on", "hx-on"))]
    assert not bad, f"{bad} in a page"
    if element.name == "script":
        assert element.attrs.get("src", "").startswith("/static/"), "a script not of ours"


class Client:
    """One browser with its cookies."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.http = app.test_client()

    def open(self, path: str, **how: Any) -> TestResponse:
        """One request, in a context of its own: a test's `g` and session are not the request's."""
        return Context().run(self.http.open, path, buffered=True, **how)

    def get(self, path: str, *, htmx: bool = False, **headers: str) -> TestResponse:
        """GET without following; `htmx` asks for a fragment."""
        extra = {"HX-Request": "true"} if htmx else {}
        return self.open(path, headers=extra | headers)

    def post(
        self,
        path: str,
        form: Mapping[str, object] | None = None,
        *,
        htmx: bool = False,
        headers: Mapping[str, str] | None = None,
        **fields: object,
    ) -> TestResponse:
        """POST a form as one of our own pages would, without following. A list repeats a field."""
        extra = {"HX-Request": "true"} if htmx else {}
        sent = {
            name: [str(one) for one in value] if isinstance(value, list) else str(value)
            for name, value in {**(form or {}), **fields}.items()
        }
        return self.open(
            path, method="POST", data=sent, headers=SAME_ORIGIN | extra | dict(headers or {})
        )

    def page(self, path: str, status: int = 200) -> Page:
        """GET a page, following redirects, and parse it strictly."""
        response = self.open(path, follow_redirects=True)
        assert response.status_code == status, response.get_data(as_text=True)
        return Page(response)

    def fragment(self, path: str, status: int = 200, **headers: str) -> Page:
        """GET what htmx would swap in, and parse it strictly."""
        response = self.get(path, htmx=True, **headers)
        assert response.status_code == status, response.get_data(as_text=True)
        page = Page(response)
        assert not page.is_whole, "a whole page where a fragment was asked for"
        assert "HX-Request" in response.headers["Vary"]
        return page

    def submit(self, page: Page, selector: str, **values: Any) -> Page:
        """Send a form of a page as a browser would, and follow to the next page.

        Only controls that the form has can be filled in.
        """
        form = page.one(selector)
        names = {node.attrs["name"] for node in page.all(f"{selector} [name]")}
        assert set(values) <= names, f"the form has no {set(values) - names}"
        sent = page.fields(selector) | {name: str(value) for name, value in values.items()}
        method = form.attrs.get("method", "get").upper()
        how: dict[str, Any] = {"data": sent} if method == "POST" else {"query_string": sent}
        response = self.open(
            form.attrs["action"],
            method=method,
            headers=SAME_ORIGIN,
            follow_redirects=True,
            **how,
        )
        return Page(response)

    def sign_in(self, user_id: UUID) -> str:
        """Hold a session of this person; returns its token."""
        with self.app.app_context(), Session(db.engine) as session:
            token = identity.sign_in(session, user_id, ip_address=None, user_agent="tests")
            session.commit()
        self.http.set_cookie(self.session_cookie, token)
        return token

    @property
    def session_cookie(self) -> str:
        """The name of the cookie that holds a session's token."""
        return str(self.app.config["SESSION_TOKEN_COOKIE"])

    @property
    def guest_cookie(self) -> str:
        """The name of the cookie that holds a guest's token."""
        return str(self.app.config["GUEST_TOKEN_COOKIE"])

    def cookie(self, name: str) -> str | None:
        """The value of a cookie that this browser holds."""
        held = self.http.get_cookie(name)
        return held.value if held else None
