"""One connection: what has come, what is answered, how long anybody waits."""

from __future__ import annotations

import enum
import re
import select
import socket
import time
from collections.abc import Hashable
from typing import Any

from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    NoMoreData,
    ParseException,
)
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from app.server.bodies import Body

MAX_HEAD = 32 * 1024
MAX_KEPT = 1024 * 1024
"""Bytes of an answer that are kept for a slow reader; pages are far shorter."""
MAX_STALL, MIN_TAKEN = 20.0, 256 * 1024
"""Whoever takes fewer bytes of a long answer in so many seconds is gone, as a thread waits."""
HEAD_PIECE, PIECE = 16 * 1024, 64 * 1024
"""The most bytes that are read at once while a head is awaited, and a body."""
BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
STATUSES = {LimitRequestLine: 414, LimitRequestHeaders: 431, ExpectationFailed: 417}
"""What else than 400 is answered to a head that cannot be read."""


class Stage(enum.Enum):
    """What happens next on a connection; the value says how soon it gives way to others."""

    HEAD = ("head", 8)
    IDLE = ("idle", 1)
    BODY = ("body", 1)
    ROOM = ("room", 1)
    WRITING = ("writing", 2)
    LINGER = ("linger", 8)
    WORK = ("work", 0)

    @property
    def weight(self) -> int:
        """How much its age counts when one must go; 0 for never."""
        return self.value[1]


class BadHead(Exception):
    """A head that is refused as it is."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class ClientGone(Exception):
    """Nobody is there any more to take an answer."""


class Output:
    """Takes an answer and never blocks: what the network does not take yet is kept.

    One thread at a time: the one that answers, then the loop.
    """

    def __init__(self, sock: socket.socket, max_stall: float = MAX_STALL) -> None:
        self._sock = sock
        self._max_stall = max_stall
        self._kept = bytearray()
        self._slow_since: tuple[float, int] | None = None
        """Since when a thread waits for a slow reader, and what had left by then."""
        self.sent = 0
        """Bytes that have left."""

    def __len__(self) -> int:
        return len(self._kept)

    def sendall(self, data: bytes) -> None:
        """Keep, and send when enough has come together; as gunicorn writes.

        :raises ClientGone: nobody takes it any more.
        """
        self._kept += data
        if len(self._kept) >= PIECE:
            self.flush()

    def flush(self) -> None:
        """Send what the network takes now.

        :raises ClientGone: nobody takes it any more.
        """
        while self._kept:
            try:
                with memoryview(self._kept) as kept:
                    count = self._sock.send(kept[: 4 * PIECE])
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                raise ClientGone from error
            del self._kept[:count]
            self.sent += count

    def wait_for_room(self) -> None:
        """Wait while much of a long answer is kept here: a file of any size takes little memory.

        :raises ClientGone: nobody takes it any more, or too slowly (``MAX_STALL``).
        """
        if len(self._kept) <= MAX_KEPT:
            self._slow_since = None
        while len(self._kept) > MAX_KEPT:
            begin, sent = self._slow_since = self._slow_since or (time.monotonic(), self.sent)
            left = begin + self._max_stall - time.monotonic()
            if left <= 0 and self.sent - sent < MIN_TAKEN:
                raise ClientGone
            if left <= 0:
                self._slow_since = None
            elif select.select([], [self._sock], [], left)[1]:
                self.flush()

    def forget(self) -> None:
        """Drop what has not left yet."""
        self._kept.clear()


class Connection:
    """A client's connection, and the request that is under way on it."""

    def __init__(self, sock: socket.socket, client: Any, server: Any, now: float) -> None:
        self.sock = sock
        self.client = client
        self.server = server
        self.output = Output(sock)
        self.stage = Stage.HEAD
        self.since = now
        """When its stage began, by the monotonic clock."""
        self.deadline = now
        self.events = 0
        """What the poller watches it for."""
        self.buffer = bytearray()
        """What has come and was not taken yet."""
        self._looked_at = 0
        self.requests = 0
        self.request: Any = None
        self.body: Body | None = None
        self.person: Hashable = None
        """Whose large body this is; None for no large body."""
        self.has_room = False
        """True while it takes one of the places for large bodies."""
        self.limit: tuple[int | None, int] = (0, 0)
        """The length that a large body says it has, and the most that it may have."""
        self.expects = False
        """True when the client waits to be told to send its body."""
        self.refusal = 0
        """The status with which the request is refused."""
        self.last = False
        """True when the connection ends with this answer."""

    def take_head(self, cfg: Any) -> Any:
        """Return gunicorn's Request when a whole head is here, else None.

        :raises BadHead: it is none, or too long.
        """
        if self.buffer.startswith(b"\r\n"):
            del self.buffer[:2]  # an empty line between requests says nothing
        start = max(0, self._looked_at - 3)
        end = self.buffer.find(b"\r\n\r\n", start)
        self._looked_at = len(self.buffer)
        if end < 0:
            if BARE_LINE_FEED.search(self.buffer, start):
                raise BadHead(400, "bare line feed")
            if len(self.buffer) > MAX_HEAD:
                raise BadHead(431, "too long")
            return None
        if end > MAX_HEAD:
            raise BadHead(431, "too long")
        head = bytes(self.buffer[: end + 4])
        del self.buffer[: end + 4]
        self._looked_at = 0
        self.requests += 1
        try:
            return Request(cfg, IterUnreader([head]), self.client, self.requests)
        except (ParseException, NoMoreData, StopIteration, ValueError) as error:
            status = STATUSES.get(type(error), 400)
            raise BadHead(status, type(error).__name__) from error

    def feed_body(self) -> None:
        """Give the body what has come of it.

        :raises TooLarge, Unreadable: as Body says.
        """
        assert self.body is not None
        data, self.buffer = bytes(self.buffer), bytearray()
        self.buffer += self.body.feed(data)

    def end_request(self) -> None:
        """Forget the request that was answered."""
        if self.body is not None:
            self.body.close()
        self.request = self.body = self.person = None
        self.refusal = 0
