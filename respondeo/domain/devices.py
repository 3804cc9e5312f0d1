"""What a browser calls itself, in words that its owner knows. A guess, and never a proof."""

from __future__ import annotations

from dataclasses import dataclass

# The first that is found counts: the others' names are in it for old times' sake.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows NT", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
HAND_HELD = frozenset({"iPhone", "iPad", "Android"})
UNKNOWN = "Unknown device"


@dataclass(frozen=True, slots=True)
class Device:
    """A browser and its system; hand_held: a phone or tablet."""

    name: str
    hand_held: bool = False


def device_of(user_agent: str | None) -> Device:
    """ "Firefox on Windows"; what is not known is not guessed."""
    browser, system = _first(BROWSERS, user_agent), _first(SYSTEMS, user_agent)
    hand_held = system in HAND_HELD
    if browser and system:
        return Device(f"{browser} on {system}", hand_held)
    return Device(browser or system or UNKNOWN, hand_held)


def _first(names: tuple[tuple[str, str], ...], user_agent: str | None) -> str | None:
    return next((name for mark, name in names if mark in (user_agent or "")), None)
