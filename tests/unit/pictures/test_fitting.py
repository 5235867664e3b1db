"""How pictures become what each network takes."""

from __future__ import annotations

import pytest
from PIL import Image

from app.networks.base import Limits, Picture
from app.networks.errors import UploadRefused
from app.pictures.encoding import make
from app.pictures.fitting import fitted
from tests.support import photos
from tests.support.photos import assert_near, opened


def made_picture(data: bytes, alt: str = "") -> Picture:
    """Return what deliveries load of a file."""
    made = make(data)
    return Picture(made.data, made.mime, alt, made.width, made.height)


def test_what_fits_stays_as_it_is() -> None:
    """A picture within the limits is not encoded once more."""
    picture = made_picture(photos.file_of(photos.colourful()), alt="A field")
    assert fitted(picture, Limits(characters=280)) == picture


@pytest.mark.parametrize("pixels", [None, 100_000])
@pytest.mark.parametrize("most", [400_000, 60_000, 8_000])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_fitted(kind: str, most: int, pixels: int | None) -> None:
    """Bytes, pixels and types are the network's; the shape stays, and twice gives the same."""
    picture = made_picture(photos.file_of(photos.noisy(900, 600), kind))
    limits = Limits(
        characters=280,
        picture_bytes=most,
        picture_pixels=pixels,
        picture_types=("image/jpeg", "image/png"),
    )
    small = fitted(picture, limits)
    assert len(small.data) <= most
    assert small.mime in limits.picture_types
    assert opened(small.data).size == (small.width, small.height)
    assert small.width * small.height <= (pixels or 900 * 600)
    assert abs(small.width / small.height - 1.5) < 0.05
    assert fitted(picture, limits) == small


def test_transparent_picture_for_a_network_of_jpegs() -> None:
    """What shines through becomes white, not black."""
    image = photos.colourful().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    picture = made_picture(photos.file_of(image, "PNG"))
    small = fitted(picture, Limits(characters=280, picture_types=("image/jpeg",)))
    assert_near(opened(small.data).getpixel((9, 9)), (255, 255, 255), by=3)


def test_only_a_transparent_picture_becomes_webp() -> None:
    """WebP takes ten times as long as JPEG: a claim's lease may be over before it is done."""
    image = photos.colourful(800, 600)
    limits = Limits(280, picture_bytes=7_000, picture_types=("image/jpeg", "image/webp"))
    assert fitted(made_picture(photos.file_of(image)), limits).mime == "image/jpeg"
    image.putalpha(Image.new("L", image.size, 99))
    assert fitted(made_picture(photos.file_of(image, "PNG")), limits).mime == "image/webp"


@pytest.mark.slow
def test_moving_picture_is_made_smaller() -> None:
    """A GIF that is too heavy becomes smaller and still moves."""
    picture = made_picture(photos.moving(8, 300))
    small = fitted(picture, Limits(characters=280, picture_bytes=len(picture.data) * 2 // 3))
    assert opened(small.data).n_frames == 8
    assert small.width < 300


def test_moving_picture_where_nothing_moves() -> None:
    """It is refused rather than shown as its first frame."""
    picture = made_picture(photos.moving(3))
    with pytest.raises(UploadRefused) as refused:
        fitted(picture, Limits(characters=280, picture_types=("image/jpeg", "image/png")))
    assert refused.value.code == "picture_moves"


def test_nothing_fits() -> None:
    """Limits that no version keeps are a refusal with a code, not an endless search."""
    picture = made_picture(photos.file_of(photos.noisy(900, 600)))
    with pytest.raises(UploadRefused) as refused:
        fitted(picture, Limits(characters=280, picture_bytes=100))
    assert refused.value.code == "picture_does_not_fit"


@pytest.mark.slow
def test_each_network_gets_its_own_size() -> None:
    """A photo keeps for one network what another one does not take."""
    picture = made_picture(photos.file_of(photos.noisy(3000, 2000), quality=95))
    large = fitted(picture, Limits(280, picture_bytes=16_000_000, picture_pixels=33_177_600))
    small = fitted(picture, Limits(280, picture_bytes=1_000_000))
    assert (large.width, large.height) == (3000, 2000)
    assert small.width < 3000
    assert 600_000 < len(small.data) <= 1_000_000


@pytest.mark.slow
def test_long_picture() -> None:
    """A long screenshot keeps its width, unless a network's own limit of a side is shorter."""
    picture = made_picture(photos.file_of(photos.colourful(1080, 12_000), quality=60))
    assert fitted(picture, Limits(280)).width == 1080
    short = fitted(picture, Limits(280, picture_side=8192))
    assert (short.width, short.height) == (737, 8192)


def test_moving_picture_for_little_room() -> None:
    """A GIF goes on getting smaller: it is not accepted and then refused when it is due."""
    frames = [photos.noisy(300, 300) for _ in range(8)]
    whole = photos.file_of(frames[0], "GIF", save_all=True, append_images=frames[1:])
    picture = made_picture(whole)
    small = fitted(picture, Limits(280, picture_bytes=len(picture.data) // 8))
    assert opened(small.data).n_frames == 8


@pytest.mark.slow
def test_transparent_picture_stays_transparent() -> None:
    """It becomes smaller rather than white, where the network takes what shines through."""
    image = Image.merge("RGBA", [Image.effect_noise((600, 600), 90) for _ in "rgba"])
    picture = made_picture(photos.file_of(image, "PNG"))
    types = ("image/jpeg", "image/png", "image/webp")
    small = fitted(picture, Limits(280, picture_bytes=30_000, picture_types=types))
    assert (small.mime, opened(small.data).mode) == ("image/webp", "RGBA")
    assert small.width < 600


def test_alt_text_is_never_cut() -> None:
    """A description that became too long for a network is told to its owner."""
    picture = made_picture(photos.file_of(photos.colourful()), alt="words\n" * 10)
    assert fitted(picture, Limits(characters=280, alt_length=60)).alt == picture.alt
    with pytest.raises(UploadRefused) as refused:
        fitted(picture, Limits(characters=280, alt_length=59))
    assert refused.value.code == "alt_too_long"
