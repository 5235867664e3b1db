"""Makes a clean picture out of what somebody sent: decoded in full, encoded anew.

What is made has the pixels of the original, upright and in plain sRGB, and nothing else of it: no
place, no camera, no comment, nothing hidden behind the end. The same bytes give the same bytes.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageCms, ImageOps, ImageSequence

from app.services.picture_checks import MEGA, PictureRefused, hostile_bytes, look_at

LONGEST_SIDE = 4096
MOST_KEPT_PIXELS = 4096 * 2160
"""Of what is kept; no network shows more."""
THUMB_SIDE = 400
MOST_PROGRESSIVE = 25 * MEGA
MOST_FRAMES = 500
MOST_FRAME_PIXELS = 4 * MEGA
MOST_MOVING_PIXELS = 100 * MEGA
"""Of all frames of a moving picture together."""
BAND_PIXELS = 2 * MEGA
"""A large picture is made smaller in bands: a second one of its size would not fit in memory."""
LARGEST_PROFILE = 4 * MEGA
"""Bytes; a colour profile beyond it is not read."""
MOST_STILL_BYTES = 8 * MEGA
"""Of a PNG; what is more becomes a JPEG."""
MOST_MOVING_BYTES = 15 * MEGA

KEPT_INFO = ("exif", "xmp", "XML:com.adobe.xmp", "icc_profile")
"""What says how a picture is to be turned and what its numbers mean; gone in the end."""


@dataclass(frozen=True, slots=True)
class Made:
    """A clean picture: JPEG, PNG, or a GIF, which then moves."""

    data: bytes
    mime: str
    width: int
    height: int
    thumb: bytes
    """A small still one, WebP."""


def make(data: bytes) -> Made:
    """Decode a picture in full and encode it anew. Only for whose turn it is, in picture_turns.

    :raises PictureRefused: as ``look_at``, and picture_moving (only GIFs may move),
        picture_too_long (a GIF of too many frames).
    """
    with _opened(data) as (image, kind):
        moves = getattr(image, "n_frames", 1) > 1 and image.format != "MPO"
        if not moves:
            return _made_still(image, kind, data)
        if kind != "GIF":
            raise PictureRefused("picture_moving")
        return _made_moving(image)


def make_square(data: bytes, side: int) -> bytes:
    """Return the middle of a picture as a small WebP that nothing shines through.

    Of one that moves, the first frame. Only for whose turn it is, in picture_turns.

    :param side: in pixels.
    :raises PictureRefused: as ``look_at``.
    """
    with _opened(data) as (image, _kind):
        factor = min(1.0, side / min(image.size))
        size = (math.ceil(image.width * factor), math.ceil(image.height * factor))
        upright = plain(ImageOps.exif_transpose(_smaller(image, size)))
        square = ImageOps.fit(solid(upright), (side, side), Image.Resampling.LANCZOS)
        return encode(square, "image/webp", quality=80)


@contextmanager
def _opened(data: bytes) -> Iterator[tuple[Image.Image, str]]:
    """Open a file that looks harmless, if its picture does too; yield it and what it is."""
    look = look_at(data)
    image: Image.Image
    with (
        hostile_bytes(),
        Image.open(io.BytesIO(data), formats=[look.kind, "MPO"]) as image,
    ):
        is_progressive = image.info.get("progressive")  # needs three times the memory
        most = MOST_PROGRESSIVE if is_progressive else look.width * look.height
        if image.width * image.height > most:
            raise PictureRefused("picture_too_many_pixels")
        yield image, look.kind


def encode(image: Image.Image, mime: str, quality: int = 90) -> bytes:
    """Return the bytes of a still picture, without any metadata.

    :param image: in mode L, RGB or RGBA; what shines through becomes white in a JPEG.
    """
    out = io.BytesIO()
    if mime == "image/jpeg":
        solid(image).save(out, "JPEG", quality=quality, optimize=True)
    elif mime == "image/webp":
        image.save(out, "WEBP", quality=quality, method=4)
    else:
        image.save(out, "PNG")
    return out.getvalue()


def solid(image: Image.Image) -> Image.Image:
    """Return it on white if anything shines through."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def encode_moving(frames: Iterator[Image.Image], durations: list[int], loop: int | None) -> bytes:
    """Return the bytes of a GIF.

    :param durations: of each frame, in milliseconds.
    :param loop: how often it is repeated, 0 for ever, None never.
    """
    out = io.BytesIO()
    options: dict[str, Any] = {} if loop is None else {"loop": loop}
    next(frames).save(
        out,
        "GIF",
        save_all=True,
        append_images=frames,
        duration=durations,
        disposal=2,
        **options,
    )
    return out.getvalue()


def frames_of(image: Image.Image, size: tuple[int, int] | None = None) -> Iterator[Image.Image]:
    """Yield each frame as it is seen, RGBA, in another size if one is given."""
    first = image.size
    for frame in ImageSequence.Iterator(image):
        if frame.size != first:  # a later frame may claim to be larger than all
            raise PictureRefused("picture_broken")
        seen = frame.convert("RGBA")
        seen.info.clear()
        yield seen.resize(size, Image.Resampling.LANCZOS) if size else seen


def durations_of(image: Image.Image) -> list[int]:
    """Return how long each frame is seen, in milliseconds."""
    return [int(frame.info.get("duration", 100)) for frame in ImageSequence.Iterator(image)]


def plain(image: Image.Image) -> Image.Image:
    """Return a picture in mode L, RGB or RGBA without any metadata, its colours in sRGB."""
    profile = image.info.get("icc_profile")
    image = _in_srgb(_direct(image), profile)
    if image.mode not in {"L", "RGB", "RGBA"}:
        image = image.convert("RGB")
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    image.info.clear()
    return image


def _made_still(image: Image.Image, kind: str, data: bytes) -> Made:
    clean = plain(ImageOps.exif_transpose(_smaller(image, _kept_size(image.size))))
    lossless = kind in {"PNG", "GIF"} or data[12:16] == b"VP8L"
    mime = "image/png" if lossless or clean.mode == "RGBA" else "image/jpeg"
    made = encode(clean, mime)
    if len(made) > MOST_STILL_BYTES:
        mime, made = "image/jpeg", encode(clean, "image/jpeg")
    return Made(made, mime, clean.width, clean.height, _thumb(clean))


def _kept_size(size: tuple[int, int]) -> tuple[int, int]:
    width, height = size
    by_side = LONGEST_SIDE / max(size)
    by_pixels = math.sqrt(MOST_KEPT_PIXELS / (width * height))
    factor = min(1.0, by_side, by_pixels)
    return max(1, round(width * factor)), max(1, round(height * factor))


def _smaller(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return it in about this size, at most, with its profile and orientation; closes it."""
    image.draft(None, size)  # a JPEG can be decoded at half its size
    width, height = image.size
    factor = max(1, round(min(width / size[0], height / size[1])))
    rows = factor * max(1, BAND_PIXELS // (width * factor))
    small: Image.Image | None = None
    for top in range(0, height, rows):
        band = _direct(image.crop((0, top, width, min(height, top + rows))))
        band = band.reduce(factor) if factor > 1 else band
        if small is None:
            small = Image.new(band.mode, (-(-width // factor), -(-height // factor)))
        small.paste(band, (0, top // factor))
    assert small is not None
    kept = {name: image.info[name] for name in KEPT_INFO if name in image.info}
    image.close()
    if small.width > size[0] or small.height > size[1]:
        small = small.resize(size, Image.Resampling.LANCZOS)
    small.info.update(kept)
    return small


def _direct(image: Image.Image) -> Image.Image:
    """Return it in a mode whose numbers are brightness: no palette, eight bits, real holes."""
    if image.mode.startswith(("I", "F")):
        image = _eight_bits(image)
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode in {"P", "1"}:
        return image.convert("RGB" if image.mode == "P" else "L")
    return image


def _made_moving(image: Image.Image) -> Made:
    frames = int(getattr(image, "n_frames", 1))
    pixels = image.width * image.height
    too_large = pixels > MOST_FRAME_PIXELS or frames * pixels > MOST_MOVING_PIXELS
    if frames > MOST_FRAMES or too_large:
        raise PictureRefused("picture_too_long")
    durations = durations_of(image)
    made = encode_moving(frames_of(image), durations, image.info.get("loop"))
    if len(made) > MOST_MOVING_BYTES:
        raise PictureRefused("picture_too_long")
    width, height = image.size
    return Made(made, "image/gif", width, height, _thumb(next(frames_of(image))))


def _thumb(image: Image.Image) -> bytes:
    small = image.copy()
    small.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return encode(small, "image/webp", quality=80)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return a grey picture of 16 bits in 8; Pillow would cut instead of scale some of them."""
    return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Apply the colour profile, which is about to be dropped; a broken one is ignored."""
    if not profile or len(profile) > LARGEST_PROFILE or image.mode == "L":
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        changed = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode=mode
        )
    except (ImageCms.PyCMSError, OSError):
        return image
    return changed or image
