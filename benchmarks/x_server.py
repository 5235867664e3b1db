"""An X that only counts: ``python -m benchmarks.x_server PORT`` accepts tweets after a fixed time.

``GET /count`` answers ``{"accepted", "doubled", "at", "arrived"}``: how many texts came, how many
came again, and the epoch seconds at which each was accepted and at which its request arrived.
``GET /progress`` answers the first alone, and ``DELETE /count`` forgets them all. It consents to
every sign-in at once, each time as somebody else.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

LATENCY = 0.1


@dataclass(frozen=True, slots=True)
class Request:
    """One request, and the connection on which it came."""

    method: str
    target: str
    headers: dict[str, str]
    """In small letters, their values, too."""
    body: bytes
    reader: asyncio.StreamReader
    address: str
    """The address of this machine that was called."""

    @property
    def token(self) -> str:
        """Who asks."""
        return self.headers.get("authorization", "").removeprefix("bearer ")


class Answers(Protocol):
    """What a server is made of."""

    async def answer(self, request: Request) -> tuple[int, Any]:
        """Return status and JSON; of a 302 where to go. ConnectionError ends the connection."""


class Network:
    """What was accepted, by text."""

    def __init__(self) -> None:
        self.calls = 0
        self.sign_ins = 0
        self.accepted: dict[str, list[float]] = {}
        self.arrived: dict[str, list[float]] = {}

    async def accept(self, text: str) -> str:
        """Accept a tweet after the usual time; return its id."""
        self.calls += 1
        remote_id = str(10**18 + self.calls)
        self.arrived.setdefault(text, []).append(time.time())
        await asyncio.sleep(LATENCY)
        self.accepted.setdefault(text, []).append(time.time())
        return remote_id

    def count(self) -> tuple[int, Any]:
        """Say what came."""
        doubled = sum(len(moments) - 1 for moments in self.arrived.values())
        moments = {"at": self.accepted, "arrived": self.arrived}
        return 200, {"accepted": len(self.accepted), "doubled": doubled, **moments}

    def forget(self) -> tuple[int, Any]:
        """Begin again."""
        self.accepted, self.arrived = {}, {}
        return 200, {}

    def consent(self, query: dict[str, list[str]]) -> tuple[int, Any]:
        """Send a new person back, signed in."""
        self.sign_ins += 1
        answer = urlencode({"code": f"person{self.sign_ins}", "state": query["state"][0]})
        return 302, f"{query['redirect_uri'][0]}?{answer}"

    async def answer(self, request: Request) -> tuple[int, Any]:
        """Route one request."""
        url, token = urlsplit(request.target), request.token
        if request.method == "POST" and url.path == "/2/tweets":
            text = json.loads(request.body)["text"]
            return 201, {"data": {"id": await self.accept(text), "text": text}}
        if url.path == "/count":
            return self.forget() if request.method == "DELETE" else self.count()
        if url.path == "/progress":
            return 200, {"accepted": len(self.accepted)}
        if url.path == "/authorize":
            return self.consent(parse_qs(url.query))
        if url.path == "/2/oauth2/token":
            code = parse_qs(request.body.decode())["code"][0]
            return 200, {"access_token": code, "token_type": "bearer", "expires_in": 7200}
        if url.path == "/2/users/me":
            return 200, {"data": {"id": token, "username": token, "name": token}}
        return 404, {"title": "Not Found"}


async def serve(
    network: Answers, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer one connection's requests, one after the other."""
    address = str(writer.get_extra_info("sockname")[0])
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            first, *lines = head.decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ")
            headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            request = Request(method, target, headers, body, reader, address)
            writer.write(_encode(*await network.answer(request)))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def _encode(status: int, data: Any) -> bytes:
    place = f"Location: {data}\r\n" if status == 302 else ""
    payload = b"" if status == 302 else json.dumps(data).encode()
    return (
        f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\n{place}"
        f"Content-Length: {len(payload)}\r\n\r\n"
    ).encode() + payload


async def main(port: int) -> None:
    """Listen on loopback for ever."""
    network = Network()
    server = await asyncio.start_server(
        lambda reader, writer: serve(network, reader, writer), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
