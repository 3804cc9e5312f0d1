"""Browsers in words: what they say of themselves, and nothing that they do not."""

from __future__ import annotations

import pytest

from respondeo.domain.devices import Device, device_of

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
APPLES = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
WINDOWS = "(Windows NT 10.0; Win64; x64)"
MAC = "(Macintosh; Intel Mac OS X 10_15_7)"
PHONE = "(iPhone; CPU iPhone OS 18_1 like Mac OS X)"
CHROME = "Chrome/130.0 Safari/537.36"
SAMSUNG = "SamsungBrowser/26.0 Chrome/122.0 Mobile Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "name", "hand_held"),
    [
        ("(Windows NT 10.0; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox on Windows", False),
        (f"{WINDOWS} {WEBKIT} {CHROME} Edg/130.0", "Edge on Windows", False),
        (f"{WINDOWS} {WEBKIT} {CHROME}", "Chrome on Windows", False),
        (f"(X11; Linux x86_64) {WEBKIT} Headless{CHROME}", "Chrome on Linux", False),
        (f"(X11; CrOS x86_64 14541.0.0) {WEBKIT} {CHROME}", "Chrome on ChromeOS", False),
        (f"{MAC} {APPLES} Version/18.1 Safari/605.1.15", "Safari on macOS", False),
        (f"{MAC} {WEBKIT} {CHROME} OPR/115.0", "Opera on macOS", False),
        (f"{PHONE} {APPLES} Version/18.1 Mobile/15E148 Safari/604.1", "Safari on iPhone", True),
        (f"{PHONE} {APPLES} FxiOS/132.0 Mobile/15E148 Safari/605.1.15", "Firefox on iPhone", True),
        (f"(iPad; CPU OS 18_1 like Mac OS X) {APPLES} CriOS/130.0", "Chrome on iPad", True),
        (f"(Linux; Android 14; SM-S918B) {WEBKIT} {SAMSUNG}", "Samsung Internet on Android", True),
        (f"(Linux; Android 10; K) {WEBKIT} {CHROME}", "Chrome on Android", True),
        ("Lynx/2.9.2 on Windows NT", "Windows", False),
        ("Firefox/132.0", "Firefox", False),
        ("curl/8.5.0", "Unknown device", False),
        ("", "Unknown device", False),
        (None, "Unknown device", False),
    ],
)
def test_a_browser_is_named_as_its_owner_knows_it(
    user_agent: str | None, name: str, hand_held: bool
) -> None:
    whole = user_agent and f"Mozilla/5.0 {user_agent}"
    assert device_of(whole) == Device(name, hand_held)
