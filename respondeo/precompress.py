"""The compressed copies of static files: `app.css.br` and `app.css.gz` beside `app.css`.

A copy carries the time of its source, so that a changed source is noticed. Copies are put in
place whole: several processes may do this at once while others serve. Git ignores them.
"""

import gzip
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import brotli

TEXT = {".css", ".html", ".ico", ".js", ".json", ".map", ".mjs", ".svg", ".txt", ".xml"}
WORTH = 0.95  # a copy that is not smaller than this is not kept

_WAYS: dict[str, Callable[[bytes], bytes]] = {
    ".br": brotli.compress,
    ".gz": lambda data: gzip.compress(data, mtime=0),
}


def compress(folder: Path) -> None:
    """Bring the compressed copies under `folder` up to date, removing what has no source.

    A folder that cannot be written to is left as it is: an image brings its copies along.
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


def _copy(source: Path, target: Path, way: Callable[[bytes], bytes]) -> None:
    found = source.stat()
    if target.exists() and target.stat().st_mtime_ns == found.st_mtime_ns:
        return
    data = source.read_bytes()
    small = way(data)
    if len(small) > WORTH * len(data):
        target.unlink(missing_ok=True)
        return
    new = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    new.write_bytes(small)
    os.utime(new, ns=(found.st_atime_ns, found.st_mtime_ns))
    new.replace(target)
