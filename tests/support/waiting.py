"""Waiting for conditions instead of sleeping."""

from __future__ import annotations

import contextlib
import secrets
import socket
import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


PATIENCE = 180.0
"""Seconds that a test waits for what must happen: for the slowest machine, beside other tests."""
PROMPT = 6.0
"""Seconds within which something must be done that does not wait for a slow neighbour."""


def wait_for(condition: Callable[[], Value], seconds: float = PATIENCE, what: str = "") -> Value:
    """Return the condition's first truthy value; fail when there is none in time."""
    began = time.monotonic()
    while True:
        value = condition()
        if value:
            return value
        waited = time.monotonic() - began
        if waited > seconds:
            raise AssertionError(f"{what or condition} did not come true in {seconds} s")
        time.sleep(min(0.02 + waited / 20, 0.2))  # to look is work, which slows what is waited for


def free_port() -> int:
    """Return a loopback port that nobody listens on.

    Below those that the system gives to connections: none takes it before its server does, or
    while its server is restarted.
    """
    while True:
        port = 10_000 + secrets.randbelow(22_000)  # unlike random, the same for no two processes
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def listens(port: int) -> bool:
    """True when somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
