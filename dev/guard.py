"""Watch over a `make run` that cannot look after itself any more.

``python -m dev.guard RUN PARENT`` waits in a session of its own. When the process RUN was killed,
it stops what RUN had started. When PARENT (make) was killed and RUN was not told, it tells RUN.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import psutil

from dev.processes import MARK, sweep

PAUSE = 0.5


def main(run: int, parent: int) -> None:
    """Wait for the end of the run.

    :param run: the process whose children this one looks after; it must be our own parent.
    :param parent: the process that started the run, or 0 when its end means nothing.
    """
    while os.getppid() == run:
        if parent and has_lost(run, parent):
            os.kill(run, signal.SIGTERM)
            parent = 0
        time.sleep(PAUSE)
    checkout = os.environ[MARK]
    sweep(checkout)
    (Path(checkout) / "instance" / "run.env").unlink(missing_ok=True)


def has_lost(run: int, parent: int) -> bool:
    """True when a process lives on without the parent that started it."""
    try:
        return psutil.Process(run).ppid() != parent
    except psutil.Error:
        return False


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
