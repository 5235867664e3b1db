"""Makes a clean picture from an uploaded file: decodes it completely and encodes it again.

The result has the pixels of the original, upright and in plain sRGB, and nothing else: no location,
no camera, no comment, no data hidden after the end. Equal input bytes give equal output bytes.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageCms, ImageOps, ImageSequence, _webp

from app.pictures.heif import read_heif
from app.pictures.inspection import (
    MEGA,
    PictureRefused,
    check_frames,
    draft_factor,
    hostile_bytes,
    look_at,
)

MAX_KEPT_PIXELS = 33_177_600
"""Limit of the stored picture: the largest of all networks. Each network gets its own size."""
THUMB_SIDE = 400
BAND_PIXELS = 2 * MEGA
"""A large picture is scaled down in bands: a second full-size copy would not fit in memory."""
LARGEST_PROFILE = 4 * MEGA
"""Bytes; a colour profile beyond it is not read."""
MAX_STILL_BYTES = 16 * MEGA
"""Limit of a PNG; a larger one becomes a JPEG, or a WebP if it has transparency."""
MAX_WEBP = 16_383
"""Pixels of a side, by the format."""
MAX_MOVING_BYTES = 15 * MEGA
SHRINK = 0.75
"""Factor for each side of a moving picture that has too many bytes."""
SMALLEST = 64
"""Smallest length of the longer side, in pixels: if this does not fit, nothing does."""
ALBUMS = ("JPEG", "HEIF")
"""Kinds that may hold further pictures, which are not the photo: those do not make it move."""
KEPT_INFO = ("exif", "xmp", "XML:com.adobe.xmp", "icc_profile")
"""Metadata for the orientation and the colours of a picture; removed in the end."""


@dataclass(frozen=True, slots=True)
class Made:
    """A clean picture: JPEG, PNG, WebP (rarely), or a GIF, which then moves."""

    data: bytes
    mime: str
    width: int
    height: int
    thumb: bytes
    """A small still one, WebP."""


def make(data: bytes) -> Made:
    """Decode a picture completely and encode it again. Call it only while holding the turn.

    :raises PictureRefused: as ``look_at``, and picture_moving (only GIFs may move),
        picture_too_long (a GIF of too many frames).
    """
    with _opened(data) as (image, kind):
        moves = kind not in ALBUMS and getattr(image, "n_frames", 1) > 1
        if moves and kind != "GIF":
            raise PictureRefused("picture_moving")
        if moves and _changes(image):
            return _made_moving(image)
        return _made_still(image, kind, data)


def make_square(data: bytes, side: int) -> bytes:
    """Return the middle of a picture as a small opaque WebP.

    For a moving picture, use the first frame. Call it only while holding the turn.

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
    """Check a file, then its picture; if both look harmless, yield the picture and its kind."""
    look = look_at(data)
    with hostile_bytes(), _read(data, look.kind) as image:
        if image.width * image.height > look.width * look.height:
            raise PictureRefused("picture_too_many_pixels")
        yield image, look.kind


def _read(data: bytes, kind: str) -> Image.Image:
    """Open a picture of this kind; of most kinds, nothing is decoded yet."""
    if kind == "WEBP":
        return _read_webp(data)
    if kind == "HEIF":
        return read_heif(data)
    image = Image.open(io.BytesIO(data), formats=[kind, "MPO"])
    if kind == "PNG":
        _mend_transparency(image, depth=data[24])
    return image


def _read_webp(data: bytes) -> Image.Image:
    """Decode a still WebP with three quarters of the memory that Pillow needs.

    The decoder is freed before the pixels are read.
    """
    decoder = _webp.WebPAnimDecoder(data)
    size, _loop, _ground, frames, mode = decoder.get_info()
    if frames > 1:
        raise PictureRefused("picture_moving")
    kept = {"exif": "EXIF", "xmp": "XMP ", "icc_profile": "ICCP"}
    info = {name: value for name, chunk in kept.items() if (value := decoder.get_chunk(chunk))}
    frame = decoder.get_next()
    del decoder
    if frame is None:
        raise PictureRefused("picture_broken")
    image = Image.frombuffer(mode, size, frame[0], "raw", mode, 0, 1)
    image.info.update(info)
    return image


def _mend_transparency(image: Image.Image, depth: int) -> None:
    """Convert the transparent colour of a PNG from the file's bit depth to that of the pixels."""
    colour = image.info.get("transparency")
    if isinstance(colour, tuple) and depth == 16:
        image.info["transparency"] = tuple(value >> 8 for value in colour)
    elif isinstance(colour, int) and image.mode == "L" and depth < 8:
        image.info["transparency"] = colour * 255 // (2**depth - 1)


def encode(image: Image.Image, mime: str, quality: int = 90) -> bytes:
    """Return the bytes of a still picture, without any metadata.

    :param image: in mode L, RGB or RGBA; transparent areas become white in a JPEG.
    """
    out = io.BytesIO()
    if mime == "image/jpeg":
        solid(image).save(out, "JPEG", quality=quality, optimize=True)
    elif mime == "image/webp":
        effort = 4 if image.width * image.height < MEGA else 2
        image.save(out, "WEBP", quality=quality, method=effort)
    else:
        image.save(out, "PNG")
    return out.getvalue()


def solid(image: Image.Image) -> Image.Image:
    """Return it on a white background if it has transparency."""
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
    options: dict[str, Any] = {"duration": durations, "disposal": 2}
    if loop is not None:
        options["loop"] = loop
    next(frames).save(out, "GIF", save_all=True, append_images=frames, **options)
    return out.getvalue()


def frames_of(image: Image.Image, size: tuple[int, int] | None = None) -> Iterator[Image.Image]:
    """Yield each frame as a viewer shows it, in RGBA, resized if a size is given."""
    first = image.size
    for frame in ImageSequence.Iterator(image):
        if frame.size != first:  # a later frame may claim to be larger than all
            raise PictureRefused("picture_broken")
        seen = frame.convert("RGBA")
        seen.info.clear()
        yield seen.resize(size, Image.Resampling.LANCZOS) if size and size != first else seen


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
    size = within(image.size, MAX_KEPT_PIXELS)
    clean = plain(ImageOps.exif_transpose(_smaller(image, size)))
    lossless = kind in {"PNG", "GIF"} or data[12:16] == b"VP8L"
    mime = "image/png" if lossless or clean.mode == "RGBA" else "image/jpeg"
    made = encode(clean, mime)
    if len(made) > MAX_STILL_BYTES and mime == "image/png":
        keeps_holes = clean.mode == "RGBA" and max(clean.size) <= MAX_WEBP
        mime = "image/webp" if keeps_holes else "image/jpeg"
        made = encode(clean, mime)
    return Made(made, mime, clean.width, clean.height, _thumb(clean))


def within(
    size: tuple[int, int],
    pixels: int | None = None,
    width: int | None = None,
    height: int | None = None,
) -> tuple[int, int]:
    """Return the largest size with the same aspect ratio within the limits that are given."""
    by_pixels = math.sqrt(pixels / (size[0] * size[1])) if pixels else 1.0
    by_width, by_height = (width or size[0]) / size[0], (height or size[1]) / size[1]
    return times(size, min(1.0, by_pixels, by_width, by_height))


def times(size: tuple[int, int], factor: float) -> tuple[int, int]:
    """Return a size with both sides multiplied by this factor, at least one pixel each."""
    return max(1, int(size[0] * factor)), max(1, int(size[1] * factor))


def _smaller(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return it in this size, or smaller, with its profile and orientation; closes it.

    A large JPEG is decoded at half its width and height or less, if that is enough or if more does
    not fit into memory. It is processed in bands, so there is never a second full-size copy.
    """
    factor = draft_factor(image.width * image.height)
    image.draft(None, (max(1, min(size[0], image.width // factor)), 1))
    width, height = min(size[0], image.width), min(size[1], image.height)
    scale = image.height / height
    margin = math.ceil(3 * max(1.0, scale)) + 1  # extra rows that the filter reads around its own
    step = max(1, int(BAND_PIXELS / (image.width * scale)))
    small: Image.Image | None = None
    for top in range(0, height, step):
        end = min(height, top + step)
        first = max(0, int(top * scale) - margin)
        last = min(image.height, math.ceil(end * scale) + margin)
        band = _direct(image.crop((0, first, image.width, last)))
        if (width, height) != image.size:
            rows = (top * scale - first, min(end * scale - first, band.height))
            box = (0, rows[0], image.width, rows[1])
            band = band.resize((width, end - top), Image.Resampling.LANCZOS, box=box)
        else:
            band = band.crop((0, top - first, width, end - first))
        if small is None:
            small = Image.new(band.mode, (width, height))
        small.paste(band, (0, top))
    assert small is not None
    kept = {name: image.info[name] for name in KEPT_INFO if name in image.info}
    image.close()
    small.info.update(kept)
    return small


def _direct(image: Image.Image) -> Image.Image:
    """Return it in a mode of plain brightness values: no palette, eight bits, an alpha channel."""
    if image.mode.startswith(("I", "F")):
        return _eight_bits(image)
    if image.mode == "RGBX":
        return image.convert("RGB")
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode in {"P", "1"}:
        return image.convert("RGB" if image.mode == "P" else "L")
    return image


def _changes(image: Image.Image) -> bool:
    """True when a frame looks different from the first: this defines a moving picture."""
    check_frames(image.width * image.height, int(getattr(image, "n_frames", 1)))
    frames = frames_of(image)
    first = next(frames).tobytes()
    return any(frame.tobytes() != first for frame in frames)


def _made_moving(image: Image.Image) -> Made:
    durations, loop = durations_of(image), image.info.get("loop")
    for size in shrinking(image.size):
        made = encode_moving(frames_of(image, size), durations, loop)
        if len(made) <= MAX_MOVING_BYTES:
            return Made(made, "image/gif", *size, _thumb(next(frames_of(image))))
    raise PictureRefused("picture_too_long")


def shrinking(size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield smaller and smaller sizes with the same aspect ratio, starting with this one."""
    yield size
    while max(size) > SMALLEST:
        size = times(size, SHRINK)
        yield size


def _thumb(image: Image.Image) -> bytes:
    small = image.copy()
    small.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return encode(small, "image/webp", quality=80)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return a grey picture of 16 bits in 8; Pillow would cut instead of scale some of them."""
    wide = image.convert("I")
    grey = wide.point([value >> 8 for value in range(65_536)], "L")
    hole = image.info.get("transparency")
    if not isinstance(hole, int):
        return grey
    solid_ones = wide.point([255 * (value != hole) for value in range(65_536)], "L")
    return Image.merge("LA", (grey, solid_ones)).convert("RGBA")


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
