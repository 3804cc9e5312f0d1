"""The vendored browser files are those of the lock, and nothing else is among them."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (ROOT / "static/vendor", ROOT / "tests/browser/vendor", ROOT / "tests/vendor")
LOCK = ROOT / "static/vendor/LOCK"


def locked() -> list[tuple[str, str, str, str]]:
    """The entries of the lock: package, version, file, checksum."""
    entries = []
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            package, version, place, checksum = line.split()
            entries.append((package, version, place, checksum))
    return entries


@pytest.mark.parametrize(("package", "version", "place", "checksum"), locked())
def test_file_is_the_one_that_was_locked(
    package: str, version: str, place: str, checksum: str
) -> None:
    digest = hashlib.sha384((ROOT / place).read_bytes()).digest()
    assert f"sha384-{base64.b64encode(digest).decode()}" == checksum
    assert f"/{package}@{version}/" in place


def test_no_vendored_file_is_missing_from_the_lock() -> None:
    there = {path for folder in FOLDERS for path in folder.rglob("*") if path.is_file()}
    compressed = {path for path in there if path.suffix in {".br", ".gz"}}
    assert there - compressed - {LOCK} == {ROOT / place for _, _, place, _ in locked()}


def test_lock_and_icons_are_what_the_script_writes() -> None:
    check = subprocess.run(
        [sys.executable, ROOT / "scripts/vendor", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 0, check.stderr
