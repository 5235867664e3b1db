"""What processes cost, as the operating system counts it."""

from __future__ import annotations

from collections.abc import Iterable

import psutil


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
