"""The work queue of a publisher: ids to publish, and results of what it began."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from threading import Condition, Event
from typing import Generic, TypeVar

Item = TypeVar("Item")

MAX_WAITING = 20_000
STUCK_SECONDS = 1.0
"""After this time without any answer of the network, nobody waits for room any more."""


class WorkQueue(Generic[Item]):
    """Waiting ids without duplicates, and finished items; safe to use from any thread."""

    def __init__(self, stopping: Event) -> None:
        self._stopping = stopping
        self._news = Condition()
        self._ids: dict[str, None] = {}
        self._done: deque[Item] = deque()
        self._moved_at = time.monotonic()

    @property
    def is_empty(self) -> bool:
        """True when nothing waits and nothing is done."""
        return not (self._ids or self._done)

    @property
    def has_ids(self) -> bool:
        """True when ids wait."""
        return bool(self._ids)

    @property
    def has_done(self) -> bool:
        """True when finished items wait to be taken out."""
        return bool(self._done)

    def put(self, job_ids: Iterable[str]) -> None:
        """Add ids to the queue; those that do not fit become due again later."""
        with self._news:
            if not self._ids:
                self._moved_at = time.monotonic()  # it was idle until now, so it is not stuck
            if len(self._ids) < MAX_WAITING:
                self._ids.update(dict.fromkeys(job_ids))
                self._news.notify_all()

    def wait_for_room(self, crowd: int, seconds: float) -> bool:
        """Wait until few ids wait, as long as there is progress; False if it stays full."""
        ends = time.monotonic() + seconds
        with self._news:
            while len(self._ids) >= crowd:
                left = min(ends, self._moved_at + STUCK_SECONDS) - time.monotonic()
                if left <= 0 or self._stopping.is_set():
                    return False
                self._news.wait(left)
        return True

    def finish(self, item: Item) -> None:
        """Add a finished item."""
        with self._news:
            self._done.append(item)
            self._moved_at = time.monotonic()
            self._news.notify_all()

    def take_done(self) -> list[Item]:
        """Remove and return all finished items."""
        with self._news:
            done, self._done = list(self._done), deque()
        return done

    def take_ids(self, count: int) -> list[str]:
        """Remove and return the ids that have waited longest, at most this many."""
        with self._news:
            job_ids = list(self._ids)[: max(0, count)]
            for job_id in job_ids:
                del self._ids[job_id]
                self._moved_at = time.monotonic()
            self._news.notify_all()
        return job_ids

    def clear(self) -> None:
        """Remove all ids; they become due again later."""
        with self._news:
            self._ids.clear()
            self._news.notify_all()

    def wait(self, is_enough: Callable[[], bool], seconds: float) -> None:
        """Wait until the condition holds or the time is over."""
        with self._news:
            self._news.wait_for(is_enough, seconds)
