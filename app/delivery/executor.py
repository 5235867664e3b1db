"""What a publisher hands its work to: an event loop for calls, and pools of threads for the rest.

The pools also work with fewer threads than wanted.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from app.networks import http

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


class CallLoop:
    """An event loop on a thread of its own, on which any number of calls run side by side."""

    def __init__(self, name: str) -> None:
        """Start the thread. Raises RuntimeError when the system allows none."""
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._loop.close()
            raise

    def begin(
        self, work: Callable[..., Coroutine[Any, Any, None]], calls: Iterable[tuple[Any, ...]]
    ) -> None:
        """Run ``work(*arguments)`` for each of these tuples of arguments, all at once."""
        self._loop.call_soon_threadsafe(self._begin, work, calls)

    def shutdown(self) -> None:
        """Wait until all calls have ended, close their connections, and end the thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _begin(
        self, work: Callable[..., Coroutine[Any, Any, None]], calls: Iterable[tuple[Any, ...]]
    ) -> None:
        for arguments in calls:
            task = self._loop.create_task(work(*arguments))
            self._running.add(task)  # the loop itself would let it be collected half-way
            task.add_done_callback(self._running.discard)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._work())

    async def _work(self) -> None:
        await self._stopping.wait()
        while self._running:
            await asyncio.wait(self._running)
        await http.close()


class Executors:
    """All threads of a publisher except its main one; all end with the ``with`` block."""

    def __init__(self) -> None:
        """Start the first thread of each. Raises RuntimeError if the system allows none."""
        self.callers = CallLoop("calls")
        self.refreshers = Executor(REFRESHES, "refresh")
        self.preparers = Executor(PREPARATIONS, "prepare")

    def __enter__(self) -> Executors:
        """Return the executors."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Wait until their work is done, and end them."""
        for executor in (self.callers, self.refreshers, self.preparers):
            executor.shutdown()
