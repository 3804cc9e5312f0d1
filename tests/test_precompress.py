"""The compressed copies of static files are there, right, and never stale."""

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import brotli
import pytest
from flask import Flask
from werkzeug.test import Client

from respondeo import precompress
from respondeo.extensions import StaticFiles
from respondeo.precompress import compress, is_complete

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


def test_who_may_read_a_file_may_read_its_copies(tmp_path: Path) -> None:
    (tmp_path / "app.css").write_text(TEXT)
    (tmp_path / "app.css").chmod(0o644)
    usual = os.umask(0o077)
    compress(tmp_path)
    os.umask(usual)
    assert (tmp_path / "app.css.br").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(("older", "encoding"), [(0, "br"), (1, None)])
def test_a_copy_of_an_older_file_is_served_to_nobody(
    tmp_path: Path, older: int, encoding: str | None
) -> None:
    (tmp_path / "app.css").write_text(TEXT)
    compress(tmp_path)
    assert is_complete(tmp_path)
    time_ns = (tmp_path / "app.css").stat().st_mtime_ns - older
    for ending in (".br", ".gz"):
        os.utime(tmp_path / f"app.css{ending}", ns=(time_ns, time_ns))
    served = Client(StaticFiles(Flask("nothing"), root=tmp_path, prefix="static/"))
    with served.get("/static/app.css", headers={"Accept-Encoding": "gzip, br"}) as answer:
        assert answer.headers.get("Content-Encoding") == encoding
        assert answer.data == (brotli.compress(TEXT.encode()) if encoding else TEXT.encode())
    assert is_complete(tmp_path) == (not older)


def test_files_without_any_copy_and_copies_without_a_file_are_not_complete(tmp_path: Path) -> None:
    (tmp_path / "app.css").write_text(TEXT)
    assert not is_complete(tmp_path)
    compress(tmp_path)
    (tmp_path / "app.css").unlink()
    assert not is_complete(tmp_path)


def test_who_installs_makes_the_copies_with_one_command(tmp_path: Path) -> None:
    for folder in ("respondeo", "static"):
        (tmp_path / folder).mkdir()
    shutil.copy(precompress.__file__, tmp_path / "respondeo")
    (tmp_path / "static" / "app.css").write_text(TEXT)
    subprocess.run([sys.executable, "-m", "respondeo.precompress"], cwd=tmp_path, check=True)
    assert is_complete(tmp_path / "static")
