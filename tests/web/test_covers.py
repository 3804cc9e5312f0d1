"""The generated covers."""

from __future__ import annotations

from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from respondeo.web.covers import cover_svg
from tests.client import Client

SEEDS = [UUID(int=number * 0x1234_5678_9ABC_DEF0_1357) for number in range(40)]


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.hex[-4:])
def test_a_cover_is_a_small_sound_picture_without_text_or_script(seed: UUID) -> None:
    svg = cover_svg(seed)
    assert len(svg.encode()) < 4_000
    kinds = {element.tag.rpartition("}")[2] for element in ET.fromstring(svg).iter()}  # noqa: S314 - our own
    assert kinds.isdisjoint({"text", "script", "style", "image", "foreignObject"})


def test_a_cover_is_the_same_for_a_seed_and_differs_between_seeds() -> None:
    assert len({cover_svg(seed) for seed in SEEDS}) == len(SEEDS)
    assert [cover_svg(seed) for seed in SEEDS] == [cover_svg(seed) for seed in SEEDS]


def test_a_cover_is_kept_by_browsers_for_good(client: Client) -> None:
    response = client.get(f"/covers/{SEEDS[1]}.svg")
    assert response.mimetype == "image/svg+xml"
    assert "immutable" in response.headers["Cache-Control"]
