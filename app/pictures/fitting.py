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
    SMALLEST,
    durations_of,
    encode,
    encode_moving,
    frames_of,
    plain,
    shrinking,
    solid,
    times,
    within,
)
from app.pictures.fair_queue import turns

QUALITIES = (90, 80, 70)
LEAST_STEP, MAX_STEP = 0.4, 0.85
"""Limits of the factor for each side, when even the lowest quality gives too many bytes."""
NEARLY = 3
"""Up to this factor over the allowed bytes, lower qualities are tried at the same size."""


def fitted(picture: Picture, limits: Limits, person: int = 0) -> Picture:
    """Return the picture in a form that the network accepts; equal input gives equal output.

    A moving picture is never turned into a still one without its owner's knowledge.

    :param person: the id of the picture's owner, for the turns between people.
    :raises UploadRefused: picture_moves (the network shows no moving pictures),
        picture_does_not_fit, or alt_too_long (we never cut a description).
    """
    if problem := problem_of(picture.mime, limits):
        raise UploadRefused(problem)
    if len(picture.alt) > limits.alt_length:
        raise UploadRefused("alt_too_long")
    if _fits(picture, limits):
        return picture
    with turns.turn(person, is_due=True), Image.open(io.BytesIO(picture.data)) as image:
        side = limits.picture_side
        size = within(image.size, limits.picture_pixels, side, side)
        if picture.mime == MOVING:
            versions = _moving(image, _in_box(size, limits), limits.moving_frames)
        else:
            versions = _still(image, size, limits, len(picture.data))
        for version in versions:
            if _fits(version, limits):
                return replace(version, alt=picture.alt)
    raise UploadRefused("picture_does_not_fit")


def problem_of(mime: str, limits: Limits) -> str | None:
    """Return why no picture of this type can go there, None if it can."""
    return "picture_moves" if mime == MOVING and MOVING not in limits.picture_types else None


def _fits(picture: Picture, limits: Limits) -> bool:
    size, moves = (picture.width, picture.height), picture.mime == MOVING
    if moves and (size != _in_box(size, limits) or _has_too_many_frames(picture, limits)):
        return False
    most = limits.moving_bytes if moves else None
    return (
        picture.mime in limits.picture_types
        and len(picture.data) <= (most or limits.picture_bytes)
        and (limits.picture_pixels is None or size[0] * size[1] <= limits.picture_pixels)
        and (limits.picture_side is None or max(size) <= limits.picture_side)
    )


def _has_too_many_frames(picture: Picture, limits: Limits) -> bool:
    if limits.moving_frames is None:
        return False
    with Image.open(io.BytesIO(picture.data)) as image:
        return getattr(image, "n_frames", 1) > limits.moving_frames


def _in_box(size: tuple[int, int], limits: Limits) -> tuple[int, int]:
    """Return a size at which a moving picture is neither too wide nor too high."""
    return within(size, width=limits.moving_width, height=limits.moving_height)


def _still(
    image: Image.Image, size: tuple[int, int], limits: Limits, heavy: int
) -> Iterator[Picture]:
    """Yield smaller and smaller versions: first lossless, then lossy, then with fewer pixels.

    :param heavy: the picture's current size in bytes; used to skip versions that cannot fit.
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
            may_stay = False  # a PNG small enough to fit would have too few pixels
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

    :param share: allowed bytes divided by the bytes at the current size.
    """
    step = min(MAX_STEP, max(LEAST_STEP, math.sqrt(share)))
    return times(size, step)


def _lossy(image: Image.Image, limits: Limits) -> str:
    """Return the lossy type to try: WebP keeps transparency, but takes ten times as long."""
    keeps_holes = image.mode == "RGBA" and max(image.size) <= MAX_WEBP
    can_be_webp = "image/webp" in limits.picture_types
    only_webp = can_be_webp and "image/jpeg" not in limits.picture_types
    return "image/webp" if can_be_webp and (keeps_holes or only_webp) else "image/jpeg"


def _picture(image: Image.Image, mime: str, quality: int = 90) -> Picture:
    shown = solid(image) if mime == "image/jpeg" else image
    return Picture(encode(shown, mime, quality), mime, "", *image.size)


def _moving(image: Image.Image, size: tuple[int, int], frames: int | None) -> Iterator[Picture]:
    """Yield smaller and smaller versions with at most this many frames, each shown for longer."""
    durations, loop = durations_of(image), image.info.get("loop")
    every = math.ceil(len(durations) / frames) if frames else 1
    shown = [sum(durations[start : start + every]) for start in range(0, len(durations), every)]
    for smaller in shrinking(size):
        kept = itertools.islice(frames_of(image, smaller), 0, None, every)
        yield Picture(encode_moving(kept, shown, loop), MOVING, "", *smaller)
