"""What is planned ahead: drafts, the queue of an account, the times of the week that feed it."""

from __future__ import annotations

from app.planning import drafts, queue, times
from app.planning.drafts import DraftGone, TooManyDrafts
from app.planning.queue import NotInQueue, Queued
from app.planning.times import NoTimes

__all__ = [
    "DraftGone",
    "NoTimes",
    "NotInQueue",
    "Queued",
    "TooManyDrafts",
    "drafts",
    "queue",
    "times",
]
