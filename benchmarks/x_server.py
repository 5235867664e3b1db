"""An X that only counts: ``python x_server.py PORT`` accepts every tweet after a fixed time.

``GET /count`` answers ``{"accepted", "doubled", "at"}``: how many texts came, how many came again,
and the epoch seconds of each.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

LATENCY = 0.1


class Network:
    """What was accepted, by text."""

    def __init__(self) -> None:
        self.accepted: dict[str, list[float]] = {}
        self.calls = 0

    async def create(self, body: bytes) -> tuple[int, Any]:
        """Accept a tweet after the usual time."""
        self.calls += 1
        remote_id = str(10**18 + self.calls)
        text = json.loads(body)["text"]
        await asyncio.sleep(LATENCY)
        self.accepted.setdefault(text, []).append(time.time())
        return 201, {"data": {"id": remote_id, "text": text}}

    def count(self) -> tuple[int, Any]:
        """Say what came."""
        doubled = sum(len(moments) - 1 for moments in self.accepted.values())
        return 200, {"accepted": len(self.accepted), "doubled": doubled, "at": self.accepted}

    async def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """Route one request."""
        if method == "POST" and path == "/2/tweets":
            return await self.create(body)
        if path == "/count":
            return self.count()
        if path.startswith("/2/users/me"):
            return 200, {"data": {"id": "1", "username": "bench"}}
        return 404, {"title": "Not Found"}


async def serve(network: Network, reader: Any, writer: Any) -> None:
    """Answer one connection's requests, one after the other."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.decode("latin-1").split("\r\n")
            method, path, _ = lines[0].split(" ")
            length = next(
                (int(x.split(":")[1]) for x in lines if x.lower().startswith("content-length:")), 0
            )
            status, data = await network.answer(method, path, await reader.readexactly(length))
            payload = json.dumps(data).encode()
            writer.write(
                b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                % (status, len(payload), payload)
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(port: int) -> None:
    """Listen on loopback for ever."""
    network = Network()
    server = await asyncio.start_server(
        lambda reader, writer: serve(network, reader, writer), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
