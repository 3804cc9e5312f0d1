"""Asks axe-core about a page, in both themes and at both sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Page

from tests.browser.visitor import SIZES, WIDE

SOURCE = (Path(__file__).parent / "vendor" / "axe-core@4.14.1" / "axe.min.js").read_text("utf-8")

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
# What the second theme can change: colours, and nothing else.
COLOURS = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}
# No colour is in transition; and two frames later the new ones are there. A page in the
# background draws no frames.
SETTLED = """
async () => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(
    "*, ::before, ::after, ::details-content { transition: none !important; }"
  );
  document.adoptedStyleSheets = [sheet];
  const frame = () => new Promise(done => { requestAnimationFrame(done); setTimeout(done, 100); });
  await frame();
  await frame();
}
"""
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def axe_finds_nothing(page: Page, state: str) -> None:
    """Fails with what axe finds on the page as it stands; `state` names it in the message."""
    page.bring_to_front()  # the timers of a tab behind another are slow
    found: dict[str, list[str]] = {}
    for size in SIZES:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            page.evaluate(SETTLED)
            for problem in _problems(page, RULES if theme == THEMES[0] else COLOURS):
                found.setdefault(problem, []).append(f"{size[0]} {theme}")
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    assert not found, "\n".join(f"{state} ({', '.join(at)}): {p}" for p, at in found.items())


def _problems(page: Page, rules: dict[str, Any]) -> list[str]:
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(SOURCE)
    results: Any = page.evaluate("rules => axe.run(document, rules)", rules)
    return [
        f"{violation['id']}: {node['html'][:200]} — {node['failureSummary']}"
        for violation in results["violations"]
        for node in violation["nodes"]
    ]
