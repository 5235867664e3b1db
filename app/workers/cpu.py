"""How the operating system shares a processor among the threads of a worker."""

from __future__ import annotations

import contextlib
import os


def switch_less() -> None:
    """Let a thread that releases the interpreter's lock make its system call first.

    Usually the thread that this wakes takes over the processor. A call that has just checked its
    start deadline would then wait, and if the process is stopped during that wait, the call would
    begin long after the deadline. New threads and processes inherit the setting. Linux only.
    """
    if hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
