"""Browsers in words: what they say of themselves, and nothing that they do not."""

from __future__ import annotations

import pytest

from respondeo.domain.devices import Device, device_of

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "name", "hand_held"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
            "Firefox on Windows",
            False,
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/130.0 Safari/537.36 Edg/130.0",
            "Edge on Windows",
            False,
        ),
        (
            f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/130.0 Safari/537.36",
            "Chrome on Linux",
            False,
        ),
        (
            f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/130.0 Safari/537.36",
            "Chrome on ChromeOS",
            False,
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"
            " (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
            "Safari on macOS",
            False,
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Chrome/130.0 Safari/537.36"
            " OPR/115.0",
            "Opera on macOS",
            False,
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"
            " (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
            True,
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15"
            " (KHTML, like Gecko) CriOS/130.0 Mobile/15E148 Safari/604.1",
            "Chrome on iPad",
            True,
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"
            " (KHTML, like Gecko) FxiOS/132.0 Mobile/15E148 Safari/605.1.15",
            "Firefox on iPhone",
            True,
        ),
        (
            f"Mozilla/5.0 (Linux; Android 14; SM-S918B) {WEBKIT} SamsungBrowser/26.0"
            " Chrome/122.0 Mobile Safari/537.36",
            "Samsung Internet on Android",
            True,
        ),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/130.0 Mobile Safari/537.36",
            "Chrome on Android",
            True,
        ),
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
    assert device_of(user_agent) == Device(name, hand_held)
