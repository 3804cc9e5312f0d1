"""The compressed copies of static files are there, right, and never stale."""

import gzip
import os
from pathlib import Path

import brotli

from respondeo.precompress import compress

TEXT = "body { color: black }\n" * 100


def test_text_gets_both_copies_and_pictures_none(tmp_path: Path) -> None:
    (tmp_path / "css").mkdir()
    (tmp_path / "css" / "app.css").write_text(TEXT)
    (tmp_path / "photo.png").write_text(TEXT)
    compress(tmp_path)
    assert brotli.decompress((tmp_path / "css" / "app.css.br").read_bytes()) == TEXT.encode()
    assert gzip.decompress((tmp_path / "css" / "app.css.gz").read_bytes()) == TEXT.encode()
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == [
        "app.css", "app.css.br", "app.css.gz", "photo.png",
    ]  # fmt: skip


def test_a_changed_source_gets_new_copies_also_when_it_looks_older(tmp_path: Path) -> None:
    source = tmp_path / "app.js"
    source.write_text(TEXT)
    compress(tmp_path)
    source.write_text(TEXT.upper())
    os.utime(source, (1_000_000_000, 1_000_000_000))
    compress(tmp_path)
    assert gzip.decompress((tmp_path / "app.js.gz").read_bytes()) == TEXT.upper().encode()


def test_fresh_copies_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "app.js").write_text(TEXT)
    compress(tmp_path)
    before = (tmp_path / "app.js.br").stat().st_ino
    compress(tmp_path)
    assert (tmp_path / "app.js.br").stat().st_ino == before


def test_copies_go_when_they_lose_their_source_or_their_use(tmp_path: Path) -> None:
    (tmp_path / "gone.css").write_text(TEXT)
    (tmp_path / "small.css").write_text(TEXT)
    compress(tmp_path)
    (tmp_path / "gone.css").unlink()
    (tmp_path / "small.css").write_text("a")
    compress(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["small.css"]
