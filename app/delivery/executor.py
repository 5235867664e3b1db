"""Executors of a publisher: pools of threads that make do with fewer than wanted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

SLOTS = 192
"""Calls of one publisher under way at a time."""
REFRESHES = 16
"""Accounts whose credentials are refreshed at a time."""
PREPARATIONS = 32
"""Tweets whose pictures are uploaded, or whose mentions are looked up, at a time."""


class Executor(ThreadPoolExecutor):
    """Starts threads as they are needed; where the system gives no more, those there are do it."""

    def __init__(self, most: int, name: str) -> None:
        """Start the first thread. Raises RuntimeError when there is none to be had."""
        super().__init__(most, thread_name_prefix=name)
        self.submit(int)

    def begin(self, work: Callable[..., None], *args: Any) -> None:
        """Do this soon, on one of the threads."""
        with suppress(RuntimeError):  # no further thread; it waits for the first that is free
            self.submit(work, *args)


class Executors:
    """All threads of a publisher but its own; none outlives the ``with``."""

    def __init__(self, network: str, most: int = SLOTS) -> None:
        """Start the first of each. Raises RuntimeError when there is none to be had.

        :param most: how many of a kind there is work for.
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
