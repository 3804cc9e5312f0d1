"""Uploaded pictures: what is kept of them, what is refused, and when they are removed."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psutil
import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image
from sqlalchemy.orm import Session

from respondeo import pictures
from respondeo.domain.errors import Invalid
from respondeo.models import Media, QuizDraft
from respondeo.services import authoring, media, people
from respondeo.services.media import PERSON, Fit
from tests.conftest import Clock
from tests.factories import add_user, document, editor, published_quiz, question
from tests.services.parallel import at_once
from tests.web.pictures import (
    animated,
    halves,
    opened,
    picture,
    png_head,
    scan_bomb,
    webp_of_one_colour,
)
from tests.web.playing import document_of

RED, BLUE = (254, 0, 0), (0, 0, 254)


def near(got: object, wanted: tuple[int, ...]) -> bool:
    """Whether a colour is this one, as far as a lossy picture can say."""
    assert isinstance(got, tuple)
    return all(abs(a - b) < 30 for a, b in zip(got[:3], wanted, strict=True))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(
    ("size", "side"), [((40, 20), 20), ((600, 900), 256), ((1, 1), 1), ((3000, 257), 256)]
)
def test_a_picture_becomes_a_square_webp(kind: str, size: tuple[int, int], side: int) -> None:
    made = media.encoded(picture(kind, size), fit=PERSON)
    image = opened(made.data)
    assert (image.format, image.size) == ("WEBP", (side, side))
    assert (made.width, made.height) == (side, side)
    assert near(image.getpixel((0, 0)), (200, 30, 30))


@pytest.mark.parametrize(
    ("size", "fitted"), [((400, 200), (160, 80)), ((20, 400), (8, 160)), ((50, 40), (50, 40))]
)
def test_a_picture_that_is_no_square_keeps_its_proportions_and_never_grows(
    size: tuple[int, int], fitted: tuple[int, int]
) -> None:
    assert opened(media.encoded(picture("JPEG", size), fit=Fit(160)).data).size == fitted


@pytest.mark.parametrize(
    ("mode", "color", "seen"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 60, (60, 60, 60)),
        ("LA", (60, 255), (60, 60, 60)),
        ("P", 0, (0, 0, 0)),
        ("RGBA", (10, 200, 10, 255), (10, 200, 10)),
        ("I;16", 25_600, (100, 100, 100)),
    ],
)
def test_every_kind_of_colour_is_understood(
    mode: str, color: object, seen: tuple[int, ...]
) -> None:
    image = opened(media.encoded(picture("PNG", (8, 8), color, mode), fit=PERSON).data)
    assert near(image.convert("RGB").getpixel((4, 4)), seen)


def test_a_photo_in_printers_colours_is_understood() -> None:
    image = opened(media.encoded(picture("JPEG", mode="CMYK", color=(0, 0, 0, 0)), fit=PERSON).data)
    assert near(image.getpixel((4, 4)), (255, 255, 255))


def test_transparency_stays() -> None:
    image = opened(media.encoded(picture(mode="RGBA", color=(0, 0, 0, 0)), fit=PERSON).data)
    assert image.mode == "RGBA"
    assert image.getpixel((3, 3))[3] == 0  # type: ignore[index]


def test_a_photo_is_turned_as_the_camera_was_held_and_says_nothing_else_of_the_camera() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    exif[0x010F] = "Secret Camera"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)  # where
    taken = halves("JPEG", (60, 40), exif=exif, comment=b"Secret comment", quality=95)
    for upload in (taken, halves("PNG", exif=exif), halves("WEBP", exif=exif, xmp=b"Secret xmp")):
        made = media.encoded(upload, fit=Fit(256))
        image = opened(made.data)
        assert image.size == (40, 60)
        assert near(image.getpixel((20, 5)), RED)
        assert near(image.getpixel((20, 55)), BLUE)
        assert not image.getexif()
        assert not {"exif", "xmp", "icc_profile", "comment"} & set(image.info)
        assert b"Secret" not in made.data


def test_a_square_is_cut_from_the_middle() -> None:
    image = opened(media.encoded(halves("PNG", (600, 100)), fit=PERSON).data)
    assert near(image.getpixel((5, 50)), RED)
    assert near(image.getpixel((95, 50)), BLUE)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_kept(kind: str) -> None:
    image = opened(media.encoded(animated(kind), fit=PERSON).data)
    assert getattr(image, "n_frames", 1) == 1
    assert near(image.convert("RGB").getpixel((5, 5)), (0, 255, 0))


NO_PICTURE = "Choose a PNG, JPEG or WebP picture."
MANY = "too many pixels"
DAMAGED = "damaged"
BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "Choose a picture first."),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', NO_PICTURE),
    "html": (b"<!doctype html><script>alert(1)</script>", NO_PICTURE),
    "text": (b"hello", NO_PICTURE),
    "gif": (picture("GIF"), NO_PICTURE),
    "an animated gif": (animated("GIF"), NO_PICTURE),
    "bmp": (picture("BMP"), NO_PICTURE),
    "tiff": (picture("TIFF"), NO_PICTURE),
    "pdf": (picture("PDF"), NO_PICTURE),
    "ico": (picture("ICO"), NO_PICTURE),
    "only the signature": (b"\x89PNG\r\n\x1a\n", NO_PICTURE),
    "zeros": (bytes(100_000), NO_PICTURE),
    "a png cut off": (halves("PNG", (500, 500))[:-400], DAMAGED),
    "a jpeg cut off": (halves("JPEG", (500, 500))[:-400], DAMAGED),
    "a webp cut off": (halves("WEBP", (500, 500), lossless=True)[:-30], DAMAGED),
    "a head of 30000 by 30000": (png_head(30_000, 30_000), MANY),
    "a head of 10000 by 10000": (png_head(10_000, 10_000), MANY),
    "a head of 8000 by 8000": (png_head(8_000, 8_000), MANY),
    "a head of 2 billion by 1": (png_head(2_000_000_000, 1), MANY),
    "a webp of 50 million pixels in 90 bytes": (webp_of_one_colour(7070, 7070), MANY),
    "a webp just too large": (webp_of_one_colour(5001, 5000), MANY),
    "a png just too large": (picture("PNG", (5000, 5001), 1, "1"), MANY),
    "a photo of 64 million pixels": (picture("JPEG", (8000, 8000), 90, "L"), MANY),
    "a jpeg too narrow to be decoded smaller": (picture("JPEG", (60_000, 500), 90, "L"), MANY),
    "a head without a picture": (png_head(5000, 5000), DAMAGED),
    "too many bytes": (picture() + bytes(8_000_000), "at most 8 MB"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_is_refused_with_what_to_do(name: str) -> None:
    upload, said = BAD[name]
    with pytest.raises(Invalid) as refused:
        media.encoded(upload, fit=PERSON)
    (problem,) = refused.value.problems
    assert problem.path == "picture"
    assert said in problem.message


@pytest.mark.parametrize("fit", [PERSON, Fit(160), Fit(1600)], ids=str)
def test_a_photo_of_fifty_megapixels_is_made_small_and_upright(fit: Fit) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = opened(media.encoded(halves("JPEG", (8160, 6120), exif=exif), fit=fit).data)
    assert image.size == ((fit.side, fit.side) if fit.square else (fit.side * 3 // 4, fit.side))
    assert near(image.getpixel((fit.side // 2, 5)), RED)
    assert near(image.getpixel((fit.side // 2, fit.side - 5)), BLUE)


@pytest.mark.parametrize(
    "upload",
    [webp_of_one_colour(5000, 5000), picture("PNG", (5000, 5000), 1, "1")],
    ids=["webp", "png"],
)
def test_as_many_pixels_as_are_allowed_are_decoded(upload: bytes) -> None:
    assert opened(media.encoded(upload, fit=PERSON).data).size == (256, 256)


def test_colours_of_a_palette_are_mixed_and_not_their_numbers() -> None:
    image = Image.new("P", (1200, 800))
    image.putpalette([254, 0, 0, 0, 254, 0, 0, 0, 254])
    for column in range(0, 1200, 2):
        image.paste(2, (column, 0, column + 1, 800))
    upload = io.BytesIO()
    image.save(upload, "PNG")
    made = opened(media.encoded(upload.getvalue(), fit=Fit(100)).data)
    assert near(made.getpixel((50, 30)), (127, 0, 127))


def test_a_colour_that_stands_for_transparency_is_seen_through() -> None:
    made = opened(
        media.encoded(halves("PNG", (1200, 800), transparency=(255, 0, 0)), fit=PERSON).data
    )
    left, right = made.getpixel((5, 128)), made.getpixel((250, 128))
    assert isinstance(left, tuple)
    assert left[3] == 0
    assert near(right, BLUE)


# -- the process that decodes ----------------------------------------------------------------


def decoders() -> list[psutil.Process]:
    """Processes of this one that decode a picture, or did and are not cleared away."""
    found = []
    for process in psutil.Process().children():
        try:
            if process.status() == psutil.STATUS_ZOMBIE or pictures.__file__ in process.cmdline():
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def until_decoding() -> psutil.Process:
    for _ in range(2000):
        for process in decoders():
            if process.status() != psutil.STATUS_ZOMBIE:
                return process
        time.sleep(0.005)
    raise AssertionError("nothing was ever decoded")


def refusal(upload: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        media.encoded(upload, fit=PERSON)
    return str(refused.value)


def test_a_picture_made_to_be_decoded_for_minutes_is_given_up_and_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET_KEY", "not for decoders")
    monkeypatch.setattr(media, "DECODER_SECONDS", 90)
    with ThreadPoolExecutor(1) as pool:
        bomb = pool.submit(refusal, scan_bomb())
        decoder = until_decoding()
        assert decoder.environ() == {}
        with monkeypatch.context() as impatient:
            impatient.setattr(media, "PATIENCE_SECONDS", 0.05)
            assert "Many pictures are being uploaded just now" in refusal(picture())
        assert "takes too long to read" in bomb.result(timeout=60)
    assert not decoder.is_running()
    assert not decoders()
    assert media.encoded(picture(), fit=PERSON).width == 20


def test_a_decoder_that_does_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "DECODER_SECONDS", 3)
    with ThreadPoolExecutor(1) as pool:
        idle = pool.submit(refusal, scan_bomb())
        until_decoding().suspend()
        assert "takes too long to read" in idle.result(timeout=120)
    assert not decoders()


def test_not_every_thread_may_wait_for_its_turn_to_upload(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = scan_bomb()
    with monkeypatch.context() as hasty, ThreadPoolExecutor(8) as pool:
        hasty.setattr(media, "DECODER_SECONDS", 0.5)
        hasty.setattr(media, "PATIENCE_SECONDS", 60)
        said = list(pool.map(refusal, [bomb] * 8))
    assert any("Many pictures" in sentence for sentence in said)
    assert media.encoded(picture(), fit=PERSON).width == 20


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS limits no memory")
def test_a_decoder_gets_a_gigabyte_at_most() -> None:
    takes = "d['limit_this_process'](); print(1); bytearray(2**30)"
    code = f"import runpy, sys; d = runpy.run_path(sys.argv[1]); {takes}"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, pictures.__file__], capture_output=True, check=False
    )
    assert done.stdout == b"1\n"
    assert b"MemoryError" in done.stderr


def test_nothing_of_a_polyglot_but_its_pixels_is_kept() -> None:
    script = b"<script>alert('owl')</script><?php owl(); ?>"
    hidden = io.BytesIO()
    with zipfile.ZipFile(hidden, "w") as archive:
        archive.writestr("owl", script)
    for upload in (
        picture() + script,
        picture("JPEG", comment=script) + hidden.getvalue(),
        picture("WEBP") + script,
    ):
        made = media.encoded(upload, fit=PERSON)
        assert b"owl" not in made.data
        assert made.data[:4] + made.data[8:12] == b"RIFFWEBP"


def test_the_name_of_a_picture_is_the_hash_of_what_is_served(session: Session) -> None:
    made = media.encoded(picture(), fit=PERSON)
    path = media.store_picture(session, made)
    assert path == f"/media/{made.sha256.hex()}.webp"
    assert media.picture_data(session, made.sha256) == made.data


def test_the_same_picture_sent_by_many_at_once_is_stored_once(
    wide: Flask, committed: Session
) -> None:
    made = media.encoded(picture("JPEG", (300, 300)), fit=PERSON)
    ids = [add_user(committed).id for _ in range(12)]
    committed.commit()

    def sending(user_id: UUID) -> Callable[[Session], None]:
        return lambda session: people.use_upload(session, user_id, made)

    came = at_once(wide, [sending(user_id) for user_id in ids])
    assert not [error for error in came if error is not None]
    assert committed.scalar(sa.select(sa.func.count()).select_from(Media)) == 1
    images = {people.profile(committed, user_id).image for user_id in ids}
    assert images == {made.path}


# -- removal ---------------------------------------------------------------------------------


def stored(session: Session, color: str) -> str:
    """The path of a picture that nobody uses yet."""
    return media.store_picture(session, media.encoded(picture(color=color), fit=PERSON))


def kept(session: Session) -> set[str]:
    """The paths of all pictures that are there."""
    names = session.scalars(sa.select(sa.func.encode(Media.sha256, "hex")))
    return {f"/media/{name}.webp" for name in names}


def test_a_picture_that_nobody_uses_is_removed_after_a_day(session: Session, clock: Clock) -> None:
    path = stored(session, "red")
    clock.advance(days=0.99)
    media.remove_unused(session)
    assert kept(session) == {path}
    clock.advance(days=0.02)
    media.remove_unused(session)
    assert kept(session) == set()


def test_whatever_refers_to_a_picture_keeps_it(session: Session, clock: Clock) -> None:
    colors = ("red", "green", "blue", "white", "black", "gray")
    person, hero, asked, draft, whole, unused = (stored(session, color) for color in colors)
    user = add_user(session)
    user.image = person
    published_quiz(
        session,
        document(hero_image_url=f"https://quiz.example{hero}").model_copy(
            update={"questions": (question(1, image_url=f"https://quiz.example{asked}"),)}
        ),
    )
    for number, path in enumerate((draft, f"https://quiz.example{whole}")):
        quiz = published_quiz(session)
        row = session.get_one(QuizDraft, quiz.id)
        key = "heroImageUrl" if number else "questions"
        row.document = {**row.document, key: path if number else [{"imageUrl": path}]}
    session.flush()
    clock.advance(days=400)
    media.remove_unused(session)
    assert kept(session) == {person, hero, asked, draft, whole}
    assert unused not in kept(session)


def test_a_picture_that_was_in_use_stays_a_day_longer(session: Session, clock: Clock) -> None:
    me = add_user(session)
    first, second = (media.encoded(picture(color=color), fit=PERSON) for color in ("red", "green"))
    people.use_upload(session, me.id, first)
    clock.advance(days=300)
    people.use_upload(session, me.id, second)
    media.remove_unused(session)
    assert kept(session) == {first.path, second.path}
    clock.advance(days=2)
    media.remove_unused(session)
    assert kept(session) == {second.path}


def test_what_a_save_takes_out_of_a_draft_can_be_put_back_for_a_day(
    session: Session, clock: Clock
) -> None:
    asked, hero = stored(session, "red"), stored(session, "green")
    with_both = document_of(question(1, image_url=asked), hero_image_url=hero)
    author = add_user(session)
    quiz = authoring.create_quiz(session, author.id, with_both)
    clock.advance(days=300)
    authoring.save_draft(session, editor(author), quiz.id, document(1, hero_image_url=hero))
    media.remove_unused(session)
    assert kept(session) == {asked, hero}
    clock.advance(days=2)
    media.remove_unused(session)
    assert kept(session) == {hero}


def test_the_pictures_of_a_deleted_quiz_stay_a_day_and_those_of_another_longer(
    session: Session, clock: Clock
) -> None:
    colors = ("red", "green", "blue", "white")
    hero, asked, drafted, shared = (stored(session, color) for color in colors)
    quiz = published_quiz(session, document_of(question(1, image_url=asked), hero_image_url=hero))
    authoring.save_draft(session, editor(), quiz.id, document(hero_image_url=drafted))
    published_quiz(session, document(hero_image_url=shared))
    again = published_quiz(session, document(hero_image_url=shared))
    clock.advance(days=300)
    for gone in (quiz, again):
        authoring.delete_quiz(session, editor(), gone.id)
    media.remove_unused(session)
    assert kept(session) == {hero, asked, drafted, shared}
    clock.advance(days=2)
    media.remove_unused(session)
    assert kept(session) == {shared}


def test_a_picture_that_is_sent_again_is_as_new(session: Session, clock: Clock) -> None:
    path = stored(session, "red")
    clock.advance(days=2)
    assert stored(session, "red") == path
    media.remove_unused(session)
    assert kept(session) == {path}


def test_a_picture_that_somebody_is_just_sending_is_not_removed(
    wide: Flask, committed: Session, committed_clock: Clock
) -> None:
    made = media.encoded(picture(), fit=PERSON)
    me = add_user(committed)
    media.store_picture(committed, made)
    committed_clock.advance(days=2)
    committed.commit()
    people.use_upload(committed, me.id, made)
    assert at_once(wide, [media.remove_unused]) == [None]
    committed.commit()
    assert kept(committed) == {made.path}
