"""Pictures of tweets: inspected, re-encoded, fitted to each network, stored and deleted."""

from __future__ import annotations

from app.pictures import storage
from app.pictures.encoding import make_square
from app.pictures.fair_queue import turns
from app.pictures.inspection import MAX_BYTES
from app.pictures.lifecycle import (
    MAX_LOAD_SECONDS,
    FileMissing,
    FilesAway,
    PictureRefused,
    accept,
    discard,
    load,
    load_fitted,
    process,
    process_next,
    sweep,
    thumb,
)
from app.pictures.retention import accounts_showing, look_again_soon

__all__ = [
    "MAX_BYTES",
    "MAX_LOAD_SECONDS",
    "FileMissing",
    "FilesAway",
    "PictureRefused",
    "accept",
    "accounts_showing",
    "discard",
    "load",
    "load_fitted",
    "look_again_soon",
    "make_square",
    "process",
    "process_next",
    "storage",
    "sweep",
    "thumb",
    "turns",
]
