"""Makes a picture fit into what one network takes."""

from __future__ import annotations

import io
import itertools
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
    :raises UploadRefused: picture_moves (the network shows none that do), picture_does_not_fit, or
        alt_too_long: nobody's words are cut.
    """
    if problem := problem_of(picture.mime, limits):
        raise UploadRefused(problem)
    if len(picture.alt) > limits.alt_length:
        raise UploadRefused("alt_too_long")
    if _fits(picture, limits):
        return picture
    with turns.turn(person, is_due=True), Image.open(io.BytesIO(picture.data)) as image:
        size = _within(image.size, limits.picture_pixels)
        if picture.mime == MOVING:
            versions = _moving(image, _in_box(size, limits), limits.moving_frames)
        else:
            versions = _still(image, size, limits)
        for version in versions:
            if _fits(version, limits):
                return replace(version, alt=picture.alt)
    raise UploadRefused("picture_does_not_fit")


def problem_of(mime: str, limits: Limits) -> str | None:
    """Return why no picture of this type can go there, None if it can."""
    return "picture_moves" if mime == MOVING and MOVING not in limits.picture_types else None


def _fits(picture: Picture, limits: Limits) -> bool:
    pixels, moves = picture.width * picture.height, picture.mime == MOVING
    size = (picture.width, picture.height)
    if moves and (size != _in_box(size, limits) or _has_too_many_frames(picture, limits)):
        return False
    most = limits.moving_bytes if moves else None
    return (
        picture.mime in limits.picture_types
        and len(picture.data) <= (most or limits.picture_bytes)
        and (limits.picture_pixels is None or pixels <= limits.picture_pixels)
    )


def _has_too_many_frames(picture: Picture, limits: Limits) -> bool:
    if limits.moving_frames is None:
        return False
    with Image.open(io.BytesIO(picture.data)) as image:
        return getattr(image, "n_frames", 1) > limits.moving_frames


def _in_box(size: tuple[int, int], limits: Limits) -> tuple[int, int]:
    """Return the size at which what moves is neither too wide nor too high."""
    width, height = size
    by_width = (limits.moving_width or width) / width
    factor = min(1.0, by_width, (limits.moving_height or height) / height)
    return size if factor == 1 else (max(1, int(width * factor)), max(1, int(height * factor)))


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


def _moving(image: Image.Image, size: tuple[int, int], frames: int | None) -> Iterator[Picture]:
    """Yield ever smaller versions, with so many frames at most: each then stays for longer."""
    durations, loop = durations_of(image), image.info.get("loop")
    every = math.ceil(len(durations) / frames) if frames else 1
    shown = [sum(durations[start : start + every]) for start in range(0, len(durations), every)]
    for _ in range(MOVING_TRIES):
        kept = itertools.islice(frames_of(image, size), 0, None, every)
        data = encode_moving(kept, shown, loop)
        yield Picture(data, MOVING, "", *size)
        size = _smaller(size)


def _smaller(size: tuple[int, int]) -> tuple[int, int]:
    return max(1, int(size[0] * SHRINK)), max(1, int(size[1] * SHRINK))
