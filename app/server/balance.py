"""Which process takes a new connection: the system alone would give most of them to one process."""

from __future__ import annotations

import mmap
import struct

PROCESSES = 64
"""The most processes that are told apart."""
TOO_OLD = 3.0
"""Seconds after which what a process said counts no more: it stands still, or was killed."""
SPOKEN = struct.Struct("=dq")
"""When a process spoke, by the monotonic clock, which all processes share; its connections."""


class Balance:
    """How many connections each process has, in memory that the processes share.

    Make it before the processes are divided off.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, PROCESSES * SPOKEN.size)

    def say(self, process: int, connections: int, now: float) -> None:
        """Tell the others how many connections a process has."""
        SPOKEN.pack_into(self._memory, process % PROCESSES * SPOKEN.size, now, connections)

    def leave(self, process: int) -> None:
        """Count no more, because the process stops."""
        self.say(process, 0, 0.0)

    def has_many(self, process: int, connections: int, now: float) -> bool:
        """Return whether another process should take the next connection.

        One more than it has is no reason to wait, nor are a few more where there are hundreds.
        """
        others = [
            count
            for number, (spoken, count) in enumerate(SPOKEN.iter_unpack(self._memory[:]))
            if number != process % PROCESSES and now - spoken < TOO_OLD
        ]
        return bool(others) and connections > min(others) + 1 + connections // 8
