"""What templates can do with values, and what they all know."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from typing import Any

from flask import Flask, request, url_for
from jinja2 import StrictUndefined
from markupsafe import Markup

from respondeo.config import Settings
from respondeo.precompress import STATIC
from respondeo.services.identity import initials
from respondeo.web import access
from respondeo.web.pieces import Pieces, Unindented

LANGUAGE_NAMES = {
    "en": "English",
    "es": "Español",
    "fr": "Français",
    "de": "Deutsch",
    "sv": "Svenska",
    "pt": "Português",
    "it": "Italiano",
    "nl": "Nederlands",
    "pl": "Polski",
    "ja": "日本語",
    "zh": "中文",
    "ko": "한국어",
}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def language_name(code: str) -> str:
    """The language in its own words."""
    return LANGUAGE_NAMES.get(code, code)


def clock_ms(ms: int) -> str:
    """65000 → "1:05"; 3 725 000 → "1:02:05". What is left of a second counts as one."""
    seconds = max(0, -(-ms // 1000))
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def duration_ms(ms: int) -> str:
    """31400 → "31.4 s"; 70000 → "1:10"; 3 725 000 → "1:02:05"."""
    if ms < 60_000:
        return f"{ms // 100 / 10:.1f} s"
    return clock_ms(ms // 1000 * 1000)


def board_time(ms: int) -> str:
    """51049 → "51.04 s"; 96420 → "1:36.42"; 3 725 999 → "1:02:05.99". Fine enough to rank by."""
    minutes, rest = divmod(ms // 10, 6000)
    seconds, hundredths = divmod(rest, 100)
    if not minutes:
        return f"{seconds}.{hundredths:02} s"
    return f"{clock_ms(ms // 1000 * 1000)}.{hundredths:02}"


def ordinal(number: int) -> str:
    """1 → "1st"."""
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{({1: 'st', 2: 'nd', 3: 'rd'}).get(number % 10, 'th')}"


def number(value: int) -> str:
    """12345 → "12,345"."""
    return f"{value:,}"


def limit_text(seconds: int) -> str:
    """0 → "No limit"; 90 → "1 minute 30 seconds"; 300 → "5 minutes"."""
    if not seconds:
        return "No limit"
    parts = []
    for name, size in (("hour", 3600), ("minute", 60), ("second", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(parts)


def limit_short(seconds: int) -> str:
    """0 → "No limit"; 10 → "10 s"; 90 → "1:30 min"; 120 → "2 min"."""
    if not seconds:
        return "No limit"
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes}:{rest:02} min" if rest else f"{minutes} min"


def percent(part: int, whole: int) -> int:
    """How many hundredths of the whole, rounded."""
    return round(100 * part / whole) if whole else 0


def date_short(moment: datetime) -> str:
    """ "22 Nov 2026", in UTC."""
    moment = moment.astimezone(UTC)
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def when(moment: datetime) -> Markup:
    """A moment that people and programs can read, in UTC."""
    moment = moment.astimezone(UTC)
    told = f"{date_short(moment)}, {moment:%H:%M} UTC"
    return Markup(f'<time datetime="{moment.isoformat()}">{told}</time>')  # noqa: S704 - only digits


@cache
def _version_of(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]


def current_path() -> str:
    """This page, for coming back to it; not where an identity provider's answer is taken."""
    if request.path.startswith("/auth/"):
        return url_for("auth.sign_in")
    return request.full_path.rstrip("?")


def init_filters(app: Flask, settings: Settings) -> None:
    """Teach the templates."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.add_extension(Pieces)
    app.jinja_env.add_extension(Unindented)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    for function in (
        board_time, clock_ms, date_short, duration_ms, initials, language_name, limit_short,
        limit_text, number, ordinal, percent, when,
    ):  # fmt: skip
        app.jinja_env.filters[function.__name__] = function

    labels = {one.id: one.label for one in settings.oidc_providers}

    def provider_label(provider_id: str) -> str:
        """What people call a way to sign in; one that is no longer set up keeps its id."""
        return labels.get(provider_id, provider_id)

    app.jinja_env.filters["provider_label"] = provider_label

    def static_url(name: str) -> str:
        """Where a static file is, under a name that changes with its content."""
        version = _version_of.__wrapped__(name) if app.debug else _version_of(name)
        return f"/static/{name}?v={version}"

    # For macros too, which know nothing of the request: so they are made once, not for each page.
    app.jinja_env.globals.update(
        app_name="Respondeo", app_url=settings.app_url, static_url=static_url
    )

    @app.context_processor
    def what_all_templates_know() -> dict[str, Any]:
        theme = request.cookies.get("theme")
        return {
            "current_path": current_path(),
            "person": access.person(),
            "request_endpoint": request.endpoint or "",
            "theme": theme if theme in {"light", "dark"} else "system",
            "viewer": access.viewer(),
        }
