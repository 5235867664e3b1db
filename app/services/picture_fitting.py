"""Makes a picture fit into what one network takes."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import replace

from PIL import Image

from app.models.picture import MOVING
from app.networks.base import Limits, Picture, UploadRefused
from app.services.picture_making import (
    durations_of,
    encode,
    encode_moving,
    frames_of,
    plain,
    solid,
)
from app.services.picture_turns import turns

QUALITIES = (90, 80, 70)
SHRINK = 0.75
"""Of each side, when no quality is low enough."""
SMALLEST = 64
"""Pixels of the longer side: what does not fit then does not fit at all."""
MOVING_TRIES = 4


def fitted(picture: Picture, limits: Limits, person: int = 0) -> Picture:
    """Return the picture as a network takes it; the same one whenever it is asked for.

    A picture that moves is never shown as a still one behind its owner's back.

    :param person: the id of whose picture it is, by which people take turns.
    :raises UploadRefused: picture_moves (the network shows none that do), picture_does_not_fit.
    """
    if problem := problem_of(picture.mime, limits):
        raise UploadRefused(problem)
    picture = replace(picture, alt=_shortened(picture.alt, limits.alt_length))
    if _fits(picture, limits):
        return picture
    with turns.turn(person, is_due=True), Image.open(io.BytesIO(picture.data)) as image:
        size = _within(image.size, limits.picture_pixels)
        versions = _moving(image, size) if picture.mime == MOVING else _still(image, size, limits)
        for version in versions:
            if _fits(version, limits):
                return replace(version, alt=picture.alt)
    raise UploadRefused("picture_does_not_fit")


def problem_of(mime: str, limits: Limits) -> str | None:
    """Return why no picture of this type can go there, None if it can."""
    return "picture_moves" if mime == MOVING and MOVING not in limits.picture_types else None


def _fits(picture: Picture, limits: Limits) -> bool:
    pixels = picture.width * picture.height
    return (
        picture.mime in limits.picture_types
        and len(picture.data) <= limits.picture_bytes
        and (limits.picture_pixels is None or pixels <= limits.picture_pixels)
    )


def _shortened(alt: str, longest: int) -> str:
    return alt if len(alt) <= longest else alt[: longest - 1].rstrip() + "…"


def _within(size: tuple[int, int], pixels: int | None) -> tuple[int, int]:
    width, height = size
    if pixels is None or width * height <= pixels:
        return size
    factor = math.sqrt(pixels / (width * height))
    return max(1, int(width * factor)), max(1, int(height * factor))


def _still(image: Image.Image, size: tuple[int, int], limits: Limits) -> Iterator[Picture]:
    """Yield ever smaller versions: first without loss, then with, then with fewer pixels."""
    may_stay = image.format == "PNG" and "image/png" in limits.picture_types
    image = plain(image)
    while True:
        scaled = image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)
        if may_stay:
            yield _picture(scaled, "image/png")
            may_stay = False  # what is too heavy now would be a poor picture when it is not
        for mime in _lossy(image.mode, limits):
            for quality in QUALITIES:
                yield _picture(scaled, mime, quality)
        if max(size) <= SMALLEST:
            return
        size = _smaller(size)


def _lossy(mode: str, limits: Limits) -> list[str]:
    """Return the types with loss to try; WebP keeps holes, but takes ten times as long."""
    keeps_holes = ["image/webp"] if mode == "RGBA" else []
    return [m for m in (*keeps_holes, "image/jpeg") if m in limits.picture_types]


def _picture(image: Image.Image, mime: str, quality: int = 90) -> Picture:
    shown = solid(image) if mime == "image/jpeg" else image
    return Picture(encode(shown, mime, quality), mime, "", *image.size)


def _moving(image: Image.Image, size: tuple[int, int]) -> Iterator[Picture]:
    durations, loop = durations_of(image), image.info.get("loop")
    for _ in range(MOVING_TRIES):
        data = encode_moving(frames_of(image, size), durations, loop)
        yield Picture(data, MOVING, "", *size)
        size = _smaller(size)


def _smaller(size: tuple[int, int]) -> tuple[int, int]:
    return max(1, int(size[0] * SHRINK)), max(1, int(size[1] * SHRINK))
