"""What becomes of the files that people send, good and bad."""

from __future__ import annotations

import struct

import pytest
from PIL import Image, ImageChops

from app.pictures.encoding import MAX_KEPT_PIXELS, THUMB_SIDE, Made, make
from app.pictures.inspection import MAX_BYTES, PictureRefused, look_at
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


def wide(*values: int) -> bytes:
    """Return numbers of 16 bits."""
    return struct.pack(f">{len(values)}H", *values)


@pytest.mark.parametrize(
    "data",
    [
        photos.png_of(16, 6, 2, wide(65535, 0, 0, 0, 300, 2000, 3000, 65535)),
        photos.png_of(16, 4, 2, wide(65535, 0, 300, 65535)),
        photos.png_of(16, 2, 2, wide(65535, 300, 7, 1000, 2000, 3000), wide(65535, 300, 7)),
        photos.png_of(16, 0, 2, wide(4660, 4661), wide(4660)),
        photos.png_of(8, 2, 2, bytes([255, 1, 7, 9, 9, 9]), wide(255, 1, 7)),
        photos.png_of(8, 0, 2, bytes([77, 78]), wide(77)),
        photos.png_of(4, 0, 2, b"\x34", wide(3)),
        photos.png_of(2, 0, 2, b"\xe0", wide(3)),
        photos.png_of(1, 0, 2, b"\x80", wide(1)),
    ],
)
def test_transparent_png(data: bytes) -> None:
    """What shines through in a PNG still does, whatever the number of its bits; the rest not."""
    made = make(data)
    kept = opened(made.data)
    assert (made.mime, kept.mode) == ("image/png", "RGBA")
    assert [kept.getchannel("A").getpixel((x, 0)) for x in (0, 1)] == [0, 255]


@pytest.mark.slow
def test_heavy_transparent_picture() -> None:
    """A PNG that is too heavy to be kept as one keeps what shines through."""
    image = Image.merge("RGBA", [Image.effect_noise((2100, 2100), 90) for _ in "rgba"])
    made = make(photos.file_of(image, "PNG", compress_level=1))
    assert made.mime == "image/webp"
    assert opened(made.data).getchannel("A").getextrema()[0] < 10


def test_colours_of_a_phone() -> None:
    """A photo in the wider colours of a phone is converted, not washed out."""
    image = Image.new("RGB", (40, 40), (200, 80, 60))
    kept = opened(make(photos.file_of(image, quality=95, icc_profile=photos.display_p3())).data)
    assert_near(kept.getpixel((20, 20)), (217, 71, 49), by=6)
    assert "icc_profile" not in kept.info


def test_heic() -> None:
    """A photo of an iPhone is taken: upright, and without its camera."""
    assert (look_at(photos.heic()).kind, look_at(photos.heic()).width) == ("HEIF", 64)
    made = make(photos.heic())
    assert (made.mime, made.width, made.height) == ("image/jpeg", 48, 64)
    assert b"Secret" in photos.heic()
    assert b"Secret" not in made.data
    wanted = photos.colourful(64, 48).rotate(-90, expand=True)
    assert_near(opened(made.data).getpixel((40, 10)), wanted.getpixel((40, 10)), by=25)


def test_avif() -> None:
    """AVIF is taken too; one that moves is refused at once."""
    made = make(photos.file_of(photos.colourful(), "AVIF", speed=10))
    assert (made.mime, made.width, made.height) == ("image/jpeg", 256, 192)
    assert refusal_of(photos.moving(3, kind="AVIF")) == "picture_moving"


@pytest.mark.slow
@pytest.mark.parametrize("progressive", [False, True])
def test_photo_of_a_hundred_megapixels(progressive: bool) -> None:
    """The largest photos of phones are taken, also progressive ones."""
    data = photos.file_of(photos.colourful(12_000, 9000), quality=50, progressive=progressive)
    assert make(data).width == 6000


@pytest.mark.parametrize("trailer", [b"MotionPhoto_Data\0\0\0\x18ftypmp42", b"\0" * 70_000])
def test_film_behind_a_photo(trailer: bytes) -> None:
    """What a phone puts behind a photo is dropped, and nobody is blamed for it."""
    made = make(photos.photo_with_place() + trailer + photos.noisy(50, 50).tobytes())
    assert (made.mime, made.width) == ("image/jpeg", 192)
    assert b"ftyp" not in made.data


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "kept"),
    [
        ((6000, 4000), 24_000_000),
        ((8064, 6048), MAX_KEPT_PIXELS),
        ((1080, 12_000), 1080 * 12_000),
        ((12_000, 9000), 27_000_000),
    ],
)
def test_as_many_pixels_as_allowed(size: tuple[int, int], kept: int) -> None:
    """A photo loses nothing to a rounding, and a long picture keeps its width."""
    made = make(photos.file_of(photos.colourful(*size), quality=60))
    assert 0.99 * kept < made.width * made.height <= kept
    assert abs(made.width / made.height / (size[0] / size[1]) - 1) < 0.01
    assert max(opened(made.thumb).size) == THUMB_SIDE


@pytest.mark.slow
def test_made_smaller_without_seams() -> None:
    """A picture that is made smaller in bands looks as if it were made smaller at once."""
    image = photos.colourful(7000, 5200)
    kept = opened(make(photos.file_of(image, quality=90)).data)
    wanted = image.resize(kept.size, Image.Resampling.LANCZOS)
    assert kept.width < 7000
    assert max(top for _, top in ImageChops.difference(kept, wanted).getextrema()) <= 12


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
        b"\0\0\0\x18ftypmp42" + b"\0" * 100,
        photos.file_of(photos.colourful(), "BMP"),
        photos.file_of(photos.colourful(), "TIFF"),
    ],
)
def test_not_a_picture(data: bytes) -> None:
    """Only pictures of known kinds are taken, whatever a file is called."""
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


@pytest.mark.slow
def test_bomb() -> None:
    """A hundred megapixels in few bytes are refused by their header; 36 are survived."""
    assert refusal_of(photos.bomb(10_000, 10_000)) == "picture_too_many_pixels"
    largest = photos.bomb(6000, 6000)
    assert len(largest) < 1_000_000
    assert make(largest).width < 6000


def test_gif_whose_later_frames_grow() -> None:
    """A frame that claims to be larger than the picture does not get its memory."""
    small = photos.moving(3, 40)
    at = small.rindex(b"\x21\xf9\x04") + 8
    assert small[at : at + 1] == b"\x2c"
    grown = small[: at + 5] + struct.pack("<HH", 50_000, 50_000) + small[at + 9 :]
    assert late_refusal_of(grown) in {"picture_broken", "picture_too_many_pixels"}


@pytest.mark.parametrize(("frames", "side"), [(501, 4), (250, 640)])
def test_endless_gif(frames: int, side: int) -> None:
    """A GIF of too many frames is refused at once, before any is drawn."""
    data = photos.repeated_gif(frames, photos.colourful(side, side))
    changed = data[:-1] + photos.repeated_gif(1, photos.noisy(side, side))[13 + 48 :]
    assert refusal_of(changed) == "picture_too_long"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (photos.jpeg_claiming(12_000, 9000, progressive=True), "picture_too_many_pixels"),
        (photos.jpeg_claiming(12_100, 9000), "picture_too_many_pixels"),
        (photos.jpeg_claiming(0, 9000), "picture_broken"),
    ],
)
def test_hungry_jpeg(data: bytes, code: str) -> None:
    """A progressive JPEG without thinned colours would need more memory than there is."""
    assert refusal_of(data) == code


def test_jpeg_of_many_goes() -> None:
    """Each go through a large progressive picture takes time, and may be a few bytes."""
    data = photos.jpeg_claiming(9000, 6000, 2, progressive=True)
    assert look_at(data).width == 9000
    begin = data.rindex(b"\xff\xda")
    assert refusal_of(data[:begin] + data[begin:-2] * 60 + data[-2:]) == "picture_too_many_pixels"


def test_heif_that_claims_much() -> None:
    """The size is read before the decoder is asked, and held against what it says later."""
    data = photos.heic()
    at = data.index(b"ispe") + 8
    large = data[:at] + struct.pack(">II", 10_000, 10_000) + data[at + 8 :]
    assert refusal_of(large) == "picture_too_many_pixels"
    assert refusal_of(data[:40]) == "picture_broken"
    assert late_refusal_of(data[: len(data) - 100]) == "picture_broken"


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
        (photos.repeated_gif(9), "image/png"),
        (photos.file_of(photos.colourful().quantize(16), "GIF"), "image/png"),
    ],
)
def test_whether_a_gif_moves_shows_at_once(data: bytes, mime: str) -> None:
    """The first look and what is made say the same, before anything is decoded."""
    assert look_at(data).mime == make(data).mime == mime


def test_gif_that_changes_nothing() -> None:
    """Frames that look the same stand still, which only drawing them shows."""
    made = make(photos.gif_with_empty_frames(5))
    assert (made.mime, made.width) == ("image/png", 60)


def test_too_heavy() -> None:
    """More bytes than allowed are not even looked at."""
    heavy = photos.file_of(photos.colourful()) + b"\0" * MAX_BYTES
    assert refusal_of(heavy) == "picture_too_heavy"


def test_the_same_bytes_again() -> None:
    """A picture that is processed twice, by two workers, becomes the same both times."""
    for data in (photos.photo_with_place(), photos.moving(3)):
        first, second = make(data), make(data)
        assert isinstance(first, Made)
        assert first == second
