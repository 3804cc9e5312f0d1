"""The list of quizzes, the theme, covers, and whether all is well."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, current_app, make_response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from respondeo import health
from respondeo.db import commit, reader
from respondeo.domain.document import Difficulty, Language
from respondeo.services import catalogue
from respondeo.services.catalogue import Filters
from respondeo.web import access
from respondeo.web.auth.views import local_path
from respondeo.web.covers import cover_svg
from respondeo.web.filters import language_name
from respondeo.web.htmx import page_or_fragment
from respondeo.web.operating import is_operator

bp = Blueprint("pages", __name__)

THEMES = ("system", "light", "dark")
LONGEST_QUERY = 100


@dataclass(frozen=True, slots=True)
class ListingView:
    """The list as its page shows it."""

    found: catalogue.Listing
    filters: Filters

    @property
    def has_cards(self) -> bool:
        return bool(self.found.shown)

    @property
    def name(self) -> int | None:
        return self.found.name

    @property
    def stretches(self) -> tuple[catalogue.Stretch, ...]:
        return self.found.stretches

    @property
    def total(self) -> int:
        return self.found.total

    @property
    def page(self) -> int:
        return self.found.page

    @property
    def pages(self) -> int:
        return self.found.pages

    @property
    def languages(self) -> list[tuple[str, str, int]]:
        return [(code, language_name(code), count) for code, count in self.found.languages]

    @property
    def difficulties(self) -> list[str]:
        return [difficulty.value for difficulty in Difficulty]

    @property
    def q(self) -> str:
        return self.filters.q

    @property
    def language(self) -> str:
        return self.filters.language

    @property
    def difficulty(self) -> str:
        return self.filters.difficulty

    @property
    def sort(self) -> str:
        return self.filters.sort

    def url(self, **changes: str | int) -> str:
        """This list with something changed; any change but of the page goes to page 1."""
        shown = replace(self.filters, **({"page": 1} | changes))  # type: ignore[arg-type]
        plain = Filters()
        query = {
            name: getattr(shown, name)
            for name in Filters.__dataclass_fields__
            if getattr(shown, name) != getattr(plain, name)
        }
        return f"{request.path}?{urlencode(query)}" if query else request.path


@bp.get("/")
@access.asks_ahead(lambda: catalogue.list_to_be_asked(filters_from_address()))
@access.allow("quiz:browse")
def home() -> Response:
    """The list of quizzes, searched, filtered and cut into pages by the address alone."""
    filters = filters_from_address()
    found = catalogue.listing(reader(), access.viewer(), filters)
    commit()
    listing = ListingView(found, replace(filters, page=found.page))
    return page_or_fragment("pages/home.html", "results", listing=listing)


def filters_from_address() -> Filters:
    """What the address narrows the list to; values that mean nothing narrow nothing."""
    asked = request.args.to_dict()  # in the other, to miss a name costs an exception
    return Filters(
        q=" ".join(asked.get("q", "").replace("\0", " ").split())[:LONGEST_QUERY],
        language=known(asked.get("language"), Language),
        difficulty=known(asked.get("difficulty"), Difficulty),
        sort=known(asked.get("sort"), catalogue.SORTS) or catalogue.NEWEST,
        page=page_from_address(),
    )


def page_from_address(name: str = "page") -> int:
    """`?page=` as a number from 1 to a million."""
    text = request.args.get(name, "1")
    return min(max(1, int(text)), 1_000_000) if text.isdecimal() and len(text) < 10 else 1


def known(value: str | None, values: Iterable[str]) -> str:
    return value if value is not None and value in list(values) else ""


@bp.post("/theme")
@access.everybody
def theme() -> BaseResponse:
    """Remember light, dark, or whatever the system prefers."""
    chosen = request.form.get("theme")
    response = redirect(local_path(request.form.get("next")), 303)
    if chosen in THEMES:
        response.set_cookie(
            "theme",
            chosen,
            max_age=365 * 24 * 60 * 60,
            samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )
    return response


@bp.get("/covers/<uuid:seed>.svg")
@access.everybody
def cover(seed: UUID) -> Response:
    """The picture of a quiz without one: a pattern that never changes."""
    response = make_response(cover_svg(seed))
    response.mimetype = "image/svg+xml"
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


@bp.get("/healthz")
@access.everybody
def healthz() -> Response:
    """Whether this process runs."""
    return Response("ok\n", mimetype="text/plain")


@bp.get("/readyz")
@access.everybody
def readyz() -> Response:
    """Whether the database answers and has the tables of this version."""
    trouble = health.trouble(current_app)
    if trouble is None:
        return Response("ready\n", mimetype="text/plain")
    told = trouble.sentence if is_operator() else "not ready"
    return Response(f"{told}\n", status=503, mimetype="text/plain")
