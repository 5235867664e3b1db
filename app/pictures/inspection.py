"""Inspects the headers of a picture: cheap enough for web requests.

Nothing is decoded here. Workers decode, and check what only decoding shows.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image

MEGA = 1_000_000
MAX_BYTES = 40 * MEGA
"""Limit of an uploaded file: enough for a photo of 108 megapixels, or one with a short video."""
MAX_PIXELS = {
    "JPEG": 108 * MEGA,
    "PNG": 50 * MEGA,
    "GIF": 16 * MEGA,
    "WEBP": 50 * MEGA,
    "HEIF": 50 * MEGA,
    "AVIF": 50 * MEGA,
}
"""Chosen so that decoding any of them needs at most two thirds of a gigabyte of memory."""
MAX_SIDE = 30_000
MAX_DRAFT_PIXELS = 64 * MEGA
"""Limit for decoding a JPEG in full size; a larger one is decoded at half width and height."""
MAX_AT_ONCE = 640 * MEGA
"""Bytes for a progressive JPEG: all coefficients are in memory together with the pixels."""
MAX_SCANS = 24 * 108 * MEGA
"""Pixels of all scans of a JPEG together: a scan costs time, but may need only a few bytes."""
MAX_FRAMES = 500
MAX_FRAME_PIXELS = 4 * MEGA
MAX_MOVING_PIXELS = 100 * MEGA
"""Pixels of all frames of a moving picture together."""

SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
}
HEIF_STILL = {b"heic", b"heix", b"heim", b"heis", b"mif1"}
HEIF_MOVES = {b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"}
AVIF_BRANDS = {b"avif", b"avis"}
MAX_BRANDS = 256
"""Bytes in which a HEIF or AVIF says what it is."""
HEIF_HEAD = MEGA
"""Bytes in which a HEIF or AVIF says how large it is."""
HEIF_SIZE = re.compile(rb"\0\0\0\x14ispe\0{4}(.{8})", re.DOTALL)
SNIFFED = 1024
"""Bytes by which browsers and other readers tell what a file is."""
FOREIGN = (b"%pdf-", b"<html", b"<script", b"<!doctype", b"<body", b"<iframe", b"<?php", b"<svg")
JPEG_MARK = re.compile(rb"\xff+[^\0\xff\x01\xd0-\xd8]")
"""The byte that starts a segment; in the pixel data it has no other meaning."""
JPEG_SCAN, JPEG_END, JPEG_BASELINE, JPEG_EXTENDED = 0xDA, 0xD9, 0xC0, 0xC1
JPEG_FRAMES = (JPEG_BASELINE, JPEG_EXTENDED, 0xC2)
ZIP_END = b"PK\x05\x06"
ZIP_TAIL = 65_536 + 22
WEBP_MOVES = 0x02

Image.MAX_IMAGE_PIXELS = max(MAX_PIXELS.values())


class PictureRefused(ValueError):
    """A file is refused: ``code`` is one of our error codes, ``name`` is the file's name."""

    def __init__(self, code: str, name: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.name = name


@dataclass(frozen=True, slots=True)
class Look:
    """What a file says about itself."""

    kind: str
    """A key of ``MAX_PIXELS``."""
    width: int
    height: int
    moves: bool = False

    @property
    def mime(self) -> str:
        """Return the media type, which is GIF if and only if it moves."""
        still = "png" if self.kind == "GIF" else self.kind.lower()
        return "image/gif" if self.moves else f"image/{still}"


def look_at(data: bytes) -> Look:
    """Find out what a file is from its content only; its name proves nothing.

    A file that is also something else (a page, a program, an archive) is refused if we recognise
    that. If we do not, re-encoding removes everything but the picture.

    :raises PictureRefused: picture_too_heavy, picture_unknown, picture_polyglot,
        picture_too_many_pixels, picture_broken, picture_moving (of those that move, only GIFs are
        taken), picture_too_long (a GIF with more frames than we can re-encode).
    """
    if len(data) > MAX_BYTES:
        raise PictureRefused("picture_too_heavy")
    kind = _kind_of(data)
    if kind is None:
        raise PictureRefused("picture_unknown")
    if _is_something_else_too(data):
        raise PictureRefused("picture_polyglot")
    width, height, moves = _shape_of(data, kind)
    if width < 1 or height < 1:
        raise PictureRefused("picture_broken")
    if width * height > MAX_PIXELS[kind] or max(width, height) > MAX_SIDE:
        raise PictureRefused("picture_too_many_pixels")
    if moves and kind != "GIF":
        raise PictureRefused("picture_moving")
    if kind == "JPEG" and is_too_much_at_once(data, width * height):
        raise PictureRefused("picture_too_many_pixels")
    if moves:
        check_frames(width * height, len(frames_in_gif(data)))
    return Look(kind, width, height, moves)


def check_frames(pixels: int, frames: int) -> None:
    """Refuse a moving picture whose frames are too many or too large to be re-encoded.

    :param pixels: of one frame.
    :raises PictureRefused: picture_too_long.
    """
    if frames > MAX_FRAMES or pixels > MAX_FRAME_PIXELS or frames * pixels > MAX_MOVING_PIXELS:
        raise PictureRefused("picture_too_long")


@contextmanager
def hostile_bytes() -> Iterator[None]:
    """Turn whatever a decoder raises into a refusal."""
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureRefused("picture_too_many_pixels") from error
    except PictureRefused:
        raise
    except Exception as error:  # malicious bytes can make decoders raise any exception
        raise PictureRefused("picture_broken") from error


def _kind_of(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if brands := _brands_of(data):
        if AVIF_BRANDS.intersection(brands):
            return "AVIF"
        return "HEIF" if (HEIF_STILL | HEIF_MOVES).intersection(brands) else None
    return next((kind for start, kind in SIGNATURES.items() if data.startswith(start)), None)


def _is_something_else_too(data: bytes) -> bool:
    start = data[:SNIFFED].lower()
    return any(mark in start for mark in FOREIGN) or _ends_as_archive(data)


def _ends_as_archive(data: bytes) -> bool:
    """True when the end is that of a ZIP archive, such as a program for Java or Android."""
    at = data.rfind(ZIP_END, -ZIP_TAIL)
    if at < 0 or at + 22 > len(data):
        return False
    (comment_length,) = struct.unpack_from("<H", data, at + 20)
    return at + 22 + int(comment_length) == len(data)


def _shape_of(data: bytes, kind: str) -> tuple[int, int, bool]:
    """Return width, height, and whether it moves: a JPEG of several pictures does not."""
    if kind == "WEBP":
        return _webp_shape(data)
    if kind in {"HEIF", "AVIF"}:
        return _heif_shape(data)
    with hostile_bytes(), Image.open(io.BytesIO(data), formats=[kind]) as image:
        if kind == "GIF":
            return *image.size, len(set(frames_in_gif(data))) > 1
        return *image.size, kind == "PNG" and getattr(image, "is_animated", False)


def draft_factor(pixels: int) -> int:
    """Return the number by which decoding divides the sides of a JPEG of this size."""
    factor = 1
    while pixels > MAX_DRAFT_PIXELS * factor**2:
        factor *= 2
    return factor


def is_too_much_at_once(data: bytes, pixels: int) -> bool:
    """True for a progressive JPEG (several scans) that needs too much memory or time."""
    samples, scans = _scans_in(data)
    if not samples:
        return False
    shown = 4 * pixels // draft_factor(pixels) ** 2
    return 2 * samples * pixels + shown > MAX_AT_ONCE or scans * pixels > MAX_SCANS


def _scans_in(data: bytes) -> tuple[float, int]:
    """Return how many values a pixel of a JPEG has, and the number of scans.

    (0, 1) for a JPEG with a single scan. Data after the end of the picture is not read.
    """
    samples, components, is_progressive, scans = 3.0, 3, False, 0
    at, is_whole = 2, False
    while found := JPEG_MARK.search(data, at):
        mark, at = data[found.end() - 1], found.end()
        if mark == JPEG_END:
            break
        length = int.from_bytes(data[at : at + 2])
        body = data[at + 2 : at + length]
        if mark in JPEG_FRAMES and len(body) > 5:
            components, is_progressive = body[5], mark != JPEG_BASELINE and mark != JPEG_EXTENDED
            areas = [(one >> 4) * (one & 15) for one in body[7 : 6 + 3 * components : 3]]
            samples = sum(areas) / max([1, *areas])
        if mark == JPEG_SCAN and body:
            scans += 1
            is_whole = is_whole or is_progressive or body[0] < components
        at += max(2, length)
    return (samples, scans) if is_whole else (0.0, 1)


def frames_in_gif(data: bytes) -> list[bytes]:
    """Return the compressed data of each GIF frame; frames with equal data are equal.

    We parse it ourselves, because what the headers show should not wait for a worker. A file that
    ends too early has the frames up to that point.
    """
    frames: list[bytes] = []
    at = 13 + _palette_bytes(data[10:11])
    shines = b""
    while (block := data[at : at + 1]) in {b"\x21", b"\x2c"}:
        if block == b"\x21":
            if (
                at + 7 < len(data) and data[at + 1 : at + 2] == b"\xf9"
            ):  # the transparency; not the duration
                shines = data[at + 6 : at + 7] if data[at + 3] & 1 else b""
            at = _past_blocks(data, at + 2)
            continue
        begun, at = at, at + 10 + _palette_bytes(data[at + 9 : at + 10])
        at = _past_blocks(data, at + 1)
        frames.append(shines + data[begun:at])
        shines = b""
    return frames


def _palette_bytes(flags: bytes) -> int:
    return 3 * 2 ** ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _past_blocks(data: bytes, at: int) -> int:
    """Return where the blocks end that begin here, each behind its own length."""
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1


def _brands_of(data: bytes) -> list[bytes]:
    """Return what a file of the family of MP4 says that it is, the best name first."""
    if data[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(data[:4]), MAX_BRANDS, len(data))
    return [data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))]


def _heif_shape(data: bytes) -> tuple[int, int, bool]:
    """Read it by hand: the largest of the sizes that it names, of tiles, thumbnail and picture.

    Its decoder, which is large, is left to the workers. They hold the picture against this size.
    """
    sizes = [
        struct.unpack(">II", found.group(1)) for found in re.finditer(HEIF_SIZE, data[:HEIF_HEAD])
    ]
    if not sizes:
        raise PictureRefused("picture_broken")
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return width, height, _brands_of(data)[0] in HEIF_MOVES | {b"avis"}


def _webp_shape(data: bytes) -> tuple[int, int, bool]:
    """Read it by hand: Pillow makes room for the whole canvas when it opens a WebP."""
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        raise PictureRefused("picture_broken")
    if chunk == b"VP8X":
        width, height = (int.from_bytes(body[at : at + 3], "little") + 1 for at in (4, 7))
        return width, height, bool(body[0] & WEBP_MOVES) and data.count(b"ANMF") > 1
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, False
    if chunk == b"VP8 ":
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF, False
    raise PictureRefused("picture_broken")
