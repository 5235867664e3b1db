"""Thousands of Mastodon servers in one process: ``python -m benchmarks.mastodon_server PORT``.

Each is an address of its own in 127.0.0.0/8, on the same port (Linux alone answers on all of
them). They accept posts as x_server.py does, each with its own key once, and tell an account what
it has posted. ``GET /count``, ``GET /progress`` and ``DELETE /count`` speak of all of them, and
``PUT /hanging`` names the addresses that hang from now on: they take a request, answer nothing, and
end the connection after half a minute. ``most_held`` of ``/count`` is how many requests one of
these had at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from benchmarks.x_server import Network, Request, serve

HANGS = 30.0
WAITING = 4_096
"""Connections that wait to be accepted."""


class MastodonServers(Network):
    """What all servers accepted, by text."""

    def __init__(self) -> None:
        super().__init__()
        self._hanging: set[str] = set()
        self._held: Counter[str] = Counter()
        self._most_held = 0
        self._by_key: dict[str, asyncio.Task[dict[str, Any]]] = {}
        self._posts: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)

    def count(self) -> tuple[int, Any]:
        """Say what came: the same key again is no second post."""
        status, seen = super().count()
        return status, {**seen, "most_held": self._most_held}

    def forget(self) -> tuple[int, Any]:
        """Begin again; nobody hangs."""
        self._hanging, self._most_held = set(), 0
        self._by_key.clear()
        self._posts.clear()
        return super().forget()

    async def answer(self, request: Request) -> tuple[int, Any]:
        """Route one request."""
        path = urlsplit(request.target).path
        if path == "/hanging":
            self._hanging = set(json.loads(request.body))
            return 200, {}
        if path in {"/count", "/progress"}:
            return await super().answer(request)
        if request.address in self._hanging:
            await self._hang(request)
        if path == "/api/v1/statuses" and request.method == "POST":
            return 200, await self._post(request)
        if path.endswith("/statuses"):
            return 200, self._posts[request.token]
        return 404, {"error": "Record not found"}

    async def _post(self, request: Request) -> dict[str, Any]:
        key = request.headers.get("idempotency-key", "")
        if key not in self._by_key:
            self._by_key[key] = asyncio.create_task(self._made(request))
        return await asyncio.shield(self._by_key[key])

    async def _made(self, request: Request) -> dict[str, Any]:
        text = json.loads(request.body)["status"]
        made_at = datetime.now(UTC).isoformat()
        status = {"id": await self.accept(text), "created_at": made_at, "content": text}
        self._posts[request.token].insert(0, status)
        return status

    async def _hang(self, request: Request) -> None:
        """Answer nothing until the client or half a minute is gone. Raises ConnectionError."""
        held, address = self._held, request.address
        held[address] += 1
        self._most_held = max(self._most_held, held[address])
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(request.reader.read(1), HANGS)
        finally:
            held[address] -= 1
        raise ConnectionError("a server that hangs")


def address_of(number: int) -> str:
    """Return the address of a server, from 0 up."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


async def main(port: int) -> None:
    """Listen on every address of loopback for ever, and on no other."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    servers = MastodonServers()

    async def admit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if str(writer.get_extra_info("sockname")[0]).startswith("127."):
            await serve(servers, reader, writer)
        else:
            writer.close()

    server = await asyncio.start_server(admit, "0.0.0.0", port, backlog=WAITING)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
