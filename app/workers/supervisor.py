"""The additional processes of a worker, because one Python process uses only one core.

Each is a complete worker on the same rows; any number of them is safe. They hold the reading end of
a pipe from the first process. So they notice when it ends, for any reason, and stop cleanly.

They are divided off the first process before it has a thread or a connection, so all share the
memory of what was loaded by then. A successor of one that died comes too late for that: it is a new
program.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from sqlalchemy.orm import configure_mappers

from app.kinds import KINDS
from app.shutdown import ENDS_WITH_INPUT, PROCESSES_SECONDS, stopping

log = logging.getLogger(__name__)

IS_ONE = "TWEET_LATER_FURTHER_PROCESS"
PAUSE = 3.0
"""Seconds before a process that ended is started again."""
CAN_DIVIDE = sys.platform == "linux"
"""macOS ends processes that are divided and then ask it for, say, its proxies."""
LOADED_BY_EACH = (
    "aiohttp",
    "billiard.pool",
    "celery.app.control",
    "celery.backends.redis",
    "celery.concurrency.thread",
    "celery.events.receiver",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer.delayed_delivery",
    "kombu.transport.redis",
    *{kind.service.partition(":")[0] for kind in KINDS.values() if kind.service},
    "flask_mailman.backends.smtp",
)
"""What a worker loads when it begins, with its first tweet, or with what it does at intervals."""


class _Forked:
    """A process that was divided off, with what the supervisor needs of a Popen."""

    def __init__(self, pid: int, stdin: IO[bytes]) -> None:
        self._pid = pid
        self.stdin = stdin

    def wait(self) -> int:
        """Return its exit code, as Popen does."""
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


_Process = subprocess.Popen[bytes] | _Forked


class ProcessSupervisor:
    """Keeps the additional processes of this worker running until it stops."""

    def __init__(self, count: int) -> None:
        self._stopping = threading.Event()
        self._stop_ends = 0.0
        self._count = count if _may_lead() else 0
        self._living: set[_Process] = set()
        self._keepers: list[threading.Thread] = []

    def divide(self) -> None:
        """Begin the processes. This returns in each of them, too; there it leads nobody.

        Call it before anything starts a thread, opens a connection or makes up a name for itself.
        """
        _load_what_is_shared()
        begun: list[_Process] = []
        for _ in range(self._count):
            process = _divide_off(begun) if CAN_DIVIDE else _start()
            if process is None:
                self._count = 0
                return
            begun.append(process)
        self._keepers = [
            threading.Thread(target=self._keep, args=[one], name=f"process-{n}", daemon=True)
            for n, one in enumerate(begun, start=2)
        ]

    def start(self) -> None:
        """Watch over them; each has a successor if it ends before it should."""
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

    def _keep(self, process: _Process) -> None:
        while True:
            self._living.add(process)
            if self._stopping.is_set():
                _let_go(process)
            code = process.wait()
            self._living.discard(process)
            if not code and not self._stopping.is_set():
                log.info("a worker process has ended, as it was asked to")
                return
            if not self._stopping.is_set():
                log.warning("a worker process ended with %s and is started again", code)
                self._stopping.wait(PAUSE)
            if self._stopping.is_set():
                return
            process = _start()


def stop_with_the_first() -> None:
    """In a process that somebody else keeps: stop cleanly when that one has ended.

    That is the first process of this worker or, for the first one itself, a web process.
    """
    if os.environ.get(IS_ONE) or os.environ.get(ENDS_WITH_INPUT):
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


def _load_what_is_shared() -> None:
    """Load what every worker process loads sooner or later, so that it is in memory once."""
    for name in LOADED_BY_EACH:
        importlib.import_module(name)
    configure_mappers()
    gc.collect()
    gc.freeze()  # the garbage collector's marks would copy every page


def _divide_off(before: list[_Process]) -> _Forked | None:
    """Divide this process; return the new one, or None in it.

    :param before: further processes there are already; the new one lets go of their pipes.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(reading)
        return _Forked(pid, os.fdopen(writing, "wb"))
    os.close(writing)
    for one in before:
        _let_go(one)
    os.dup2(reading, 0)
    os.close(reading)
    os.environ[IS_ONE] = "1"
    return None


def _start() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "celery", *sys.argv[1:]]
    return subprocess.Popen(command, stdin=subprocess.PIPE, env={**os.environ, IS_ONE: "1"})


def _let_go(process: _Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
