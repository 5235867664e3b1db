"""Tweets go first: what can wait steps aside while this process publishes. A leaf."""

from __future__ import annotations

import threading

_nothing_to_publish = threading.Event()
_nothing_to_publish.set()


def note_publishing(is_busy: bool) -> None:
    """Say whether this process has tweets to publish."""
    if is_busy:
        _nothing_to_publish.clear()
    else:
        _nothing_to_publish.set()


def step_aside(seconds: float) -> None:
    """Wait until this process publishes nothing, but no longer than so many seconds."""
    _nothing_to_publish.wait(seconds)
