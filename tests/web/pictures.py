"""Pictures that people upload, good and bad, made in the test."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image


def picture(
    kind: str = "PNG",
    size: tuple[int, int] = (40, 20),
    color: Any = (200, 30, 30),
    mode: str = "RGB",
    **how: Any,
) -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new(mode, size, color).save(out, kind, **how)
    return out.getvalue()


def halves(kind: str, size: tuple[int, int] = (60, 40), **how: Any) -> bytes:
    """Red at the left and blue at the right."""
    image = Image.new("RGB", size, "blue")
    image.paste(Image.new("RGB", (size[0] // 2, size[1]), "red"))
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def animated(kind: str) -> bytes:
    """Two frames: first green, then red."""
    out = io.BytesIO()
    frames = [Image.new("RGB", (30, 30), color) for color in ("lime", "red")]
    frames[0].save(out, kind, save_all=True, append_images=frames[1:], duration=100)
    return out.getvalue()


def png_head(width: int, height: int) -> bytes:
    """The beginning of a PNG that says it is so large, with next to nothing in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def webp_of_one_colour(width: int, height: int) -> bytes:
    """A whole, lossless WebP with transparency, turned by its EXIF, in less than a hundred bytes.

    Each of its five codes has one symbol, so that a pixel takes no bit.
    """

    def chunk(kind: bytes, data: bytes) -> bytes:
        return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)

    turned = struct.pack("<2sHIHHHIII", b"II", 42, 8, 1, 0x0112, 3, 1, 6, 0)
    size = [(length - 1).to_bytes(3, "little") for length in (width, height)]
    bits = (width - 1) | (height - 1) << 14 | 1 << 28 | sum(1 << 35 + 4 * n for n in range(5))
    body = (
        chunk(b"VP8X", b"\x18\0\0\0" + b"".join(size))
        + chunk(b"VP8L", b"\x2f" + bits.to_bytes(8, "little"))
        + chunk(b"EXIF", turned)
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def scan_bomb(times: int = 20_000) -> bytes:
    """A photo of 49 megapixels, one of whose scans comes so often: 75 bytes, 30 ms of work each.

    By itself it takes ten minutes.
    """
    scan = b"\xff\xda"
    parts = picture("JPEG", (7000, 7000), 90, "L", progressive=True).split(scan)
    before, refining, after = parts[:4], parts[4], parts[5:]
    return scan.join([*before, *[refining] * times, *after])


def opened(data: bytes) -> Image.Image:
    """What was stored, decoded."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image
