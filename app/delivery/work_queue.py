"""The work queue of a publisher: ids to publish, by server, and results of what it began."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from threading import Condition, Event
from typing import Generic, TypeVar

from app.networks import Destination

Item = TypeVar("Item")

MAX_WAITING = 20_000
STUCK_SECONDS = 1.0
"""After this time without any answer of a network, nobody waits for room any more."""


class WorkQueue(Generic[Item]):
    """Waiting ids without duplicates, and finished items; safe to use from any thread.

    A server that had no room for all of its ids is *full* until ids are taken again. Its ids count
    neither as work nor as a crowd, so nobody waits for a server that does not answer.
    """

    def __init__(self, stopping: Event) -> None:
        self._stopping = stopping
        self._news = Condition()
        self._ids: dict[Destination, dict[str, None]] = {}
        self._unknown: dict[str, None] = {}
        self._full: set[Destination] = set()
        self._waiting = 0
        self._done: deque[Item] = deque()
        self._moved_at = time.monotonic()

    @property
    def is_empty(self) -> bool:
        """True when nothing waits and nothing is done."""
        return not (self._ids or self._unknown or self._done)

    @property
    def has_done(self) -> bool:
        """True when finished items wait to be taken out."""
        return bool(self._done)

    @property
    def has_ids(self) -> bool:
        """True when ids wait, whether their server has room or not."""
        return bool(self._ids or self._unknown)

    @property
    def has_work(self) -> bool:
        """True when there are finished items, or ids of a server that has room."""
        return bool(self._done or self._unknown or self._ids.keys() - self._full)

    def put(self, job_ids: Iterable[str], servers: Mapping[str, Destination]) -> None:
        """Add ids to the queue; those that do not fit become due again later.

        :param servers: the server of each id, as far as it is known.
        """
        with self._news:
            if not self.has_ids:
                self._moved_at = time.monotonic()  # it was idle until now, so it is not stuck
            for job_id in job_ids:
                if self._waiting >= MAX_WAITING:
                    break
                self._add(job_id, servers.get(job_id))
            self._news.notify_all()

    def _add(self, job_id: str, server: Destination | None) -> None:
        ids = self._unknown if server is None else self._ids.setdefault(server, {})
        self._waiting += job_id not in ids
        ids[job_id] = None

    def wait_for_room(self, crowd: int, seconds: float) -> bool:
        """Wait until few ids wait, as long as there is progress; False if it stays crowded."""
        ends = time.monotonic() + seconds
        with self._news:
            while self._is_crowded(crowd):
                left = min(ends, self._moved_at + STUCK_SECONDS) - time.monotonic()
                if left <= 0 or self._stopping.is_set():
                    return False
                self._news.wait(left)
        return True

    def _is_crowded(self, crowd: int) -> bool:
        if self._waiting < crowd:
            return False
        stuck = sum(len(self._ids[server]) for server in self._full if server in self._ids)
        return self._waiting - stuck >= crowd

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

    def take_unknown(self) -> list[str]:
        """Remove and return the ids whose server has to be looked up first."""
        with self._news:
            job_ids, self._unknown = list(self._unknown), {}
            self._waiting -= len(job_ids)
        return job_ids

    def take_ids(self, count: int, room_of: Callable[[Destination], int]) -> list[str]:
        """Remove and return ids that have waited longest, at most ``count``.

        :param room_of: how many more a server may get. Servers take turns at being asked first.
        """
        taken: list[str] = []
        with self._news:
            self._full.clear()
            for server in list(self._ids):
                room = max(0, min(room_of(server), count - len(taken)))
                chosen = list(islice(self._ids[server], room))
                taken += chosen
                self._remove(server, chosen)
            if taken:
                self._moved_at = time.monotonic()
            self._news.notify_all()
        return taken

    def _remove(self, server: Destination, chosen: Sequence[str]) -> None:
        ids = self._ids[server]
        for job_id in chosen:
            del ids[job_id]
        self._waiting -= len(chosen)
        if chosen:
            del self._ids[server]
        if ids:
            self._full.add(server)
            self._ids[server] = ids  # after some were taken, the others come first the next time

    def clear(self) -> None:
        """Remove all ids; they become due again later."""
        with self._news:
            self._ids.clear()
            self._unknown.clear()
            self._waiting = 0
            self._news.notify_all()

    def wait(self, is_enough: Callable[[], bool], seconds: float) -> None:
        """Wait until the condition holds or the time is over."""
        with self._news:
            self._news.wait_for(is_enough, seconds)
