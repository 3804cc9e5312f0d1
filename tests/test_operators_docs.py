"""What the operators' guides say is what is: metrics, headers, limits, files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from respondeo import db, metrics, serving
from respondeo.api import body
from respondeo.metrics.attempts import Attempts
from respondeo.security import HEADERS
from respondeo.services import media
from respondeo.web import uploads
from respondeo.web.authoring import editor, exchange
from tests.conftest import settings_for

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
GUIDES = (
    "backup", "configuration", "database", "deployment", "installation", "monitoring", "security",
    "troubleshooting", "upgrading",
)  # fmt: skip


def guide(name: str) -> str:
    return (DOCS / f"{name}.md").read_text()


def test_every_metric_is_explained_and_none_that_there_is_not() -> None:
    told = set(re.findall(r"^\| `(respondeo_\w+)", guide("monitoring"), re.MULTILINE))
    counted = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in metrics.registry.collect()
    }
    source = Path(Attempts.collect.__code__.co_filename).read_text()
    assert told == counted | set(re.findall(r'"(respondeo_\w+)"', source))


def test_alerts_watch_metrics_that_there_are() -> None:
    text = guide("monitoring")
    told = set(re.findall(r"^\| `(respondeo_\w+)", text, re.MULTILINE))
    watched = set(re.findall(r"respondeo_\w+", text[text.index("groups:") :]))
    assert watched
    assert {name.removesuffix("_bucket") for name in watched} <= told


def test_the_headers_are_those_that_are_sent() -> None:
    text = guide("security")
    for name, value in HEADERS.items():
        assert f"`{name}`" in text
        if name != "Permissions-Policy":
            assert f"`{value}`" in text, name


def test_the_figures_of_workers_and_connections_are_the_programs() -> None:
    text = guide("deployment")
    workers, threads, limits = 2, 8, 2
    most = workers * (threads + db.MAX_OVERFLOW + limits)
    assert f": {most} as set" in text
    assert f"for {serving.GRACE_S}\nseconds at most" in text
    assert f"closes after {serving.KEEPALIVE_S}" in text
    assert f"replaced after {serving.STUCK_S} seconds" in text
    assert (
        serving.gunicorn_settings(settings_for("postgresql:///any"))["timeout"] == serving.STUCK_S
    )


def test_the_largest_bodies_are_told_and_pass_the_proxies() -> None:
    largest = max(editor.LARGEST_REQUEST, exchange.LARGEST_REQUEST, uploads.LARGEST_REQUEST)
    through = largest // 1_000_000 + 1
    told = f"picture {largest // 1_000_000} MB, a picture of it {media.LARGEST_UPLOAD // 1_000_000}"
    assert told in guide("security")
    assert f"the API {body.LARGEST_BODY // 1_000_000} MB" in guide("security")
    assert f"bodies of {through} MB" in guide("deployment")
    assert f"client_max_body_size {through}m;" in (ROOT / "deploy" / "nginx.conf").read_text()
    assert f"max_size {through}MB" in (ROOT / "deploy" / "Caddyfile").read_text()


def test_the_installation_takes_nothing_along_from_the_folder_it_is_made_in() -> None:
    text = guide("installation")
    steps = text[text.index("## systemd") : text.index("## Any other way")]
    at = [steps.index(step) for step in ("umask 022", "git clone", "scripts/venv", "precompress")]
    assert at == sorted(at)
    assert not re.search(r"cp -[ar]\b", steps)


@pytest.mark.parametrize("name", GUIDES)
def test_every_file_that_a_guide_leads_to_is_there(name: str) -> None:
    leads = re.findall(r"\]\(([^)#]+)", guide(name))
    for path in leads:
        assert (DOCS / path).exists() or path.startswith("https:"), path


@pytest.mark.parametrize("name", GUIDES)
def test_every_place_within_a_guide_that_is_led_to_is_there(name: str) -> None:
    for page, place in re.findall(r"\]\(([\w.]*)#([\w-]+)\)", guide(name)):
        text = (DOCS / page).read_text() if page else guide(name)
        heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        assert place in {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("name", GUIDES)
def test_people_find_each_guide_from_the_first_page(name: str) -> None:
    assert f"(docs/{name}.md)" in (ROOT / "README.md").read_text()
