"""What can be said of a picture from its first bytes: cheap enough for the pages to ask.

Nothing is decoded here. Decoding, and what only that shows, is the workers' job.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image

MEGA = 1_000_000
MOST_BYTES = 20 * MEGA
"""Of a file as it comes."""
MOST_PIXELS = {"JPEG": 50 * MEGA, "PNG": 36 * MEGA, "GIF": 16 * MEGA, "WEBP": 10 * MEGA}
"""By how much memory each needs while it is decoded: a quarter of a gigabyte at most."""
LONGEST_SIDE = 30_000

SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
}
SNIFFED = 1024
"""Bytes by which browsers and other readers tell what a file is."""
FOREIGN = (b"%pdf-", b"<html", b"<script", b"<!doctype", b"<body", b"<iframe", b"<?php", b"<svg")
ZIP_END = b"PK\x05\x06"
ZIP_TAIL = 65_536 + 22
WEBP_MOVES = 0x02

Image.MAX_IMAGE_PIXELS = max(MOST_PIXELS.values())


class PictureRefused(ValueError):
    """A file is not taken: ``code`` is one of our own words, ``name`` the file's."""

    def __init__(self, code: str, name: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.name = name


@dataclass(frozen=True, slots=True)
class Look:
    """What a file says about itself."""

    kind: str
    """A key of ``MOST_PIXELS``."""
    width: int
    height: int
    moves: bool = False

    @property
    def mime(self) -> str:
        """Return the media type, which is GIF if and only if it moves."""
        still = "png" if self.kind == "GIF" else self.kind.lower()
        return "image/gif" if self.moves else f"image/{still}"


def look_at(data: bytes) -> Look:
    """Tell what a file is by its content alone; its name proves nothing.

    A file that is something else as well (a page, a program, an archive) is refused where it is
    recognised. Where it is not, re-encoding leaves nothing of it.

    :raises PictureRefused: picture_too_heavy, picture_unknown, picture_polyglot,
        picture_too_many_pixels, picture_broken, picture_moving (of those that move, only GIFs are
        taken).
    """
    if len(data) > MOST_BYTES:
        raise PictureRefused("picture_too_heavy")
    kind = _kind_of(data)
    if kind is None:
        raise PictureRefused("picture_unknown")
    if _is_something_else_too(data):
        raise PictureRefused("picture_polyglot")
    width, height, moves = _webp_shape(data) if kind == "WEBP" else _declared_shape(data, kind)
    if width < 1 or height < 1:
        raise PictureRefused("picture_broken")
    if width * height > MOST_PIXELS[kind] or max(width, height) > LONGEST_SIDE:
        raise PictureRefused("picture_too_many_pixels")
    if moves and kind != "GIF":
        raise PictureRefused("picture_moving")
    return Look(kind, width, height, moves)


@contextmanager
def hostile_bytes() -> Iterator[None]:
    """Turn whatever a decoder raises into a refusal."""
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureRefused("picture_too_many_pixels") from error
    except PictureRefused:
        raise
    except Exception as error:  # bytes made to harm make decoders raise anything
        raise PictureRefused("picture_broken") from error


def _kind_of(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
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


def _declared_shape(data: bytes, kind: str) -> tuple[int, int, bool]:
    """Return width, height, and whether it moves: a JPEG of several pictures does not."""
    with hostile_bytes(), Image.open(io.BytesIO(data), formats=[kind]) as image:
        return *image.size, kind != "JPEG" and getattr(image, "is_animated", False)


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
