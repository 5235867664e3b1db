"""The call that a connection carries, and sockets that end with it."""

from __future__ import annotations

import io
import ssl
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

Resolve = Callable[[str, int, float], list[str]]
"""Name, port and seconds it may take: every address; OSError when there is none in time."""


@dataclass
class Call:
    """What the connection must know of the call it carries.

    ``ends_at`` is on time.monotonic(), ``start_by`` on http.boottime().
    """

    ends_at: float
    start_by: float | None
    public_only: bool
    resolve: Resolve
    started: bool = False
    is_quiet: bool = False
    """Nobody writes into a log where it goes: a person's text says so."""
    may_receive: int | None = None
    """Bytes that may still come; None while nothing is read."""
    connect_timeout: float = 5.0
    """Seconds until the server has to be reached, on an event loop."""
    is_proxied: bool = False
    """It goes through a proxy, whose own address the operator chose."""
    is_late: bool = False
    """It was not begun: its start deadline had passed."""

    def remaining(self) -> float:
        """Return seconds until the deadline. Raises TimeoutError after it."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the call took longer than its deadline")
        return left

    def receive(self, count: int) -> None:
        """Count what came in. Raises OSError when it is more than a response may have."""
        if self.may_receive is not None:
            self.may_receive -= count
            if self.may_receive < 0:
                raise OSError("the answer is too large")


current_call: ContextVar[Call] = ContextVar("call")


class _DeadlineReader(io.RawIOBase):
    """Reads a socket, each time for no longer than the whole call still may take."""

    def __init__(self, sock: DeadlineSocket, held: io.RawIOBase) -> None:
        self._sock, self._held = sock, held

    def close(self) -> None:
        self._held.close()
        super().close()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        call = current_call.get(None)
        if call is None:
            return int(self._sock.recv_into(buffer))
        self._sock.keep(call)
        received = int(self._sock.recv_into(buffer))
        call.receive(received)
        return received


class DeadlineSocket:
    """A socket whose reader keeps the deadline; everything else is the socket's own."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._timeout = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def keep(self, call: Call) -> None:
        """Let the next operation take no longer than the call still may.

        Up to a twentieth of a second is let pass: setting it is a call to the system, which makes
        other threads wait for this one.
        """
        remaining = call.remaining()
        if not 0 <= self._timeout - remaining < 0.05:
            self._timeout = remaining
            self._sock.settimeout(remaining)

    def never_wait(self) -> None:
        """Let the next operation take no time at all."""
        self._timeout = -1.0
        self._sock.settimeout(0)

    def send_at_once(self, data: bytes) -> int:
        """Write without waiting; return how many bytes that were, often all of them."""
        try:
            return int(self._sock.send(data))
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def makefile(self, *args: Any, **kwargs: Any) -> io.BufferedReader:
        """Return a reader that keeps the deadline."""
        # The socket counts its real readers: close() comes early and has to wait for the last.
        return io.BufferedReader(_DeadlineReader(self, self._sock.makefile("rb", 0)))
