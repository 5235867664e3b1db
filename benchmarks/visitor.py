"""People with kept connections, who sign in at the counting X and cost almost no CPU themselves."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests

TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')


@dataclass
class Visitor:
    """Somebody who is signed in, and how long the answers to them took in seconds."""

    site: str
    cookies: str
    csrf_token: str
    took: list[float] = field(default_factory=list)

    def request(
        self, method: str, path: str, body: object = None, accept: str = "application/json"
    ) -> bytes:
        """Return a whole HTTP request.

        :param accept: the value of ``Accept``; further lines of it are further headers.
        """
        payload = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {urlsplit(self.site).netloc}\r\n"
            f"Accept: {accept}\r\nCookie: {self.cookies}\r\n"
            f"X-CSRFToken: {self.csrf_token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(payload)}\r\n\r\n"
        )
        return head.encode() + payload


def sign_in(site: str) -> Visitor:
    """Walk through the consent of the counting X as a new person."""
    with requests.Session() as session:
        page = session.get(f"{site}/login/x", timeout=30)
        page.raise_for_status()
        token = TOKEN.search(page.text)
        if token is None:
            raise RuntimeError(f"nobody was signed in at {page.url}")
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in session.cookies)
        return Visitor(site, cookies, token[1])


def ask_many(
    visitors: Sequence[Visitor],
    make: Callable[[Visitor], bytes],
    requests_each: int,
    expected: int,
    pause: float = 0,
) -> list[float]:
    """Let all ask at the same time, each again when it was answered; return seconds per answer.

    :param pause: seconds from one request of a visitor to its next; 0 means at once.
    :raises RuntimeError: an answer had another status than expected.
    """

    async def all_of_them() -> None:
        shift = pause / len(visitors)
        await asyncio.gather(
            *(
                _ask(visitor, make, requests_each, expected, pause, number * shift)
                for number, visitor in enumerate(visitors)
            )
        )

    for visitor in visitors:
        visitor.took.clear()
    asyncio.run(all_of_them())
    return [seconds for visitor in visitors for seconds in visitor.took]


async def _ask(
    visitor: Visitor,
    make: Callable[[Visitor], bytes],
    times: int,
    expected: int,
    pause: float,
    delay: float,
) -> None:
    url = urlsplit(visitor.site)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    following = time.perf_counter() + delay
    for _ in range(times):
        if pause:
            await asyncio.sleep(max(0.0, following - time.perf_counter()))
            following += pause
        begin = time.perf_counter()
        writer.write(make(visitor))
        status = await answer_on(reader)
        visitor.took.append(time.perf_counter() - begin)
        if status != expected:
            raise RuntimeError(f"{visitor.site} answered {status} instead of {expected}")
    writer.close()


async def answer_on(reader: asyncio.StreamReader) -> int:
    """Read one whole answer; return its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    if found is None:
        raise RuntimeError("an answer without a length")
    await reader.readexactly(int(found[1]))
    return int(head.split(b" ", 2)[1])
