"""Uploaded pictures: decoded, cut down, encoded anew, stored by the hash of what is stored.

Nothing of what was uploaded is served: neither its bytes nor what a camera wrote into it.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from respondeo import pictures
from respondeo.db import database_time
from respondeo.domain.errors import Invalid, NotFound, Problem
from respondeo.models import Media

LARGEST_UPLOAD = 8_000_000  # bytes
CONTENT_TYPE = "image/webp"
KEPT_UNUSED = timedelta(days=1)
REMOVED_AT_ONCE = 100

DECODER_SECONDS = 10
PATIENCE_SECONDS = 5
MOST_AT_ONCE = 4  # threads that decode or wait for their turn; the others serve pages

_places = threading.BoundedSemaphore(MOST_AT_ONCE)
_one_at_a_time = threading.Lock()
"""Decoding needs memory for all pixels: a worker has it for one picture, not for eight."""

WHY = {
    pictures.Why.NO_PICTURE: "Choose a PNG, JPEG or WebP picture.",
    pictures.Why.TOO_MANY_PIXELS: (
        "That picture has too many pixels. Make it smaller, then try again."
    ),
    pictures.Why.DAMAGED: "That picture is damaged. Try another one.",
    pictures.Why.TOO_MUCH_WORK: (
        "That picture takes too long to read. Make it smaller, or try another one."
    ),
}
BUSY = "Many pictures are being uploaded just now. Try again in a minute."
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

    Takes time and no database: call it before anything is locked. Raises Invalid.
    """
    if not upload:
        raise Invalid(Problem(field, "Choose a picture first."))
    if len(upload) > LARGEST_UPLOAD:
        raise Invalid(Problem(field, TOO_LARGE))
    with _turn() as mine:
        if not mine:
            raise Invalid(Problem(field, BUSY))
        made = _decoded(upload, fit)
    if isinstance(made, pictures.Why):
        raise Invalid(Problem(field, WHY[made]))
    return made


@contextmanager
def _turn() -> Iterator[bool]:
    """Whether one may decode now; one waits a little for those before."""
    mine = False
    if not _places.acquire(blocking=False):
        yield mine
        return
    try:
        mine = _one_at_a_time.acquire(timeout=PATIENCE_SECONDS)
        yield mine
    finally:
        if mine:
            _one_at_a_time.release()
        _places.release()


def _decoded(upload: bytes, fit: Fit) -> Picture | pictures.Why:
    """The picture, or why there is none, of a process that knows nothing and may use little."""
    shape = "square" if fit.square else "whole"
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-I", pictures.__file__, str(fit.side), shape],
            input=upload,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=DECODER_SECONDS,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return pictures.Why.TOO_MUCH_WORK
    if done.returncode < 0:  # ended by a limit, or by what it was led to do
        return pictures.Why.TOO_MUCH_WORK
    if done.returncode:
        return pictures.Why(done.returncode)
    width, height = pictures.SIZE.unpack_from(done.stdout)
    return Picture(done.stdout[pictures.SIZE.size :], width, height)


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
