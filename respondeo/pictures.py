"""Decodes one picture that somebody sent, in a process of its own that may use only so much.

Run by its path, with a picture on the standard input: nothing of Respondeo is loaded. What comes
out is a WebP after its size; the exit code says why not. See docs/decisions/pictures.md.
"""

from __future__ import annotations

import io
import os
import resource
import struct
import sys
from contextlib import suppress
from enum import IntEnum
from math import ceil

from PIL import (  # the formats by name, or Pillow loads all that it knows
    Image,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

MOST_PIXELS = 50_000_000
MOST_PIXELS_WHOLE = 25_000_000
"""Of what cannot be decoded at a fraction of its size, as a large photo can."""
MOST_MEMORY = 1 << 30  # bytes of address space
MOST_SECONDS = 5  # of processor time
FORMATS = tuple(
    plugin.format
    for plugin in (
        PngImagePlugin.PngImageFile,
        JpegImagePlugin.JpegImageFile,
        WebPImagePlugin.WebPImageFile,
    )
)
SIZE = struct.Struct(">II")


class Why(IntEnum):
    """Why there is no picture: the exit codes, apart from those of Python."""

    NO_PICTURE = 10
    TOO_MANY_PIXELS = 11
    DAMAGED = 12
    TOO_MUCH_WORK = 13


class Refused(Exception):
    """This is no picture for us."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.name)
        self.why = why


def main() -> None:
    """Usage: pictures.py <side> <square or whole>"""
    side, square = int(sys.argv[1]), sys.argv[2] == "square"
    limit_this_process()
    try:
        image = small(sys.stdin.buffer.read(), side, square=square)
    except Refused as refused:
        sys.exit(refused.why)
    except MemoryError:
        sys.exit(Why.TOO_MUCH_WORK)
    out = io.BytesIO()
    image.save(out, "WEBP", quality=85, method=4)
    sys.stdout.buffer.write(SIZE.pack(*image.size) + out.getvalue())


def limit_this_process() -> None:
    """Whatever a decoder is led to do, it ends soon, and the server goes first in all."""
    for what, most in (
        (resource.RLIMIT_CPU, MOST_SECONDS),
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_CORE, 0),
    ):
        # macOS knows no limit of memory, and a stricter one may be in force.
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))
    with suppress(OSError):
        os.nice(5)
    # Where memory runs out, Linux is to end this process and not the server.
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123 - pathlib takes a while to load
        score.write("1000")


def small(upload: bytes, side: int, *, square: bool) -> Image.Image:
    """The first image of an upload: upright, bare of metadata, no side longer than this."""
    with opened(upload) as image:
        at_most(image, MOST_PIXELS)
        enough = 2 * side / decisive(image, square=square)
        image.draft("RGB", (ceil(image.width * enough), ceil(image.height * enough)))
        at_most(image, MOST_PIXELS_WHOLE)
        try:
            image.load()
            made = plain(reduced(averageable(image), side, square=square))
        except MemoryError:
            raise
        except Exception:  # whatever a decoder makes of bytes that mean harm
            raise Refused(Why.DAMAGED) from None
    if square:
        side = min(side, *made.size)
        made = ImageOps.fit(made, (side, side))
    else:
        made.thumbnail((side, side))
    bare = Image.new(made.mode, made.size)
    bare.paste(made)
    return bare


def opened(upload: bytes) -> Image.Image:
    """The upload by its content, whatever its name says; only its head is read so far."""
    try:
        return Image.open(io.BytesIO(upload), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refused(Why.TOO_MANY_PIXELS) from None
    except UnidentifiedImageError:
        raise Refused(Why.NO_PICTURE) from None
    except MemoryError:
        raise
    except Exception:  # as above
        raise Refused(Why.DAMAGED) from None


def decisive(image: Image.Image, *, square: bool) -> int:
    """The side that has to fit: of what becomes a square the shorter one."""
    return min(image.size) if square else max(image.size)


def at_most(image: Image.Image, pixels: int) -> None:
    """Raises Refused where there are more."""
    width, height = image.size
    if width * height > pixels:
        raise Refused(Why.TOO_MANY_PIXELS)


def averageable(image: Image.Image) -> Image.Image:
    """The same in a mode whose neighbouring pixels have a mean."""
    if image.mode.startswith("I;16"):
        image = image.point(lambda value: value / 256).convert("L")
    # Numbers of a palette have none, nor has a colour that stands for transparency.
    by_number = image.mode in {"1", "P", "PA"} or "transparency" in image.info
    return plain(image) if by_number else image


def reduced(image: Image.Image, side: int, *, square: bool) -> Image.Image:
    """Upright, and already about twice as large as wanted: what follows copies little."""
    factor = decisive(image, square=square) // (2 * side)
    return ImageOps.exif_transpose(image.reduce(factor) if factor > 1 else image)


def plain(image: Image.Image) -> Image.Image:
    """In 8-bit colours, with transparency where there is some."""
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


if __name__ == "__main__":
    main()
