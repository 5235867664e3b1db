"""What processes cost, as the operating system counts it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Self

import psutil

LONGEST = 300.0
QUIET = 0.3
"""CPU seconds in two seconds below which processes have nothing left to do but wait."""
LOOK_EVERY = 0.5


class Meter:
    """User and system CPU seconds of process trees, children that have ended included."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = list(pids)
        self._start = self._total()

    def restart(self) -> None:
        """Count from now on."""
        self._start = self._total()

    def seconds(self) -> float:
        """Return CPU seconds since the start."""
        return self._total() - self._start

    def _total(self) -> float:
        return sum(_cpu(process) for pid in self._pids for process in tree(pid))


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and all its living descendants; empty when it has ended."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu(process: psutil.Process) -> float:
    """A process that ends moves its time into its parent's ``children_*``."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process tree in MB."""
    total = 0
    for process in tree(pid):
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total / 1e6


def pss_mib(pid: int) -> float:
    """Return the memory of a process tree in MiB, shared pages divided among those who share them.

    Resident memory where the system does not count that (PSS is Linux's).
    """
    total = 0
    for process in tree(pid):
        try:
            memory = process.memory_full_info()
        except psutil.Error:
            continue
        total += getattr(memory, "pss", memory.rss)
    return total / 2**20


def threads(pid: int) -> int:
    """Return how many threads a process tree has."""
    total = 0
    for process in tree(pid):
        try:
            total += process.num_threads()
        except psutil.Error:
            continue
    return total


def until_quiet(*pids: int) -> None:
    """Wait until processes do no more than tick."""
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        meter = Meter(pids)
        time.sleep(2)
        if meter.seconds() < QUIET:
            return


class Peak:
    """The most threads and memory that a process tree had inside the ``with`` block."""

    def __init__(self, pid: int) -> None:
        self.threads = 0
        self.mib = 0.0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def look(self) -> None:
        """Take notice of how it is now."""
        self.threads = max(self.threads, threads(self._pid))
        self.mib = max(self.mib, pss_mib(self._pid))

    def _watch(self) -> None:
        while not self._over.wait(LOOK_EVERY):
            self.look()
