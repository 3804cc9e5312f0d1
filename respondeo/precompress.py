"""The compressed copies of static files: `app.css.br` and `app.css.gz` beside `app.css`.

A copy carries the time of its source, so that a changed source is noticed. Copies are put in
place whole: several processes may do this at once while others serve. Git ignores them.

Where the server may not write, who installs it runs `python -m respondeo.precompress` before.
"""

import gzip
import os
import secrets
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import brotli

STATIC = Path(__file__).parent.parent / "static"
TEXT = {".css", ".html", ".ico", ".js", ".json", ".map", ".mjs", ".svg", ".txt", ".xml"}
WORTH = 0.95  # a copy that is not smaller than this is not kept

_WAYS: dict[str, Callable[[bytes], bytes]] = {
    ".br": brotli.compress,
    ".gz": lambda data: gzip.compress(data, mtime=0),
}


def compress(folder: Path) -> None:
    """Bring the compressed copies under `folder` up to date, removing what has no source.

    A folder that cannot be written to is left as it is: who installed it has made its copies.
    """
    if not os.access(folder, os.W_OK):
        return
    for file in [path for path in folder.rglob("*") if path.is_file()]:
        if file.suffix in _WAYS and not file.with_suffix("").exists():
            file.unlink(missing_ok=True)
        else:
            refresh(file)


def refresh(file: Path) -> None:
    """Bring the compressed copies of one file up to date."""
    if file.suffix in TEXT and os.access(file.parent, os.W_OK):
        for ending, way in _WAYS.items():
            _copy(file, file.with_name(file.name + ending), way)


def is_complete(folder: Path) -> bool:
    """Whether there are copies under `folder`, and none of them is of an older file."""
    copies = [path for path in folder.rglob("*") if path.suffix in _WAYS]
    return bool(copies) and all(map(_is_fresh, copies))


def _is_fresh(copy: Path) -> bool:
    try:
        return is_of(copy.stat(), copy.with_suffix("").stat())
    except FileNotFoundError:
        return False


def is_of(copy: os.stat_result, source: os.stat_result) -> bool:
    """Whether the copy was made of the file as it is now."""
    return copy.st_mtime_ns == source.st_mtime_ns


def _copy(source: Path, target: Path, way: Callable[[bytes], bytes]) -> None:
    found = source.stat()
    if _is_fresh(target):
        return
    data = source.read_bytes()
    small = way(data)
    if len(small) > WORTH * len(data):
        target.unlink(missing_ok=True)
        return
    new = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    new.write_bytes(small)
    shutil.copymode(source, new)  # who may read one may read the other
    os.utime(new, ns=(found.st_atime_ns, found.st_mtime_ns))
    new.replace(target)


if __name__ == "__main__":
    compress(STATIC)
    if not is_complete(STATIC):
        sys.exit(f"{STATIC} may not be written to by you. Run this as its owner, or by sudo.")
