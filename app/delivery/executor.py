"""Executors of a publisher: thread pools that also work with fewer threads than wanted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

SLOTS = 192
"""Calls to the network that one publisher makes in parallel."""
REFRESHES = 16
"""Accounts whose credentials are refreshed in parallel."""
PREPARATIONS = 32
"""Tweets whose pictures are uploaded, or whose mentions are looked up, in parallel."""


class Executor(ThreadPoolExecutor):
    """Starts threads as needed. When the system allows no more, the existing ones do the work."""

    def __init__(self, most: int, name: str) -> None:
        """Start the first thread. Raises RuntimeError when the system allows none."""
        super().__init__(most, thread_name_prefix=name)
        self.submit(int)

    def begin(self, work: Callable[..., None], *args: Any) -> None:
        """Run this soon on one of the threads."""
        with suppress(RuntimeError):  # no more threads allowed: the next free thread takes it
            self.submit(work, *args)


class Executors:
    """All threads of a publisher except its main one; all end with the ``with`` block."""

    def __init__(self, network: str, most: int = SLOTS) -> None:
        """Start the first thread of each pool. Raises RuntimeError if the system allows none.

        :param most: the largest number of threads in one pool that have work.
        """
        self.callers = Executor(min(most, SLOTS), f"{network}-call")
        self.refreshers = Executor(min(most, REFRESHES), f"{network}-refresh")
        self.preparers = Executor(min(most, PREPARATIONS), f"{network}-prepare")

    def __enter__(self) -> Executors:
        """Return the executors."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Wait until their work is done, and end them."""
        for executor in (self.callers, self.refreshers, self.preparers):
            executor.shutdown()
