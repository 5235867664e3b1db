"""Pictures of tweets: inspected, re-encoded, fitted to each network, stored and deleted."""

from __future__ import annotations

from app.pictures import storage
from app.pictures.encoding import make_square
from app.pictures.fair_queue import turns
from app.pictures.inspection import MAX_BYTES, PictureRefused
from app.pictures.lifecycle import accept, load_fitted, process_next, sweep, thumb
from app.pictures.retention import accounts_showing, discard, forget_all, look_again_soon
from app.pictures.storage import FileMissing, FilesAway

__all__ = [
    "MAX_BYTES",
    "FileMissing",
    "FilesAway",
    "PictureRefused",
    "accept",
    "accounts_showing",
    "discard",
    "forget_all",
    "load_fitted",
    "look_again_soon",
    "make_square",
    "process_next",
    "storage",
    "sweep",
    "thumb",
    "turns",
]
