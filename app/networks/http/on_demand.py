"""Create calls, loaded by the first of them.

aiohttp takes 6 MiB in every process that has it, and those that serve pages make no create call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from app.networks.http.calls import Response

T = TypeVar("T")
_POOL = "app.networks.http.pool"


def send(method: str, url: str, **content: Any) -> Coroutine[Any, Any, Response]:
    """Make one create call; ``creates.send`` says what it takes and raises."""
    from app.networks.http import creates  # here: see above

    return creates.send(method, url, **content)


def in_thread(wait: Callable[..., T], *args: Any) -> Coroutine[Any, Any, T]:
    """Run what waits for other calls in a thread, so that the event loop does not wait."""
    from app.networks.http import creates  # here: see above

    return creates.in_thread(wait, *args)


async def close() -> None:
    """Close the connections of the running event loop, before the loop itself is closed."""
    if _POOL in sys.modules:
        from app.networks.http import pool  # here: see above

        await pool.close()
