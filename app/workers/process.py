"""What a worker process asks of the operating system: the processor, and open files."""

from __future__ import annotations

import contextlib
import os
import resource

MAX_OPEN_FILES = 8_192
"""Connections to networks, beside a few to the database and Redis. Each is an open file, and most
systems allow 1,024 unless a process asks for more."""


def allow_many_files() -> None:
    """Raise the number of files that may be open, as far as the system lets us.

    A worker has up to 512 calls under way, and keeps the connections of the last two seconds.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MAX_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def switch_less() -> None:
    """Let a thread that releases the interpreter's lock make its system call first.

    Usually the thread that this wakes takes over the processor. A call that has just checked its
    start deadline would then wait, and if the process is stopped during that wait, the call would
    begin long after the deadline. New threads and processes inherit the setting. Linux only.
    """
    if hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
