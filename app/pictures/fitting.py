"""Makes a picture fit into what one network takes."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

from PIL import Image

from app.models import MOVING
from app.networks import Limits, Picture, UploadRefused
from app.pictures.encoding import (
    MAX_WEBP,
    durations_of,
    encode,
    encode_moving,
    frames_of,
    plain,
    shrinking,
    solid,
    within,
)
from app.pictures.turns import turns

QUALITIES = (90, 80, 70)
LEAST_STEP, MAX_STEP = 0.4, 0.85
"""Of each side, when no quality is low enough: by how much it was too heavy, within these."""
SMALLEST = 64
"""Pixels of the longer side: what does not fit then does not fit at all."""
NEARLY = 3
"""How much heavier than allowed a picture may be that is worth trying with less quality only."""


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
        size = within(image.size, limits.picture_pixels, limits.picture_side)
        heavy = len(picture.data)
        if picture.mime == MOVING:
            versions = _moving(image, _in_box(size, limits), limits.moving_frames)
        else:
            versions = _still(image, size, limits, heavy)
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
        and (
            limits.picture_side is None or max(picture.width, picture.height) <= limits.picture_side
        )
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


def _still(
    image: Image.Image, size: tuple[int, int], limits: Limits, heavy: int
) -> Iterator[Picture]:
    """Yield ever smaller versions: first without loss, then with, then with fewer pixels.

    :param heavy: the bytes of the picture as it is, by which what cannot be is not tried.
    """
    share = size[0] * size[1] / (image.width * image.height)
    is_hopeless = share == 1 or heavy * share > 2 * limits.picture_bytes
    may_stay = image.format == "PNG" and "image/png" in limits.picture_types and not is_hopeless
    known = {QUALITIES[0]} if image.format == "JPEG" and share == 1 else set()
    image.draft(None, size)
    image = plain(image)
    while True:
        scaled = image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)
        if may_stay:
            yield _picture(scaled, "image/png")
            may_stay = False  # what is too heavy now would be a poor picture when it is not
        lightest = heavy
        for quality in (q for q in QUALITIES if q not in known):
            version = _picture(scaled, _lossy(scaled, limits), quality)
            yield version
            lightest = len(version.data)
            if lightest > NEARLY * limits.picture_bytes:
                break
        if max(size) <= SMALLEST:
            return
        known = set()
        size = _next_size(size, limits.picture_bytes / max(1, lightest))


def _next_size(size: tuple[int, int], share: float) -> tuple[int, int]:
    """Return the size to try next.

    :param share: what is allowed of the bytes that it took at this size.
    """
    step = min(MAX_STEP, max(LEAST_STEP, math.sqrt(share)))
    return max(1, int(size[0] * step)), max(1, int(size[1] * step))


def _lossy(image: Image.Image, limits: Limits) -> str:
    """Return the type with loss to try: WebP keeps holes, but takes ten times as long."""
    keeps_holes = image.mode == "RGBA" and max(image.size) <= MAX_WEBP
    can_be_webp = "image/webp" in limits.picture_types
    only_webp = can_be_webp and "image/jpeg" not in limits.picture_types
    return "image/webp" if can_be_webp and (keeps_holes or only_webp) else "image/jpeg"


def _picture(image: Image.Image, mime: str, quality: int = 90) -> Picture:
    shown = solid(image) if mime == "image/jpeg" else image
    return Picture(encode(shown, mime, quality), mime, "", *image.size)


def _moving(image: Image.Image, size: tuple[int, int], frames: int | None) -> Iterator[Picture]:
    """Yield ever smaller versions, with so many frames at most: each then stays for longer."""
    durations, loop = durations_of(image), image.info.get("loop")
    every = math.ceil(len(durations) / frames) if frames else 1
    shown = [sum(durations[start : start + every]) for start in range(0, len(durations), every)]
    for smaller in shrinking(size):
        kept = itertools.islice(frames_of(image, smaller), 0, None, every)
        yield Picture(encode_moving(kept, shown, loop), MOVING, "", *smaller)
