"""Starts and stops workers on this machine, as processes of the web process that decides.

Each has the reading end of a pipe of this process as its input, and stops by itself, as on SIGTERM,
when that ends. So a web process that is killed leaves no worker behind.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from app.autoscale.driver import Driver, ScalingFailed
from app.shutdown import ENDS_WITH_INPUT

log = logging.getLogger(__name__)

PROCFILE = Path(__file__).resolve().parents[2] / "Procfile"
STOP_SECONDS = 60.0
"""After which a worker that was told to stop is killed; what it leaves is settled by its leases."""


class LocalDriver(Driver):
    """Runs the Procfile's line ``worker``, once for each worker."""

    name: ClassVar[str] = "local"
    owns_workers: ClassVar[bool] = True

    def __init__(self, procfile: Path = PROCFILE) -> None:
        self._procfile = procfile
        self._running: list[subprocess.Popen[bytes]] = []
        self._leaving: dict[subprocess.Popen[bytes], float] = {}
        """Those that were told to stop, and when they are killed (time.monotonic())."""

    def scale(self, count: int) -> None:
        """Start workers, or tell those that began last to stop.

        :raises ScalingFailed: the system starts no process, or the Procfile has no worker.
        """
        while len(self._running) > count:
            self._tell_to_stop(self._running.pop())
        while len(self._running) < count:
            self._running.append(self._start())

    def count(self) -> int:
        """Return how many run, without those that were told to stop.

        :raises ScalingFailed: one has ended that should not have; it is not counted any more.
        """
        self._bury()
        ended = [one for one in self._running if one.poll() is not None]
        self._running = [one for one in self._running if one not in ended]
        for one in ended:
            _end_input(one)
        if failed := [one.returncode for one in ended if one.returncode]:
            raise ScalingFailed(f"a worker ended with {failed[0]}")
        return len(self._running)

    def let_go(self) -> None:
        """Tell all of them to stop."""
        self.scale(0)
        self._bury()

    def join(self, seconds: float) -> None:
        """Wait until those that were told to stop have ended."""
        ends = time.monotonic() + seconds
        for process in list(self._leaving):
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, ends - time.monotonic()))

    def _start(self) -> subprocess.Popen[bytes]:
        programs = Path(sys.executable).parent
        path = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        try:
            return subprocess.Popen(
                ["/bin/sh", "-c", self._line()],
                cwd=self._procfile.parent,
                env={**os.environ, "PATH": path, ENDS_WITH_INPUT: "1"},
                stdin=subprocess.PIPE,
            )
        except OSError as error:
            raise ScalingFailed(f"no worker can be started: {error.strerror}") from None

    def _line(self) -> str:
        try:
            lines = self._procfile.read_text("utf-8").splitlines()
        except OSError as error:
            raise ScalingFailed(f"the Procfile cannot be read: {error.strerror}") from None
        for line in lines:
            name, _, command = line.partition(":")
            if name.strip() == "worker":
                return command.strip()
        raise ScalingFailed("the Procfile has no line for a worker")

    def _tell_to_stop(self, process: subprocess.Popen[bytes]) -> None:
        _end_input(process)
        self._leaving[process] = time.monotonic() + STOP_SECONDS

    def _bury(self) -> None:
        for process, until in list(self._leaving.items()):
            if process.poll() is not None:
                del self._leaving[process]
            elif time.monotonic() > until:
                log.warning("a worker did not stop in %g seconds and is killed", STOP_SECONDS)
                process.kill()


def _end_input(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
