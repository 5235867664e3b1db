"""Threads for a lane's calls, that make do with fewer than wanted; a leaf."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any


class Crew(ThreadPoolExecutor):
    """Starts threads as they are needed; where the system gives no more, those there are do it."""

    def __init__(self, most: int, name: str) -> None:
        """Start the first thread. Raises RuntimeError when there is none to be had."""
        super().__init__(most, thread_name_prefix=name)
        self.submit(int)

    def begin(self, work: Callable[..., None], *args: Any) -> None:
        """Do this soon, on one of the threads."""
        with suppress(RuntimeError):  # no further thread; it waits for the first that is free
            self.submit(work, *args)
