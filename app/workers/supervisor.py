"""The additional processes of a worker, because one Python process uses only one core.

Each is a complete worker on the same rows; any number of them is safe. They hold the reading end of
a pipe from the first process. So they notice when it ends, for any reason, and stop cleanly.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from app.shutdown import PROCESSES_SECONDS, stopping

log = logging.getLogger(__name__)

IS_ONE = "TWEET_LATER_FURTHER_PROCESS"
PAUSE = 3.0
"""Seconds before a process that ended is started again."""


class ProcessSupervisor:
    """Keeps the additional processes of this worker running until it stops."""

    def __init__(self, count: int) -> None:
        self._stopping = threading.Event()
        self._stop_ends = 0.0
        self._living: set[subprocess.Popen[bytes]] = set()
        names = [f"process-{number + 2}" for number in range(count if _may_lead() else 0)]
        self._keepers = [threading.Thread(target=self._keep, name=n, daemon=True) for n in names]

    def start(self) -> None:
        """Start them; each is started again if it ends before it should."""
        for keeper in self._keepers:
            keeper.start()

    def stop_beginning(self, **_: object) -> None:
        """Tell them to stop when this process stops."""
        if not self._stopping.is_set():
            self._stop_ends = time.monotonic() + PROCESSES_SECONDS
        self._stopping.set()
        for process in list(self._living):
            _let_go(process)

    def stop_completely(self, **_: object) -> None:
        """Wait until they have ended."""
        self.stop_beginning()
        for keeper in self._keepers:
            keeper.join(max(0.0, self._stop_ends - time.monotonic()))

    def _keep(self) -> None:
        while not self._stopping.is_set():
            process = _start()
            self._living.add(process)
            if self._stopping.is_set():
                _let_go(process)
            code = process.wait()
            self._living.discard(process)
            if not self._stopping.is_set():
                log.warning("a worker process ended with %s and is started again", code)
                self._stopping.wait(PAUSE)


def stop_with_the_first() -> None:
    """In an additional process: stop cleanly when the first process has ended."""
    if os.environ.get(IS_ONE):
        threading.Thread(target=_stop_after_the_first, name="follower", daemon=True).start()


def _stop_after_the_first() -> None:
    while os.read(0, 1):
        pass
    if not stopping.is_set():
        os.kill(os.getpid(), signal.SIGTERM)


def _may_lead() -> bool:
    """Only a worker that was started as a program of its own knows how it was started."""
    program = Path(sys.argv[0])
    is_celery = program.name == "celery" or program.parent.name == "celery"
    return is_celery and not os.environ.get(IS_ONE)


def _start() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "celery", *sys.argv[1:]]
    return subprocess.Popen(command, stdin=subprocess.PIPE, env={**os.environ, IS_ONE: "1"})


def _let_go(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
