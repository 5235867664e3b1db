"""What is planned ahead: drafts, the queue of an account with its times, series, and pools."""

from __future__ import annotations

from app.planning import ahead, drafts, pools, queue, recurrence, repeating, times
from app.planning.ahead import make_due
from app.planning.drafts import DraftGone, TooManyDrafts
from app.planning.pools import TooManyPools, feed_due
from app.planning.queue import NotInQueue, Queued
from app.planning.recurrence import RecurrenceProblem
from app.planning.repeating import Wish
from app.planning.times import NoTimes

__all__ = [
    "DraftGone",
    "NoTimes",
    "NotInQueue",
    "Queued",
    "RecurrenceProblem",
    "TooManyDrafts",
    "TooManyPools",
    "Wish",
    "ahead",
    "drafts",
    "feed_due",
    "make_due",
    "pools",
    "queue",
    "recurrence",
    "repeating",
    "times",
]
