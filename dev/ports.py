"""Find ports that nobody uses, on loopback."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import tempfile
import time
from pathlib import Path
from typing import IO

LOOPBACK = "127.0.0.1"
TRIES = 100


def is_free(port: int) -> bool:
    """True when nobody answers on a loopback port and a server could listen there."""
    if answers(port):
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port that was closed a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """True when somebody listens on a loopback port."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


def next_free(first: int) -> int:
    """Return the first free port from ``first`` upwards.

    :raises SystemExit: when a hundred ports in a row are taken.
    """
    for port in range(first, first + TRIES):
        if is_free(port):
            return port
    raise SystemExit(f"No free port between {first} and {first + TRIES - 1}.")


class Turn:
    """A place in the queue of starting installations, one at a time for each user of the machine.

    Between choosing a port and listening on it another checkout could choose the same one.
    """

    def __init__(self) -> None:
        """Name the queue; nothing is taken yet."""
        self._path = Path(tempfile.gettempdir()) / f"tweet-later-{os.getuid()}.lock"
        self._file: IO[str] | None = None

    def take(self, patience: float = 30) -> None:
        """Wait for the turn, at most ``patience`` seconds; then go on without it."""
        deadline = time.monotonic() + patience
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
            self._file = os.fdopen(os.open(self._path, flags, 0o600), "w")
        except OSError:
            return
        while time.monotonic() < deadline:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                time.sleep(0.1)
            else:
                return

    def give_up(self) -> None:
        """Let the next one start."""
        if self._file:
            self._file.close()
            self._file = None
