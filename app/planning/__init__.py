"""What is planned ahead: the queue of an account, and the times of the week that feed it."""

from __future__ import annotations

from app.planning import queue, times
from app.planning.queue import NotInQueue, Queued
from app.planning.times import NoTimes

__all__ = ["NoTimes", "NotInQueue", "Queued", "queue", "times"]
