"""A system that gives a process few threads: calls wait for one, and none is forgotten."""

from __future__ import annotations

import subprocess
import sys

from tests.support.sandbox import ROOT

PROGRAM = """
import resource, threading
from app.delivery.executor import Executor

executor = Executor(400, "call")
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 300_000_000,) * 2)
may_end, done = threading.Event(), []

def work(number):
    may_end.wait()
    done.append(number)

for number in range(400):
    executor.begin(work, number)
few = threading.active_count()
may_end.set()
executor.shutdown()
print(few < 300, sorted(done) == list(range(400)))
"""
"""Address space for a few dozen stacks of threads is left."""


def test_fewer_threads_than_calls() -> None:
    """All calls are made, though the system refuses most of the threads."""
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout.split() == ["True", "True"], ran.stderr[-2000:]
