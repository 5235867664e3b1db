"""Create calls for tests that have no event loop of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from app.networks import http
from app.networks.base import Body, Credentials, Network, Outcome

Call = Callable[..., http.Response]


def created(network: Network, credentials: Credentials, body: Body, start_by: float) -> Outcome:
    """Return the outcome of one create call, made on an event loop that then ends."""

    async def publish() -> Outcome:
        try:
            return await network.create(credentials, body, start_by)
        finally:
            await http.close()

    return asyncio.run(publish())


@contextmanager
def sending() -> Iterator[Call]:
    """Give a blocking form of ``http.send``; its calls share an event loop, and so connections."""
    with asyncio.Runner() as runner:

        def send(*args: Any, **content: Any) -> http.Response:
            return runner.run(http.send(*args, **content))

        yield send
        runner.run(http.close())
