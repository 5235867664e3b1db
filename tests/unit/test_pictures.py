"""What becomes of the files that people send, good and bad."""

from __future__ import annotations

import struct

import pytest
from PIL import Image

from app.services.picture_checks import MOST_BYTES, PictureRefused, look_at
from app.services.picture_making import LONGEST_SIDE, THUMB_SIDE, Made, make
from tests.support import photos
from tests.support.photos import assert_near, opened


def refusal_of(data: bytes) -> str:
    """Return the code with which a file is refused at the first look."""
    with pytest.raises(PictureRefused) as refused:
        look_at(data)
    return refused.value.code


def late_refusal_of(data: bytes) -> str:
    """Return the code with which a file is refused that passes the first look."""
    look_at(data)
    with pytest.raises(PictureRefused) as refused:
        make(data)
    return refused.value.code


# What is kept


def test_place_and_camera_are_gone() -> None:
    """Nothing of a photo's metadata is in what is kept, nor in its thumbnail."""
    made = make(photos.photo_with_place())
    for data in (made.data, made.thumb):
        image = opened(data)
        assert not image.getexif()
        assert not {"exif", "comment", "icc_profile", "xmp"} & set(image.info)
        assert b"Secret" not in data
        assert b"Exif" not in data


@pytest.mark.parametrize(
    ("turned", "size"), [(photos.UPSIDE_DOWN, (256, 192)), (photos.QUARTER_TURN, (192, 256))]
)
def test_orientation_is_applied(turned: int, size: tuple[int, int]) -> None:
    """A photo that says how it was held is stored upright, and its sizes are those as seen."""
    made = make(photos.photo_with_place(turned))
    assert (made.width, made.height) == size == opened(made.data).size
    back = {photos.UPSIDE_DOWN: 180, photos.QUARTER_TURN: -90}[turned]
    wanted = photos.colourful().rotate(back, expand=True)
    for corner in ((5, 5), (size[0] - 6, 5), (5, size[1] - 6)):
        assert_near(opened(made.data).getpixel(corner), wanted.getpixel(corner))


@pytest.mark.parametrize(
    ("image", "kind", "mime", "mode"),
    [
        (photos.colourful(), "JPEG", "image/jpeg", "RGB"),
        (photos.colourful().convert("CMYK"), "JPEG", "image/jpeg", "RGB"),
        (photos.colourful().convert("L"), "JPEG", "image/jpeg", "L"),
        (photos.colourful(), "PNG", "image/png", "RGB"),
        (photos.colourful().convert("LA"), "PNG", "image/png", "RGB"),
        (photos.colourful().convert("1"), "PNG", "image/png", "L"),
        (photos.colourful().quantize(16), "GIF", "image/png", "RGB"),
        (photos.colourful(), "WEBP", "image/jpeg", "RGB"),
    ],
)
def test_kinds(image: Image.Image, kind: str, mime: str, mode: str) -> None:
    """Every kind of file becomes a JPEG or a PNG that any network reads, with its colours."""
    made = make(photos.file_of(image, kind))
    kept = opened(made.data)
    assert (made.mime, kept.mode, kept.size) == (mime, mode, image.size)
    if image.mode != "1":
        wanted = image.convert(mode).getpixel((100, 50))
        seen = kept.getpixel((100, 50))
        assert_near(*(v if isinstance(v, tuple) else (v,) for v in (seen, wanted)))


def test_sixteen_bits() -> None:
    """A grey PNG of 16 bits keeps its greys instead of being cut to white."""
    line = b"".join(struct.pack("<H", 256 * grey) for grey in range(256))
    image = Image.frombytes("I;16", (256, 8), line * 8)
    kept = opened(make(photos.file_of(image, "PNG")).data)
    assert [kept.getpixel((grey, 3)) for grey in (0, 10, 128, 255)] == [0, 10, 128, 255]


def test_transparent_palette() -> None:
    """What shines through in a palette picture still does."""
    image = photos.colourful().quantize(8)
    hole = image.getpixel((10, 10))
    kept = opened(make(photos.file_of(image, "PNG", transparency=hole)).data)
    assert kept.mode == "RGBA"
    pixel = kept.getpixel((10, 10))
    assert isinstance(pixel, tuple)
    assert pixel[3] == 0
    assert kept.getchannel("A").getextrema() == (0, 255)


def test_large_picture_is_made_smaller() -> None:
    """Nobody needs more pixels than a network shows; the thumbnail is small."""
    made = make(photos.file_of(photos.colourful(6000, 3000)))
    assert (made.width, made.height) == (LONGEST_SIDE, LONGEST_SIDE // 2)
    assert opened(made.thumb).size == (THUMB_SIDE, THUMB_SIDE // 2)


def test_gif_keeps_moving() -> None:
    """Frames, their times and the endless loop stay; comments and hidden words do not."""
    made = make(photos.moving(6, comment=b"Secret comment"))
    kept = opened(made.data)
    assert (made.mime, kept.n_frames, kept.info["loop"]) == ("image/gif", 6, 0)
    times = []
    for number in range(6):
        kept.seek(number)
        times.append(kept.info["duration"])
    assert times == [70, 80, 90, 100, 110, 120]
    assert b"Secret" not in made.data


def test_two_pictures_in_one_jpeg() -> None:
    """Phones put a second picture behind the first: the first one is the photo."""
    both = photos.file_of(
        photos.colourful(), "MPO", save_all=True, append_images=[photos.noisy(300, 300)]
    )
    made = make(both)
    assert (made.mime, made.width, made.height) == ("image/jpeg", 256, 192)


# What is refused


def test_hidden_archive() -> None:
    """A JPEG with an archive behind it is refused; one that was not seen is cut off."""
    assert refusal_of(photos.file_of(photos.colourful()) + photos.archive()) == "picture_polyglot"
    unseen = photos.file_of(photos.colourful()) + photos.archive() + b"more"
    assert look_at(unseen).kind == "JPEG"
    assert b"evil.txt" not in make(unseen).data


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a<html><script>alert(1)</script>" + b"\0" * 100,
        b"GIF89a/*" + b"\0" * 50 + b"*/=1;<script>alert(1)</script>",
        photos.file_of(photos.colourful(), comment=b"<?php system($_GET[0]); ?>"),
        photos.file_of(photos.colourful(), comment=b"%PDF-1.4"),
    ],
)
def test_pages_and_programs_in_disguise(data: bytes) -> None:
    """What another reader would take for a page or a program is refused."""
    assert refusal_of(data) == "picture_polyglot"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        photos.archive(),
        b"%PDF-1.7\n",
        b"\0\0\0\x18ftypheic" + b"\0" * 100,
        photos.file_of(photos.colourful(), "BMP"),
        photos.file_of(photos.colourful(), "TIFF"),
    ],
)
def test_not_a_picture(data: bytes) -> None:
    """Only JPEG, PNG, GIF and WebP are taken, whatever a file is called."""
    assert refusal_of(data) == "picture_unknown"


@pytest.mark.parametrize(
    "data",
    [
        photos.png_claiming(10_000, 10_000),
        photos.png_claiming(65_535, 65_535),
        photos.png_claiming(2**31 - 1, 1),
        b"GIF89a" + struct.pack("<HH", 60_000, 60_000) + b"\0" * 40,
        b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\x3f\0" * 2 + b"\0" * 40,
    ],
)
def test_too_many_pixels(data: bytes) -> None:
    """A picture that would fill the memory is refused before anything is decoded."""
    assert refusal_of(data) in {"picture_too_many_pixels", "picture_broken"}


def test_bomb() -> None:
    """A hundred megapixels in few bytes are refused by their header; 36 are survived."""
    assert refusal_of(photos.bomb(10_000, 10_000)) == "picture_too_many_pixels"
    largest = photos.bomb(6000, 6000)
    assert len(largest) < 1_000_000
    assert make(largest).width <= LONGEST_SIDE


def test_gif_whose_later_frames_grow() -> None:
    """A frame that claims to be larger than the picture does not get its memory."""
    small = photos.moving(3, 40)
    at = small.rindex(b"\x21\xf9\x04") + 8
    assert small[at : at + 1] == b"\x2c"
    grown = small[: at + 5] + struct.pack("<HH", 50_000, 50_000) + small[at + 9 :]
    assert late_refusal_of(grown) in {"picture_broken", "picture_too_many_pixels"}


def test_endless_gif() -> None:
    """A GIF of too many frames is refused before they are drawn."""
    assert late_refusal_of(photos.moving(501, 4)) == "picture_too_long"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_truncated(kind: str) -> None:
    """A file that ends too early is refused, not shown in part."""
    whole = photos.file_of(photos.noisy(300, 300), kind)
    assert late_refusal_of(whole[: len(whole) // 2]) == "picture_broken"


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_only_gifs_move(kind: str) -> None:
    """Other moving pictures are refused at once, instead of standing still."""
    assert refusal_of(photos.moving(4, kind=kind)) == "picture_moving"


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (photos.moving(2), "image/gif"),
        (photos.moving(1), "image/png"),
        (photos.file_of(photos.colourful().quantize(16), "GIF"), "image/png"),
    ],
)
def test_whether_a_gif_moves_shows_at_once(data: bytes, mime: str) -> None:
    """The first look and what is made say the same, before anything is decoded."""
    assert look_at(data).mime == make(data).mime == mime


def test_too_heavy() -> None:
    """More bytes than allowed are not even looked at."""
    heavy = photos.file_of(photos.colourful()) + b"\0" * MOST_BYTES
    assert refusal_of(heavy) == "picture_too_heavy"


def test_the_same_bytes_again() -> None:
    """A picture that is processed twice, by two workers, becomes the same both times."""
    for data in (photos.photo_with_place(), photos.moving(3)):
        first, second = make(data), make(data)
        assert isinstance(first, Made)
        assert first == second
