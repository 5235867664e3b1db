"""How the operating system shares a processor among the threads of a worker."""

from __future__ import annotations

import contextlib
import os


def switch_less() -> None:
    """Let a thread that gives up the interpreter's lock come to its system call first.

    Usually the thread it wakes by that takes its processor. A call that has looked at its
    start deadline would wait there, and when the process is stopped meanwhile, begin long after it.
    Threads and processes started from now on do the same. Only Linux can be asked.
    """
    if hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
