"""Create calls for tests that have no event loop of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from app.networks import http
from app.networks.base import Body, Credentials, Network, Outcome

T = TypeVar("T")
Call = Callable[..., http.Response]


def created(network: Network, credentials: Credentials, body: Body, start_by: float) -> Outcome:
    """Return the outcome of one create call, made on an event loop that then ends."""

    async def publish() -> Outcome:
        try:
            return await network.create(credentials, body, start_by)
        finally:
            await http.close()

    return finish(publish())


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns, on an event loop that then ends.

    The loop has a thread of its own: in this one another may run, as while a browser is open.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@contextmanager
def sending() -> Iterator[Call]:
    """Give a blocking form of ``http.send``; its calls share an event loop, and so connections."""
    with ThreadPoolExecutor(1) as thread:
        runner = asyncio.Runner()

        def send(*args: Any, **content: Any) -> http.Response:
            return thread.submit(runner.run, http.send(*args, **content)).result()

        try:
            yield send
        finally:
            thread.submit(runner.run, http.close()).result()
            thread.submit(runner.close).result()
