"""What is planned ahead: drafts, the queue of an account, series, pools, and presets."""

from __future__ import annotations

from app.planning import ahead, drafts, pools, presets, queue, recurrence, repeating, times
from app.planning.ahead import make_due
from app.planning.drafts import DraftGone, TooManyDrafts
from app.planning.pools import TooManyPools, feed_due
from app.planning.presets import PresetProblem, Wanted
from app.planning.queue import NotInQueue, Queued
from app.planning.recurrence import RecurrenceProblem
from app.planning.repeating import Wish
from app.planning.times import NoTimes

__all__ = [
    "DraftGone",
    "NoTimes",
    "NotInQueue",
    "PresetProblem",
    "Queued",
    "RecurrenceProblem",
    "TooManyDrafts",
    "TooManyPools",
    "Wanted",
    "Wish",
    "ahead",
    "drafts",
    "feed_due",
    "make_due",
    "pools",
    "presets",
    "queue",
    "recurrence",
    "repeating",
    "times",
]
