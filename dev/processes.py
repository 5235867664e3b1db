"""Start, stop and sweep up the processes of `make run`."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Printer

#: Every process of a checkout carries the checkout's path in this variable.
MARK = "TWEET_LATER_CHECKOUT"
#: The others need it to finish, so it stops last.
LAST = "redis"
PATIENCE = 4.0


class Processes(Manager):
    """honcho's manager, with an order in which things stop."""

    def __init__(self, after_start: Callable[[], None]) -> None:
        """Call ``after_start`` in a thread of its own once all processes were started."""
        super().__init__(printer=Printer(sys.stdout))
        self._terminating: bool = False
        self._after_start = after_start

    def add_procfile(self, procfile: Path, env: dict[str, str], skipped: frozenset[str]) -> None:
        """Add the lines of a Procfile, except those that are skipped."""
        for name, command in parse_procfile(procfile.read_text()).processes.items():
            if name not in skipped:
                self.add_process(name, command, env=env, cwd=str(procfile.parent))

    def _start(self) -> None:
        super()._start()
        # Not earlier: honcho forks, and a fork does not mix with running threads.
        threading.Thread(target=self._after_start, daemon=True).start()

    def terminate(self) -> None:
        """Ask all processes to stop, the last one when the others have gone."""
        if not self._terminating:
            self._terminating = True
            threading.Thread(target=self._stop_in_order, daemon=True).start()

    def _stop_in_order(self) -> None:
        others = [name for name in self._processes if name != LAST]
        for name in others:
            self._stop(name)
        wait_until(lambda: all(self._has_stopped(name) for name in others), PATIENCE)
        if LAST in self._processes:
            self._stop(LAST)

    def _stop(self, name: str) -> None:
        wait_until(lambda: "pid" in self._processes[name], 1)
        if not self._has_stopped(name) and "pid" in self._processes[name]:
            self._procmgr.terminate(self._processes[name]["pid"])

    def _has_stopped(self, name: str) -> bool:
        return "returncode" in self._processes[name]


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition, at most so many seconds; return whether it came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def marked(checkout: str) -> list[psutil.Process]:
    """Return the running processes that a `make run` of this checkout started."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == checkout and process.pid != psutil.Process().pid:
                found.append(process)
    return found


def sweep(checkout: str, patience: float = PATIENCE) -> int:
    """Stop whatever a `make run` of this checkout left behind; return how many there were.

    :param patience: seconds between asking and killing.
    """
    found = marked(checkout)
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(found, timeout=patience)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=patience)
    return len(found)
