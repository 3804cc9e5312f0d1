"""Uploaded pictures: decoded, cut down, encoded anew, stored by the hash of what is stored.

Nothing of what was uploaded is served: neither its bytes nor what a camera wrote into it.
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from respondeo.db import database_time
from respondeo.domain.errors import Invalid, NotFound, Problem
from respondeo.models import Media

LARGEST_UPLOAD = 8_000_000  # bytes
MOST_PIXELS = 50_000_000
CONTENT_TYPE = "image/webp"
FORMATS = ("PNG", "JPEG", "WEBP")
KEPT_UNUSED = timedelta(days=1)
REMOVED_AT_ONCE = 100

_one_at_a_time = threading.Lock()
"""Decoding needs memory for all pixels: a process has it for one picture, not for eight."""

KINDS = "Choose a PNG, JPEG or WebP picture."
TOO_MANY_PIXELS = "That picture has too many pixels. Make it smaller, then try again."
DAMAGED = "That picture is damaged. Try another one."
TOO_LARGE = "Choose a picture of at most 8 MB."


@dataclass(frozen=True, slots=True)
class Fit:
    """What pictures are cut down to: no side longer than `side` pixels, or that square."""

    side: int
    square: bool = False


PERSON = Fit(256, square=True)


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture, sizes in pixels."""

    data: bytes
    width: int
    height: int

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.data).digest()

    @property
    def path(self) -> str:
        """Where it is served, for good: the name follows from the content."""
        return f"/media/{self.sha256.hex()}.webp"


def encoded(upload: bytes, *, fit: Fit, field: str = "picture") -> Picture:
    """What is stored of an upload: its first image, upright, without metadata.

    Takes processor time and no database: call it before anything is locked. Raises Invalid.
    """
    try:
        with _one_at_a_time:
            return _encoded(upload, fit)
    except Refused as refused:
        raise Invalid(Problem(field, str(refused))) from None


class Refused(Exception):
    """Why an upload is no picture of ours."""


def _encoded(upload: bytes, fit: Fit) -> Picture:
    if not upload:
        raise Refused("Choose a picture first.")
    if len(upload) > LARGEST_UPLOAD:
        raise Refused(TOO_LARGE)
    with _opened(upload) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise Refused(TOO_MANY_PIXELS)
        # A large photo is decoded at a fraction of its size.
        image.draft("RGB", (2 * fit.side, 2 * fit.side))
        try:
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
        except Exception:  # whatever a decoder makes of bytes that mean harm
            raise Refused(DAMAGED) from None
        return _small(_plain(image), fit)


def _opened(upload: bytes) -> Image.Image:
    """The upload by its content, whatever its name says; only its head is read so far."""
    try:
        return Image.open(io.BytesIO(upload), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refused(TOO_MANY_PIXELS) from None
    except UnidentifiedImageError:
        raise Refused(KINDS) from None
    except Exception:  # as above
        raise Refused(DAMAGED) from None


def _plain(image: Image.Image) -> Image.Image:
    """In 8-bit colours, with transparency where there is some."""
    if image.mode.startswith("I;16"):
        image = image.point(lambda value: value / 256).convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _small(image: Image.Image, fit: Fit) -> Picture:
    if fit.square:
        side = min(fit.side, *image.size)
        image = ImageOps.fit(image, (side, side))
    else:
        image.thumbnail((fit.side, fit.side))
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    out = io.BytesIO()
    bare.save(out, "WEBP", quality=85, method=4)
    return Picture(out.getvalue(), *bare.size)


def store_picture(session: Session, picture: Picture) -> str:
    """Store an encoded picture, once however often it is sent; returns its path.

    What is there already counts as new, so that nobody removes it before it is used.
    """
    now = database_time(session)
    session.execute(
        insert(Media)
        .values(
            sha256=picture.sha256,
            content_type=CONTENT_TYPE,
            width=picture.width,
            height=picture.height,
            data=picture.data,
            created_at=now,
        )
        .on_conflict_do_update(index_elements=[Media.sha256], set_={"created_at": now})
    )
    return picture.path


def picture_data(session: Session, sha256: bytes) -> bytes:
    """The stored bytes of a picture. Raises NotFound."""
    found = session.scalar(sa.select(Media.data).where(Media.sha256 == sha256))
    if found is None:
        raise NotFound("There is no such picture.")
    return found


def let_go(session: Session, path: str | None) -> None:
    """Somebody no longer uses the picture at this path: its last day begins, if nobody else does.

    Whoever holds its row is storing it anew, so there is nothing to wait for.
    """
    named = re.fullmatch(r"/media/([0-9a-f]{64})\.webp", path or "")
    if named is None:
        return
    free = (
        sa.select(Media.id)
        .where(Media.sha256 == bytes.fromhex(named[1]))
        .with_for_update(skip_locked=True)
    )
    session.execute(
        sa.update(Media)
        .where(Media.id.in_(session.scalars(free).all()))
        .values(created_at=database_time(session))
        .execution_options(synchronize_session=False)
    )


# Whatever looks like an address of ours counts as a use, wherever in a draft it stands.
_REMOVE_UNUSED = sa.text(
    r"""
    WITH old AS MATERIALIZED (
        SELECT id, encode(sha256, 'hex') AS name FROM media
        WHERE created_at < :before
            AND NOT EXISTS (
                SELECT FROM "user" WHERE image = '/media/' || encode(sha256, 'hex') || '.webp'
            )
    ), unpublished AS MATERIALIZED (
        SELECT id, name FROM old WHERE name NOT IN (
            SELECT name FROM (
                SELECT hero_image_url FROM quiz_version WHERE hero_image_url LIKE '%/media/%'
                UNION ALL SELECT image_url FROM question WHERE image_url LIKE '%/media/%'
            ) published(url), substring(url FROM '/media/([0-9a-f]{64})\.webp') name
            WHERE name IS NOT NULL
        )
    ), unused AS MATERIALIZED (
        SELECT media.id FROM media JOIN unpublished USING (id)
        WHERE media.created_at < :before AND name NOT IN (
            SELECT found[1] FROM quiz_draft,
                regexp_matches(document::text, '/media/([0-9a-f]{64})\.webp', 'g') found
            WHERE EXISTS (SELECT FROM unpublished)
        )
        ORDER BY media.created_at LIMIT :most
        FOR UPDATE OF media SKIP LOCKED
    )
    DELETE FROM media WHERE id IN (SELECT id FROM unused)
    """
)


def remove_unused(session: Session) -> None:
    """Remove pictures that nothing refers to and that nobody touched for a day, some at a time.

    Drafts are read only where there may be something to remove; that may take half a second, so
    call it in a transaction of its own that holds nothing.
    """
    before = database_time(session) - KEPT_UNUSED
    session.execute(_REMOVE_UNUSED, {"before": before, "most": REMOVED_AT_ONCE})
